/**
 * An engine out of what an existing system provides (a store, messages, blobs): arguments are checked here, once for all
 * engines; leases are made of the store and messages; and both have a room of their own there.
 */

import { assert } from "../assert.ts";
import { failure } from "../errors.ts";
import { CLUSTER_MESSAGE_MAX_BYTES, DIRECTORY_VALUE_MAX_BYTES } from "../limits.ts";
import type {
  Blobs,
  CallOptions,
  Change,
  Directory,
  Engine,
  Entry,
  Handler,
  Leases,
  Messages,
  Subscription,
} from "./engine.ts";
import { LeaseTable } from "./lease.ts";
import { checkBlobName, checkPath, checkPrefix } from "./path.ts";

/** What an existing system provides. Arguments are valid when they get here. */
export interface Ground {
  readonly directory: Directory;
  readonly messages: Messages;
  readonly blobs: Blobs;
  /** Whether messages and the store go through one server: who hears its own messages reaches the store then. */
  isHub(): boolean;
  close(): Promise<void>;
}

export function assemble(ground: Ground): Engine {
  return new AssembledEngine(ground);
}

class AssembledEngine implements Engine {
  readonly directory: Directory;
  readonly messages: Messages;
  readonly blobs: Blobs;
  readonly #leases: LeaseTable;
  readonly #ground: Ground;

  constructor(ground: Ground) {
    this.#ground = ground;
    this.directory = new DirectoryRoom(ground.directory, "data/");
    this.messages = new MessageRoom(ground.messages, "data/");
    this.blobs = new CheckedBlobs(ground.blobs);
    const room = "lease/";
    this.#leases = new LeaseTable({
      directory: new DirectoryRoom(ground.directory, room),
      messages: new MessageRoom(ground.messages, room),
      isHub: () => ground.isHub(),
    });
  }

  get leases(): Leases {
    return this.#leases;
  }

  async close(): Promise<void> {
    this.#leases.close();
    await this.#ground.close();
  }
}

/** A part of the directory: what is below one prefix, which its users do not see. */
class DirectoryRoom implements Directory {
  readonly #whole: Directory;
  readonly #prefix: string;

  constructor(whole: Directory, prefix: string) {
    this.#whole = whole;
    this.#prefix = prefix;
  }

  async get(key: string, options?: CallOptions): Promise<Entry | undefined> {
    const entry = await this.#whole.get(this.#key(key), options);
    return entry === undefined ? undefined : this.#own(entry);
  }

  async create(key: string, value: Uint8Array, options?: CallOptions): Promise<number> {
    checkValue(key, value);
    return this.#whole.create(this.#key(key), value, options);
  }

  async replace(key: string, value: Uint8Array, revision: number, options?: CallOptions): Promise<number> {
    checkValue(key, value);
    checkRevision(key, revision);
    return this.#whole.replace(this.#key(key), value, revision, options);
  }

  async delete(key: string, revision: number, options?: CallOptions): Promise<void> {
    checkRevision(key, revision);
    await this.#whole.delete(this.#key(key), revision, options);
  }

  async list(prefix: string, options?: CallOptions): Promise<Entry[]> {
    checkPrefix(prefix, "the prefix");
    const entries = await this.#whole.list(this.#prefix + prefix, options);
    return entries.map((entry) => this.#own(entry));
  }

  watch(prefix: string, onChange: (change: Change) => void): Subscription {
    checkPrefix(prefix, "the prefix");
    const tell = loud(onChange);
    return this.#whole.watch(this.#prefix + prefix, (change) => {
      if (change.kind === "put") tell({ kind: "put", entry: this.#own(change.entry) });
      else if (change.kind === "delete") tell({ ...change, key: this.#ownKey(change.key) });
      else tell(change);
    });
  }

  #key(key: string): string {
    checkPath(key, "the key");
    return this.#prefix + key;
  }

  #own(entry: Entry): Entry {
    return { ...entry, key: this.#ownKey(entry.key) };
  }

  #ownKey(key: string): string {
    assert(key.startsWith(this.#prefix), "the directory answers with keys below the prefix that was asked for");
    return key.slice(this.#prefix.length);
  }
}

function checkValue(key: string, value: Uint8Array): void {
  if (value.length <= DIRECTORY_VALUE_MAX_BYTES) return;
  const size = `${value.length} bytes, at most ${DIRECTORY_VALUE_MAX_BYTES} are allowed`;
  throw failure("EMSGSIZE", `the value for ${key} has ${size}: put what is large into a blob`);
}

function checkRevision(key: string, revision: number): void {
  if (Number.isSafeInteger(revision) && revision > 0) return;
  throw failure("EINVAL", `${String(revision)} is no revision of ${key}: take the one of an entry`);
}

/** Subjects below one prefix, which its users do not see. */
class MessageRoom implements Messages {
  readonly #whole: Messages;
  readonly #prefix: string;

  constructor(whole: Messages, prefix: string) {
    this.#whole = whole;
    this.#prefix = prefix;
  }

  async request(subject: string, body: Uint8Array, options?: CallOptions): Promise<Uint8Array> {
    return this.#whole.request(this.#subject(subject, body), body, options);
  }

  async serve(subject: string, handler: Handler): Promise<Subscription> {
    return this.#whole.serve(this.#subject(subject), (body, asked) => handler(body, this.#own(asked)));
  }

  publish(subject: string, body: Uint8Array): void {
    this.#whole.publish(this.#subject(subject, body), body);
  }

  async subscribe(subject: string, onEvent: (body: Uint8Array, subject: string) => void): Promise<Subscription> {
    if (subject === "" || subject.endsWith("/")) checkPrefix(subject, "the prefix of subjects");
    else checkPath(subject, "the subject");
    const tell = loud(onEvent);
    return this.#whole.subscribe(this.#prefix + subject, (body, told) => tell(body, this.#own(told)));
  }

  #subject(subject: string, body?: Uint8Array): string {
    checkPath(subject, "the subject");
    if (body !== undefined && body.length > CLUSTER_MESSAGE_MAX_BYTES) {
      const size = `${body.length} bytes, at most ${CLUSTER_MESSAGE_MAX_BYTES} are allowed`;
      throw failure("EMSGSIZE", `the message to ${subject} has ${size}`);
    }
    return this.#prefix + subject;
  }

  #own(subject: string): string {
    return subject.slice(this.#prefix.length);
  }
}

class CheckedBlobs implements Blobs {
  readonly #blobs: Blobs;

  constructor(blobs: Blobs) {
    this.#blobs = blobs;
  }

  async put(name: string, content: Uint8Array | AsyncIterable<Uint8Array>) {
    checkBlobName(name);
    return this.#blobs.put(name, content);
  }

  async get(name: string) {
    checkBlobName(name);
    return this.#blobs.get(name);
  }

  async delete(name: string) {
    checkBlobName(name);
    return this.#blobs.delete(name);
  }

  async list(prefix: string) {
    checkPrefix(prefix, "the prefix");
    return this.#blobs.list(prefix);
  }
}

/** A callback whose error ends the OS process, as our own bugs do, and not the connection that it was called from. */
function loud<A extends readonly unknown[]>(callback: (...args: A) => void): (...args: A) => void {
  return (...args) => {
    try {
      callback(...args);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  };
}
