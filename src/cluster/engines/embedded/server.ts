/** The embedded engine's server: it has the store open, and connects the clients that come over its socket. */

import { chmodSync, mkdirSync, rmSync, statSync } from "node:fs";
import { type Server, createServer } from "node:net";
import { join } from "node:path";
import { GodwitError, failure } from "../../../errors.ts";
import {
  CLUSTER_CALLS_MAX,
  CLUSTER_CONNECTIONS_MAX,
  CLUSTER_SUBSCRIPTIONS_MAX,
  SOCKET_PATH_MAX_BYTES,
  TOMBSTONE_MS,
} from "../../../limits.ts";
import { PatternIndex } from "../../pattern-index.ts";
import { prepareBlobFolder } from "./blob-folder.ts";
import { Peer } from "./peer.ts";
import type { ClientMessage } from "./protocol.ts";
import { Router } from "./router.ts";
import { Store, type Write, type Written } from "./store.ts";
import { Watcher } from "./watcher.ts";

export interface EmbeddedServerOptions {
  /** Where everything durable is kept. It is made if it is not there; no one else may write in it. */
  readonly folder: string;
  /** The socket's path; `engine.sock` in the folder unless it is given. */
  readonly socket?: string;
  /** Whether what is written is to outlive the machine's loss of power, and waits for its disk; true unless it is said. */
  readonly lasting?: boolean;
}

/** The engine for the nodes of one machine, while its OS process runs. */
export interface EmbeddedServer {
  /** What clients connect to. */
  readonly socket: string;
  close(): Promise<void>;
}

/**
 * Starts the engine over what its folder holds.
 * @throws GodwitError ECLUSTER when another process has the folder, EPERM when others may write in it, EINVAL for a socket's
 * path that is too long, ECORRUPT, EIO.
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const { folder, socket = join(folder, "engine.sock"), lasting = true } = options;
  if (Buffer.byteLength(socket) > SOCKET_PATH_MAX_BYTES) {
    throw failure(
      "EINVAL",
      `the socket's path ${socket} is longer than ${SOCKET_PATH_MAX_BYTES} bytes: choose a shorter`,
    );
  }
  preparePrivateFolder(folder);
  const blobs = await prepareBlobFolder(folder);
  const hub = new Hub(new Store(folder, lasting), blobs);
  try {
    // Whoever has the database open is the engine: a socket that is there was left behind.
    rmSync(socket, { force: true });
    const server = await listen(hub, socket);
    return { socket, close: () => closeServer(server, hub) };
  } catch (error) {
    hub.close();
    throw error;
  }
}

function preparePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const status = statSync(folder);
  const uid = process.getuid?.() ?? status.uid;
  if (status.uid === uid && (status.mode & 0o022) === 0) return;
  throw failure("EPERM", `others may write in the engine's folder ${folder}: chmod 700 it, or choose one of your own`);
}

async function listen(hub: Hub, socket: string): Promise<Server> {
  const server = createServer((connection) => hub.connect(new Peer(connection, hub.blobs, hub)));
  server.maxConnections = CLUSTER_CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(failure("EIO", `cannot listen at ${socket}: ${String(error)}`, error)));
    server.listen(socket, resolve);
  });
  chmodSync(socket, 0o600);
  return server;
}

async function closeServer(server: Server, hub: Hub): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  hub.close();
  await closed;
}

/** A write that waits for its turn to be put on disk, and whom to answer. */
interface Waiting extends Write {
  readonly peer: Peer;
  readonly id: number;
}

class Hub {
  readonly blobs: string;
  readonly #store: Store;
  readonly #peers = new Set<Peer>();
  readonly #router = new Router();
  readonly #watchers = new PatternIndex<{ readonly peer: Peer; readonly watcher: Watcher }>();
  readonly #sweeps: NodeJS.Timeout;
  /** Bounded by the calls that each connection may have under way. */
  #writes: Waiting[] = [];

  constructor(store: Store, blobs: string) {
    this.#store = store;
    this.blobs = blobs;
    const sweep = () => store.sweep(Date.now());
    sweep();
    this.#sweeps = setInterval(sweep, TOMBSTONE_MS / 4).unref();
  }

  connect(peer: Peer): void {
    this.#peers.add(peer);
  }

  close(): void {
    clearInterval(this.#sweeps);
    this.#commit();
    for (const peer of this.#peers) peer.close();
    this.#store.close();
  }

  closed(peer: Peer): void {
    this.#peers.delete(peer);
    for (const end of peer.endings.values()) end();
    peer.endings.clear();
    peer.watchers.clear();
    this.#router.closed(peer);
  }

  message(peer: Peer, message: ClientMessage): void {
    switch (message.type) {
      case "hello":
        throw failure("EPROTO", "a second hello");
      case "get":
        return this.#get(peer, message.id, message.key);
      case "write":
        return this.#queue({ peer, ...message });
      case "watch":
        return this.#watch(peer, message.id, message.prefix);
      case "serve":
        this.#register(peer, message.id);
        this.#router.serve(peer, message.id, message.subject);
        return peer.send({ type: "done", id: message.id });
      case "subscribe":
        this.#register(peer, message.id);
        this.#router.subscribe(peer, message.id, message.pattern);
        return peer.send({ type: "done", id: message.id });
      case "stop":
        peer.endings.get(message.id)?.();
        peer.endings.delete(message.id);
        return;
      case "request":
        this.#register(peer, message.id);
        return this.#router.request(peer, message.id, message.subject, message.body);
      case "reply":
        return this.#router.reply(peer, message.id, message.body);
      case "refuse":
        return this.#router.refuse(peer, message.id, message.code, message.message);
      case "publish":
        return this.#router.publish(message.subject, message.body);
    }
  }

  /** Before something of the client's is kept under an id. */
  #register(peer: Peer, id: number): void {
    if (peer.endings.has(id)) throw failure("EPROTO", `the id ${id} is in use`);
    if (peer.endings.size >= CLUSTER_SUBSCRIPTIONS_MAX) throw failure("EPROTO", "too many watches and subscriptions");
  }

  #get(peer: Peer, id: number, key: string): void {
    const entry = this.#store.get(key);
    peer.send({ type: "entry", id, value: entry?.value ?? null, revision: entry?.revision ?? 0 });
  }

  #watch(peer: Peer, id: number, prefix: string): void {
    this.#register(peer, id);
    const watcher = new Watcher(id, prefix, this.#store);
    const item = { peer, watcher };
    this.#watchers.add(prefix, item);
    peer.watchers.set(id, watcher);
    peer.endings.set(id, () => {
      this.#watchers.delete(prefix, item);
      peer.watchers.delete(id);
    });
    peer.tell(watcher);
  }

  /** Writes that come close together are put on disk together. */
  #queue(write: Waiting): void {
    if (write.peer.underWay >= CLUSTER_CALLS_MAX) {
      const message = "too many writes at once: try again";
      return write.peer.send({ type: "failed", id: write.id, code: "EAGAIN", message });
    }
    write.peer.underWay++;
    this.#writes.push(write);
    if (this.#writes.length === 1) setImmediate(() => this.#commit());
  }

  #commit(): void {
    const writes = this.#writes;
    if (writes.length === 0) return;
    this.#writes = [];
    const written = this.#written(writes);
    for (const [index, { peer, id, key }] of writes.entries()) {
      const outcome = written[index];
      peer.underWay--;
      if (outcome?.ok === true) {
        peer.send({ type: "written", id, revision: outcome.revision });
        if (outcome.isNew) this.#tell(key, outcome.revision);
      } else {
        const error = outcome?.error ?? failure("EIO", "the write had no outcome");
        peer.send({ type: "failed", id, code: error.code, message: error.message });
      }
    }
  }

  #written(writes: readonly Waiting[]): Written[] {
    try {
      return this.#store.write(writes, Date.now());
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      return writes.map(() => ({ ok: false, error }));
    }
  }

  #tell(key: string, revision: number): void {
    for (const { peer, watcher } of this.#watchers.matching(key)) {
      watcher.changed(key, revision);
      peer.tell(watcher);
    }
  }
}
