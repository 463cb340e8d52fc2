/** Blobs in an object store of NATS: in chunks, with a digest that is checked by who reads. */

import { createHash } from "node:crypto";
import { ReadableStream } from "node:stream/web";
import { type ObjectInfo, type ObjectStore, setSha256Backend } from "@nats-io/obj";
import { type GodwitError, failure } from "../../../errors.ts";
import { BLOB_ABANDONED_MS, BLOB_STALL_MS, CLUSTER_STORE_TIMEOUT_MS } from "../../../limits.ts";
import { boundedContent, corruptBlob, noBlob } from "../../blob.ts";
import type { Blob, BlobFacts, Blobs } from "../../engine.ts";
import { byText, decodePath, encodePath, matches } from "../../path.ts";
import { attempt, natsError } from "./attempt.ts";
import type { Stream } from "./feed.ts";

const CHUNK_BYTES = 2 ** 20;
/** A chunk that no server acknowledges for so long is lost, and its blob with it. */
const CHUNK_TIMEOUT_MS = 10_000;
/** Facts of blobs that are asked for at once. */
const LISTED_AT_ONCE = 16;

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
    // Waits for a leader, if there is none: once the content is asked for it cannot be tried again.
    await this.#info(name);
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
    const names = (await this.#names()).filter((name) => matches(prefix, name));
    const found: BlobFacts[] = [];
    const take = async () => {
      for (let name = names.pop(); name !== undefined; name = names.pop()) {
        const info = await this.#info(name);
        if (info !== undefined) found.push(factsOf(name, info));
      }
    };
    await Promise.all(Array.from({ length: LISTED_AT_ONCE }, take));
    return found.sort((a, b) => byText(a.name, b.name));
  }

  /**
   * The names of all blobs, deleted ones among them. From what the stream's leader counts by subject: the object store's own
   * list is a consumer's, and with several replicas on 2.9 such a one misses messages while others are purged (seen).
   */
  async #names(): Promise<string[]> {
    const { manager, name: stream } = this.#stream;
    const root = `$O.${this.#bucket}.M.`;
    const { state } = await attempt("listing the blobs", CLUSTER_STORE_TIMEOUT_MS, () =>
      manager.streams.info(stream, { subjects_filter: `${root}>` }),
    );
    const names: string[] = [];
    for (const subject of Object.keys(state.subjects ?? {})) {
      const name = decodePath(Buffer.from(subject.slice(root.length), "base64url").toString(), "/");
      if (name !== undefined) names.push(name);
    }
    return names;
  }

  /** Removes chunks of blobs that were begun longer than `ageMs` ago and never finished. Answers with how many blobs. */
  async sweep(ageMs: number = BLOB_ABANDONED_MS): Promise<number> {
    const { manager, name } = this.#stream;
    const chunks = `$O.${this.#bucket}.C.`;
    // In this order: a blob that is finished in between is seen as whole.
    const { state } = await manager.streams.info(name, { subjects_filter: `${chunks}*` });
    const whole = await this.#whole();
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

  /** Under which ids the contents of whole blobs are stored. */
  async #whole(): Promise<Set<string>> {
    const whole = new Set<string>();
    for (const name of await this.#names()) {
      const info = await this.#info(name);
      if (info !== undefined) whole.add(info.nuid);
    }
    return whole;
  }

  async #info(name: string): Promise<ObjectInfo | undefined> {
    const info = await attempt(`looking for the blob ${name}`, CLUSTER_STORE_TIMEOUT_MS, () =>
      this.#store.info(objectName(name)),
    );
    return info === null || info.deleted ? undefined : info;
  }

  /**
   * Chunk by chunk as it is asked for, and of the stream's leader. The object store's own reader takes all that comes, and
   * from any replica: one that lags behind makes a blob look cut short.
   */
  async *#content(name: string, info: ObjectInfo): AsyncGenerator<Uint8Array> {
    const { manager, name: stream } = this.#stream;
    const hash = createHash("sha256");
    let sizeBytes = 0;
    for (let next = 1; sizeBytes < info.size;) {
      const query = { next_by_subj: `$O.${this.#bucket}.C.${info.nuid}`, seq: next };
      const chunk = await attempt(`reading the blob ${name}`, BLOB_STALL_MS, () =>
        manager.streams.getMessage(stream, query),
      );
      if (chunk === null) throw await this.#cutShort(name, info);
      hash.update(chunk.data);
      sizeBytes += chunk.data.length;
      next = chunk.seq + 1;
      yield chunk.data;
    }
    if (sizeBytes === info.size && hash.digest("hex") === sha256Of(info)) return;
    throw corruptBlob(name, "its content does not have the hash that it was stored with");
  }

  async #cutShort(name: string, info: ObjectInfo): Promise<GodwitError> {
    const now = await this.#info(name);
    if (now?.nuid === info.nuid) return corruptBlob(name, "a part of it is missing");
    return failure("ESTALE", `the blob ${name} was replaced or deleted while it was read: get it again`);
  }
}

/** The object store takes Latin-1 only. */
function objectName(name: string): string {
  return encodePath(name, "/");
}

function factsOf(name: string, info: ObjectInfo): BlobFacts {
  return { name, sizeBytes: info.size, sha256: sha256Of(info), storedMs: Date.parse(info.mtime) };
}

function sha256Of({ digest }: ObjectInfo): string {
  return Buffer.from(digest.slice(digest.indexOf("=") + 1), "base64url").toString("hex");
}
