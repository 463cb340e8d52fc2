/** Blobs in an object store of NATS: in chunks, with a digest that is checked by who reads. */

import { ReadableStream } from "node:stream/web";
import { type ObjectInfo, type ObjectStore, setSha256Backend } from "@nats-io/obj";
import { GodwitError, failure } from "../../../errors.ts";
import { BLOB_ABANDONED_MS, BLOB_STALL_MS, CLUSTER_STORE_TIMEOUT_MS } from "../../../limits.ts";
import { boundedContent, corruptBlob, noBlob } from "../../blob.ts";
import type { Blob, BlobFacts, Blobs } from "../../engine.ts";
import { byText, decodePath, encodePath, matches } from "../../path.ts";
import { attempt, natsError } from "./attempt.ts";
import type { Stream } from "./feed.ts";

const CHUNK_BYTES = 2 ** 20;
/** A chunk that no server acknowledges for so long is lost, and its blob with it. */
const CHUNK_TIMEOUT_MS = 10_000;

// The one of the package in plain JavaScript takes five times as long.
setSha256Backend("native");

export class NatsBlobs implements Blobs {
  readonly #store: ObjectStore;
  readonly #stream: Stream;
  readonly #bucket: string;

  constructor(store: ObjectStore, stream: Stream, bucket: string) {
    this.#store = store;
    this.#stream = stream;
    this.#bucket = bucket;
  }

  async put(name: string, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<BlobFacts> {
    const what = `storing the blob ${name}`;
    let thrown: { readonly error: unknown } | undefined;
    const pieces = boundedContent(name, content);
    // What the content throws is its own, and passed on as it is.
    const source = async function* () {
      try {
        yield* pieces;
      } catch (error) {
        thrown = { error };
        throw error;
      }
    };
    try {
      const options = { timeout: CHUNK_TIMEOUT_MS };
      const meta = { name: objectName(name), options: { max_chunk_size: CHUNK_BYTES } };
      return factsOf(name, await this.#store.put(meta, ReadableStream.from(source()), options));
    } catch (error) {
      if (thrown !== undefined) throw thrown.error;
      throw natsError(what, error);
    }
  }

  async get(name: string): Promise<Blob> {
    const info = await this.#info(name);
    if (info === undefined) throw noBlob(name);
    return { ...factsOf(name, info), content: this.#content(name, info) };
  }

  async delete(name: string): Promise<boolean> {
    if ((await this.#info(name)) === undefined) return false;
    await attempt(`deleting the blob ${name}`, CLUSTER_STORE_TIMEOUT_MS, () => this.#store.delete(objectName(name)));
    return true;
  }

  async list(prefix: string): Promise<BlobFacts[]> {
    const all = await attempt("listing the blobs", CLUSTER_STORE_TIMEOUT_MS, () => this.#store.list());
    const found: BlobFacts[] = [];
    for (const info of all) {
      const name = decodePath(info.name, "/");
      if (name !== undefined && !info.deleted && matches(prefix, name)) found.push(factsOf(name, info));
    }
    return found.sort((a, b) => byText(a.name, b.name));
  }

  /** Removes chunks of blobs that were begun longer than `ageMs` ago and never finished. Answers with how many blobs. */
  async sweep(ageMs: number = BLOB_ABANDONED_MS): Promise<number> {
    const { manager, name } = this.#stream;
    const chunks = `$O.${this.#bucket}.C.`;
    // In this order: a blob that is finished in between is seen as whole.
    const { state } = await manager.streams.info(name, { subjects_filter: `${chunks}*` });
    const whole = new Set((await this.#store.list()).map((info) => info.nuid));
    let swept = 0;
    for (const subject of Object.keys(state.subjects ?? {})) {
      if (whole.has(subject.slice(chunks.length))) continue;
      const last = await manager.streams.getMessage(name, { last_by_subj: subject });
      if (last === null || Date.now() - last.time.getTime() < ageMs) continue;
      await manager.streams.purge(name, { filter: subject });
      swept++;
    }
    return swept;
  }

  async #info(name: string): Promise<ObjectInfo | undefined> {
    const info = await attempt(`looking for the blob ${name}`, CLUSTER_STORE_TIMEOUT_MS, () =>
      this.#store.info(objectName(name)),
    );
    return info === null || info.deleted ? undefined : info;
  }

  async *#content(name: string, info: ObjectInfo): AsyncGenerator<Uint8Array> {
    if (info.size === 0) return;
    await this.#assertChunks(name, info);
    const found = await attempt(`reading the blob ${name}`, CLUSTER_STORE_TIMEOUT_MS, () =>
      this.#store.get(objectName(name)),
    );
    if (found === null) throw noBlob(name);
    found.error.catch(() => {}); // Told by the stream as well.
    if (found.info.nuid !== info.nuid) {
      await found.data.cancel();
      throw failure("ESTALE", `the blob ${name} was replaced before it was read: get it again`);
    }
    const reader = found.data.getReader();
    try {
      for (;;) {
        const { done, value } = await inTime(name, reader.read());
        if (done) return;
        yield value;
      }
    } catch (error) {
      if (error instanceof GodwitError) throw error;
      const isCorrupt = error instanceof Error && error.message.includes("corrupt object");
      throw isCorrupt
        ? corruptBlob(name, "its digest is another", error)
        : natsError(`reading the blob ${name}`, error);
    } finally {
      await reader.cancel().catch(() => {});
    }
  }

  /** Where all chunks are gone, the object store would wait for the first for ever. */
  async #assertChunks(name: string, { nuid }: ObjectInfo): Promise<void> {
    const query = { last_by_subj: `$O.${this.#bucket}.C.${nuid}` };
    const last = await attempt(`reading the blob ${name}`, CLUSTER_STORE_TIMEOUT_MS, () =>
      this.#stream.manager.streams.getMessage(this.#stream.name, query),
    );
    if (last === null) throw corruptBlob(name, "its content is gone");
  }
}

/** The object store takes Latin-1 only. */
function objectName(name: string): string {
  return encodePath(name, "/");
}

function factsOf(name: string, info: ObjectInfo): BlobFacts {
  const digest = info.digest.slice(info.digest.indexOf("=") + 1);
  const sha256 = Buffer.from(digest, "base64url").toString("hex");
  return { name, sizeBytes: info.size, sha256, storedMs: Date.parse(info.mtime) };
}

async function inTime<T>(name: string, piece: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_, reject) => {
    const error = failure("ETIMEDOUT", `nothing of the blob ${name} arrived for ${BLOB_STALL_MS} ms: try again`);
    timer = setTimeout(() => reject(error), BLOB_STALL_MS);
  });
  try {
    return await Promise.race([piece, stalled]);
  } finally {
    clearTimeout(timer);
  }
}
