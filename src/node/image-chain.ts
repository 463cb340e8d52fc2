/**
 * Images of durable processes as they are kept in the cluster's blobs: a base, and after it what has changed each time. One is
 * written whole or not at all, in parts, so that neither a node's memory nor its turn is taken up by a large process.
 */

import { promisify } from "node:util";
import { deflateRaw, inflateRaw } from "node:zlib";
import * as v from "valibot";

import type { Blobs } from "../cluster/engine.ts";
import { open, seal } from "../cluster/identity-seal.ts";
import { failure, GodwitError } from "../errors.ts";
import type { ProcessRecord } from "../kernel/process-record.ts";
import { checkRecord } from "../kernel/record-check.ts";
import { IMAGE_PART_PAGES, MOVE_FRAME_MAX_BYTES } from "../limits.ts";
import { assertEngine, decodeImage, encodeImage } from "../machine/image.ts";
import type { MemoryPage } from "../machine/linear-memory.ts";
import { readFrames } from "./move-frame.ts";

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** Deflate's lowest level: see the image codec. */
const DEFLATE_LEVEL = 1;

/** One image: what has changed since the one before it, or all that differs from the template. */
export interface Saved {
  readonly record: ProcessRecord;
  readonly memoryBytes: number;
  /** Ascending by number, as are those in `zeroed`. */
  readonly pages: readonly MemoryPage[];
  readonly zeroed: readonly number[];
  /** When it was taken: wall-clock time, ms since 1970. */
  readonly savedMs: number;
}

/** A process as a chain of images has it. */
export interface Recovered extends Saved {
  /** The last image that it is made from. */
  readonly image: string;
  /** Why it is not made from a later one: later images that could not be read, and what was wrong. */
  readonly problems: readonly string[];
}

const lastState = v.object({ record: v.unknown(), savedMs: v.number() });

const UNREADABLE: ReadonlySet<string> = new Set([
  "ENOENT",
  "ECORRUPT",
  "EPROTO",
  "EIMAGE_CORRUPT",
  "EIMAGE_VERSION",
  "EIMAGE_LIMIT",
  "EIMAGE_ENGINE",
]);

export class ImageStore {
  readonly #blobs: Blobs;
  readonly #engine: string;
  readonly #secret: Uint8Array | undefined;

  /**
   * @param engine hash of the engine that the processes run on
   * @param secret the cluster's, with which images are sealed
   */
  constructor(blobs: Blobs, engine: string, secret: Uint8Array | undefined) {
    this.#blobs = blobs;
    this.#engine = engine;
    this.#secret = secret;
  }

  /** Resolves with its size when it is durable. @throws GodwitError as `Blobs.put`; EIMAGE_LIMIT. */
  async put(pid: number, image: string, saved: Saved): Promise<number> {
    const name = nameOf(pid, image);
    return (await this.#blobs.put(name, this.#parts(name, saved))).sizeBytes;
  }

  async *#parts(name: string, saved: Saved): AsyncGenerator<Uint8Array, void, undefined> {
    const { record, memoryBytes, pages, zeroed, savedMs } = saved;
    for (let at = 0; at === 0 || at < pages.length; at += IMAGE_PART_PAGES) {
      const isLast = at + IMAGE_PART_PAGES >= pages.length;
      const part = { pages: pages.slice(at, at + IMAGE_PART_PAGES), zeroed: isLast ? zeroed : [] };
      const state = isLast ? { record, savedMs } : null;
      const image = encodeImage({ engine: this.#engine, memoryBytes, ...part, state }, { compress: false });
      // On a thread of the host's: this one has others to serve.
      const packed = await deflate(image, { level: DEFLATE_LEVEL });
      const sealed = this.#secret === undefined ? packed : seal({ secret: this.#secret }, partOf(name, at), packed);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(sealed.length);
      yield Buffer.concat([length, sealed]);
    }
  }

  /**
   * The latest state of a process that can be had from its chains, of which the newest is first.
   * @throws GodwitError ECORRUPT when there is none; what the store throws that cannot be reached.
   */
  async recover(pid: number, chains: readonly (readonly string[])[]): Promise<Recovered> {
    const problems: string[] = [];
    for (const chain of chains) {
      const found = await this.#follow(pid, chain, problems);
      if (found !== undefined) return { ...found, problems };
    }
    throw failure(
      "ECORRUPT",
      `process ${pid} has no image that can be read: ${problems.join("; ") || "none was taken"}`,
    );
  }

  /** As far along a chain as it goes: an image without the one before it is nothing. */
  async #follow(
    pid: number,
    chain: readonly string[],
    problems: string[],
  ): Promise<Omit<Recovered, "problems"> | undefined> {
    const contents = new Map<number, Uint8Array>();
    const zeroed = new Set<number>();
    let last: Omit<Saved, "pages" | "zeroed"> | undefined;
    let image = "";
    for (const next of chain) {
      try {
        const saved = await this.#get(pid, next);
        for (const { number, bytes } of saved.pages) {
          contents.set(number, bytes);
          zeroed.delete(number);
        }
        for (const number of saved.zeroed) {
          contents.delete(number);
          zeroed.add(number);
        }
        const { record, memoryBytes, savedMs } = saved;
        last = { record, memoryBytes, savedMs };
        image = next;
      } catch (error) {
        if (!(error instanceof GodwitError) || !UNREADABLE.has(error.code)) throw error;
        problems.push(`image ${next} cannot be read (${error.code}: ${error.message})`);
        break;
      }
    }
    if (last === undefined) return undefined;
    const pages = [...contents].map(([number, bytes]) => ({ number, bytes }));
    return { ...last, pages, zeroed: [...zeroed], image };
  }

  async #get(pid: number, image: string): Promise<Saved> {
    const name = nameOf(pid, image);
    const pages: MemoryPage[] = [];
    const zeroed: number[] = [];
    let memoryBytes = 0;
    let state: unknown = null;
    const { content } = await this.#blobs.get(name);
    let at = 0;
    for await (const frame of readFrames(buffersOf(content))) {
      if (state !== null) throw failure("ECORRUPT", `image ${name} goes on after its end`);
      const part = decodeImage(await this.#unpack(partOf(name, at), frame));
      assertEngine(part, this.#engine);
      pages.push(...part.pages);
      zeroed.push(...part.zeroed);
      ({ memoryBytes, state } = part);
      at += IMAGE_PART_PAGES;
    }
    const checked = v.safeParse(lastState, state);
    if (!checked.success) throw failure("ECORRUPT", `image ${name} has no end`);
    const record = checkRecord(checked.output.record);
    if (record.pid !== pid) throw failure("ECORRUPT", `image ${name} is one of process ${record.pid}`);
    return { record, memoryBytes, pages, zeroed, savedMs: checked.output.savedMs };
  }

  async #unpack(part: string, frame: Uint8Array): Promise<Uint8Array> {
    const packed = this.#secret === undefined ? frame : open({ secret: this.#secret }, part, frame);
    try {
      return await inflate(packed, { maxOutputLength: MOVE_FRAME_MAX_BYTES });
    } catch (error) {
      throw failure("ECORRUPT", `${part} cannot be unpacked`, error);
    }
  }

  /** Names of all images of a process; none when the store cannot be reached. */
  async list(pid: number): Promise<string[]> {
    try {
      const found = await this.#blobs.list(nameOf(pid, ""));
      return found.map(({ name }) => name.slice(nameOf(pid, "").length));
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      return [];
    }
  }

  /** The process is over. */
  async dropAll(pid: number): Promise<void> {
    for (const image of await this.list(pid)) await this.drop(pid, image);
  }

  /** Deletes one that is not pointed to. If it cannot be now, it is with the next base. */
  async drop(pid: number, image: string): Promise<void> {
    try {
      await this.#blobs.delete(nameOf(pid, image));
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
    }
  }
}

const PREFIX = "image/";

function nameOf(pid: number, image: string): string {
  return `${PREFIX}${pid}/${image}`;
}

/** What a part is sealed as: it can be passed off neither as another image's nor as another of the same. */
function partOf(name: string, at: number): string {
  return `${name} from its page ${at}`;
}

async function* buffersOf(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of content) yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
}
