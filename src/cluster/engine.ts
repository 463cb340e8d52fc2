/**
 * What nodes coordinate through: an existing distributed system, seen as a directory with compare-and-set, leases,
 * messages and durable blobs. `engines/embedded.ts` is one for the nodes of one machine, `engines/nats.ts` one over NATS
 * JetStream; both pass the same suite. Bytes go in and come out: what they mean is the caller's concern.
 *
 * Nothing on a hot path may wait for the directory, the leases or the blobs: while a cluster elects a new leader they
 * stand still for seconds. Messages go on meanwhile.
 *
 * Names (keys, subjects, names of leases and blobs) are paths: segments of any text but "/", joined by "/", at most
 * `CLUSTER_PATH_MAX_BYTES` in all. A prefix is "" for everything, or a path and "/" at its end for everything below it.
 */

/** A node's connection to its cluster. Several of them, in one OS process or in many, see one cluster. */
export interface Engine {
  readonly directory: Directory;
  readonly leases: Leases;
  readonly messages: Messages;
  readonly blobs: Blobs;
  /**
   * Stops everything that was begun through this connection and disconnects. Leases that are still held are given up
   * without being released: they expire. Calls that are under way fail with ECANCELED.
   */
  close(): Promise<void>;
}

/** What was begun and goes on until it is stopped. */
export interface Subscription {
  /** Nothing is told any more once this returns. */
  stop(): void;
}

export interface CallOptions {
  /** How long the call may take, ms. */
  readonly timeoutMs?: number;
}

/** A value of the directory. */
export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  /**
   * Greater with every write, of any key, and never used again: not after the key was deleted and created anew either.
   * So it serves as an epoch: whoever holds an older one is told so by every compare-and-set.
   */
  readonly revision: number;
}

/**
 * What a watcher is told. `put`: the key has this value now. `delete`: the entry with this revision is gone. `current`:
 * what the directory held at the start has been told; comes once.
 */
export type Change =
  | { readonly kind: "put"; readonly entry: Entry }
  | { readonly kind: "delete"; readonly key: string; readonly revision: number }
  | { readonly kind: "current" };

/**
 * Small durable values by key, each changed only by compare-and-set. A write that was acknowledged survives the death of
 * every client, of the embedded engine's process and of a minority of NATS servers.
 *
 * While the store cannot be reached, a call tries again until its time is over (`CLUSTER_STORE_TIMEOUT_MS` unless said
 * otherwise), without ever writing twice. Then it fails with ETIMEDOUT, and whether a write took place is not known: read
 * to learn it, so put something into the value that tells this write from others.
 */
export interface Directory {
  /** The key's entry, or nothing. @throws GodwitError EINVAL, ETIMEDOUT or ECLUSTER, as every method here. */
  get(key: string, options?: CallOptions): Promise<Entry | undefined>;
  /** Writes a key that is not there; answers with its revision. @throws GodwitError EEXIST, ENOSPC. */
  create(key: string, value: Uint8Array, options?: CallOptions): Promise<number>;
  /**
   * Writes a key whose entry has `revision`; answers with the new one.
   * @throws GodwitError ESTALE when the entry has another revision or is gone; ENOSPC.
   */
  replace(key: string, value: Uint8Array, revision: number, options?: CallOptions): Promise<number>;
  /** Deletes the key's entry. @throws GodwitError ESTALE when it has another revision or is gone. */
  delete(key: string, revision: number, options?: CallOptions): Promise<void>;
  /** The entries below `prefix`, by key in the order of code units. */
  list(prefix: string, options?: CallOptions): Promise<Entry[]>;
  /**
   * Tells what is below `prefix` and then every change of it, the changes of a key in the order of their revisions. Of
   * several changes in quick succession only the last may be told, but the last always is: after a broken connection,
   * what changed meanwhile, deletions included, is told when it is up again. Goes on until it is stopped.
   */
  watch(prefix: string, onChange: (change: Change) => void): Subscription;
}

/** A lease as its record says, held by someone. */
export interface Holding {
  readonly name: string;
  /** Of two holders of one name the later has the greater token; the record's revision in the directory. */
  readonly token: number;
  /** What the holder says of itself. */
  readonly value: Uint8Array;
}

/** A lease is held, or its holding with this token has ended: it was released, or its holder fell silent. */
export type LeaseChange =
  | { readonly kind: "held"; readonly holding: Holding }
  | { readonly kind: "ended"; readonly name: string; readonly token: number }
  | { readonly kind: "current" };

/** A lease that this engine holds. */
export interface Lease extends Holding {
  /**
   * False once it was lost or released, and as long as the holder cannot know whether others take it for dead: nothing that
   * only one may do may be done then. A process that was stopped for a while sees it before anything else runs. True again
   * when the holder has written its record: nobody had taken it for dead.
   */
  readonly held: boolean;
  /** Resolves with the reason when the lease was ended by others; never when it is released or the engine closed. */
  readonly lost: Promise<Error>;
  /** Lets the name go at once. */
  release(): Promise<void>;
}

export interface LeaseOptions {
  /** The holder's silence after which the lease ends: about this long, to twice as long. */
  readonly ttlMs?: number;
}

/**
 * Names that are held by one holder at a time, for as long as it lives. The holder tells that it lives by messages, so
 * neither that nor noticing its death waits for the store; the end of a holding is the deletion of its record, which
 * happens once and is told to all. Whoever watches or waits for a lease also takes part in noticing deaths; who is cut off
 * itself, or was stopped, does not take others for dead.
 *
 * Where messages may reach some and not others (several servers), a holder goes by who of the other holders hears it: with a
 * majority it holds its lease while the store stands still, for `LEASE_UNCONFIRMED_MAX_MS`; without one it must write its
 * record all the time. Who ends its lease has seen that it can have neither. When half of the holders or more die at once,
 * that is seen only after `LEASE_UNCONFIRMED_MAX_MS`.
 *
 * A lease says who is alive. What must have one owner goes by the directory's revisions, which a deposed owner cannot
 * pass.
 */
export interface Leases {
  /** @throws GodwitError EEXIST when the name is held; else as the directory. */
  acquire(name: string, value: Uint8Array, options?: LeaseOptions): Promise<Lease>;
  /** Whether a name is held, as the store has it now. @throws GodwitError as the directory. */
  isHeld(name: string): Promise<boolean>;
  /** Tells which leases are held and every change of that. */
  watch(onChange: (change: LeaseChange) => void): Subscription;
}

/** Answers a request; an error that it throws is thrown at the requester: coded ones with their code, others as ENODE. */
export type Handler = (body: Uint8Array, subject: string) => Uint8Array | Promise<Uint8Array>;

/** Messages between engines, at most once each; nothing is stored. Bodies have at most `CLUSTER_MESSAGE_MAX_BYTES`. */
export interface Messages {
  /**
   * Asks whoever serves `subject`, one of them when there are several, and answers with the reply.
   * @throws GodwitError ENONODE at once when nobody serves it; ETIMEDOUT when there is no reply within `timeoutMs`
   * (`CLUSTER_REQUEST_TIMEOUT_MS` unless said otherwise) and ECONNRESET when the connection broke meanwhile: it may have been
   * carried out; EAGAIN when the server has too many requests; what the handler threw.
   */
  request(subject: string, body: Uint8Array, options?: CallOptions): Promise<Uint8Array>;
  /** Serves `subject`, after a broken connection again. At most `CLUSTER_SERVED_AT_ONCE_MAX` requests are under way. */
  serve(subject: string, handler: Handler): Promise<Subscription>;
  /** Tells everyone who listens. Nobody may hear it: not while the connection is down, nor who is too slow. */
  publish(subject: string, body: Uint8Array): void;
  /** Listens to a subject, or to all below a prefix. Events of one publisher come in order. */
  subscribe(subject: string, onEvent: (body: Uint8Array, subject: string) => void): Promise<Subscription>;
}

/** What is known of a blob. */
export interface BlobFacts {
  readonly name: string;
  readonly sizeBytes: number;
  /** Of its content, in hexadecimal. */
  readonly sha256: string;
  /** When it was stored: wall-clock time of the machine that did, ms since 1970. */
  readonly storedMs: number;
}

export interface Blob extends BlobFacts {
  /**
   * Its bytes, to be gone through once. They are only to be trusted when the end is reached: it throws ECORRUPT where
   * they are not what was stored, ESTALE where the blob was replaced or deleted meanwhile, and else as {@link Blobs.get}.
   */
  readonly content: AsyncIterable<Uint8Array>;
}

/**
 * Large durable values by name. Segments of a name have at most `BLOB_SEGMENT_MAX_BYTES`, and a content has at most
 * `BLOB_MAX_BYTES`.
 */
export interface Blobs {
  /**
   * Stores a content, whole or not at all, in place of what has the name; durable when it resolves. What an iterable
   * throws is thrown on, and nothing is stored. @throws GodwitError ENOSPC, EMSGSIZE, EIO, ETIMEDOUT or ECLUSTER.
   */
  put(name: string, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<BlobFacts>;
  /** @throws GodwitError ENOENT; ECORRUPT for one that was cut short; EIO, ETIMEDOUT or ECLUSTER. */
  get(name: string): Promise<Blob>;
  /** Whether there was one. */
  delete(name: string): Promise<boolean>;
  /** The blobs below `prefix`, by name in the order of code units; those that cannot be read as blobs are left out. */
  list(prefix: string): Promise<BlobFacts[]>;
}
