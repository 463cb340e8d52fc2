/**
 * The engine over NATS JetStream, on as many machines as it has servers: the directory is a key-value bucket, blobs are an
 * object store, and messages are plain NATS messages. Works with nats-server 2.9 and later.
 */

import { setTimeout as delay } from "node:timers/promises";
import { type JetStreamManager, type StreamConfig, StorageType, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { Objm } from "@nats-io/obj";
import type { NatsConnection } from "@nats-io/transport-node";
import { failure } from "../../errors.ts";
import { CLUSTER_CONNECT_TIMEOUT_MS, TOMBSTONE_MS } from "../../limits.ts";
import { type Ground, assemble } from "../assembly.ts";
import type { Engine } from "../engine.ts";
import { attempt } from "./nats/attempt.ts";
import { NatsBlobs } from "./nats/blobs.ts";
import { type NatsOptions, connectNats } from "./nats/connection.ts";
import { NatsDirectory } from "./nats/directory.ts";
import { NatsMessages } from "./nats/messages.ts";

export type { NatsOptions } from "./nats/connection.ts";

/** Where servers form a cluster, and nothing else is said. */
const REPLICAS = 3;
/** Messages of a key: the directory prunes them itself, and must not lose any before (see `nats/chain.ts`). */
const UNLIMITED = -1;
const RETRY_MS = 300;

/**
 * Connects to a NATS cluster, and makes the buckets there if this is the first time.
 * @throws GodwitError ECLUSTER when no server can be reached in time, it refuses the credentials, has no JetStream, or
 * cannot keep as many copies as there are to be; EINVAL.
 */
export async function connectNatsEngine(options: NatsOptions): Promise<Engine> {
  return assemble(await connectNatsGround(options));
}

export interface NatsGround extends Ground {
  /** Removes what nobody will ask for: deletions, and unfinished blobs, that are older than `ageMs`. */
  sweep(ageMs?: number): Promise<number>;
}

/** What {@link connectNatsEngine} assembles. */
export async function connectNatsGround(options: NatsOptions): Promise<NatsGround> {
  const cluster = options.cluster ?? "default";
  if (!/^[A-Za-z0-9_-]{1,32}$/.test(cluster)) {
    throw failure("EINVAL", `"${cluster}" cannot be a cluster's name: take letters, digits, "-" and "_", at most 32`);
  }
  const connection = await connectNats(options);
  try {
    return await groundOn(connection, cluster, options);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function groundOn(connection: NatsConnection, cluster: string, options: NatsOptions): Promise<NatsGround> {
  const timeoutMs = options.timeoutMs ?? CLUSTER_CONNECT_TIMEOUT_MS;
  const client = jetstream(connection);
  const manager = await attempt("reaching JetStream", timeoutMs, (timeout) =>
    jetstreamManager(connection, { timeout }),
  );
  const replicas = options.replicas ?? (isClustered(connection) ? REPLICAS : 1);
  const common = { replicas, storage: StorageType.File };
  const bucket = (name: string) => `godwit_${cluster}_${name}`;
  const [entries, blobs] = [bucket("directory"), bucket("blobs")];

  // Other nodes may be making the same just now, which the server refuses in several ways.
  const store = await persist(timeoutMs, async (timeout) => {
    const options = { ...common, history: UNLIMITED, allow_direct: false };
    await attempt("making the directory's bucket", timeout, () => new Kvm(client).create(entries, options));
    const store = await attempt("making the blobs' bucket", timeout, () => new Objm(client).create(blobs, common));
    for (const name of [`KV_${entries}`, `OBJ_${blobs}`]) await keepCopies(manager, name, replicas, timeout);
    return store;
  });

  const stream = { connection, client, manager };
  const directory = new NatsDirectory({ ...stream, name: `KV_${entries}` }, entries);
  const messages = new NatsMessages(connection, cluster);
  const objects = new NatsBlobs(store, { ...stream, name: `OBJ_${blobs}` }, blobs);
  void follow(connection, directory, messages);
  const sweep = async (ageMs?: number) => (await directory.sweep(ageMs)) + (await objects.sweep(ageMs));
  const stopped = new AbortController();
  void sweepNowAndThen(sweep, stopped.signal);
  const close = async () => {
    stopped.abort();
    directory.close();
    await connection.close();
  };
  const isHub = () => !isClustered(connection);
  return { directory, messages, blobs: objects, isHub, sweep, close };
}

function isClustered({ info }: NatsConnection): boolean {
  return (info?.cluster ?? "") !== "";
}

/** A bucket that was made while there was a single server has one copy only. */
async function keepCopies(
  manager: JetStreamManager,
  stream: string,
  replicas: number,
  timeoutMs: number,
): Promise<void> {
  const { config } = await attempt(`looking at ${stream}`, timeoutMs, () => manager.streams.info(stream));
  if (config.num_replicas >= replicas) return;
  const wanted: StreamConfig = { ...config, num_replicas: replicas };
  await attempt(`making copies of ${stream}`, timeoutMs, () => manager.streams.update(stream, wanted));
}

/** Tries again, whatever the error, until the time is over. */
async function persist<T>(timeoutMs: number, what: (timeoutMs: number) => Promise<T>): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const leftMs = endMs - performance.now();
    try {
      return await what(leftMs);
    } catch (error) {
      const pauseMs = RETRY_MS * (0.5 + Math.random());
      if (pauseMs > leftMs) throw error;
      await delay(pauseMs);
    }
  }
}

/** Knows whether the connection is up. */
async function follow(connection: NatsConnection, directory: NatsDirectory, messages: NatsMessages): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type === "disconnect") messages.isUp = false;
    if (type !== "reconnect") continue;
    messages.isUp = true;
    directory.reconnected();
  }
}

/** Every node does it, at times of its own. */
async function sweepNowAndThen(sweep: () => Promise<number>, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await delay(TOMBSTONE_MS * (0.25 + Math.random()), undefined, { signal, ref: false });
    } catch {
      return; // The engine was closed.
    }
    await sweep().catch(() => {}); // While there is no leader; the next time will do.
  }
}
