/**
 * The content codings of HTTP (RFC 9110, 8.4.1), decoded as a body comes in. A decoder holds a window and a chunk, whatever
 * it makes of its input: the rest waits for who reads.
 */

import type { Transform } from "node:stream";
import zlib from "node:zlib";

import { assert, unreachable } from "../assert.ts";
import { failure, type GodwitError } from "../errors.ts";
import { CODINGS_MAX, DECODERS_MAX_BYTES } from "../limits.ts";

type Coding = "gzip" | "deflate" | "br" | "zstd";

/** RFC 9659: for HTTP the window is 8 MiB. */
const ZSTD_WINDOW_LOG = 23;
const CHUNK_BYTES = 64 * 1024;
/** What a decoder takes at most: its window, its tables and a chunk. */
const DECODER_BYTES: Readonly<Record<Coding, number>> = {
  gzip: 160 * 1024,
  deflate: 160 * 1024,
  br: 17 * 2 ** 20,
  zstd: 10 * 2 ** 20,
};

/** Node has it from version 22.15 on, and the types of version 20 do not. */
const { createZstdDecompress } = zlib as typeof zlib & {
  createZstdDecompress?: (options: { params: Record<number, number>; chunkSize: number }) => Transform;
};
const ZSTD_D_WINDOW_LOG_MAX = (zlib.constants as Record<string, number>)["ZSTD_d_windowLogMax"];

/** What is asked for: the best there is, or what takes little. */
const OFFERS = {
  best: createZstdDecompress === undefined ? "gzip, deflate, br" : "gzip, deflate, br, zstd",
  small: "gzip, deflate",
};

/** What the decoders of one process hold, so that many of them together are bounded too. */
export class DecoderBudget {
  #heldBytes = 0;

  /** Whether there was room. */
  take(sizeBytes: number): boolean {
    if (this.#heldBytes + sizeBytes > DECODERS_MAX_BYTES) return false;
    this.#heldBytes += sizeBytes;
    return true;
  }

  give(sizeBytes: number): void {
    this.#heldBytes -= sizeBytes;
    assert(this.#heldBytes >= 0, "a decoder's room is given back once");
  }
}

/** One answer's part of the budget: held from the offer to the end of the body. */
export class CodingOffer {
  /** For the field Accept-Encoding: what there is room to decode. */
  readonly text: string;
  readonly #budget: DecoderBudget;
  #heldBytes = 0;

  /** @param asked what the request asks for itself. */
  constructor(budget: DecoderBudget, asked: string | undefined) {
    this.#budget = budget;
    this.text = asked ?? (this.#hold(DECODER_BYTES.br) ? OFFERS.best : OFFERS.small);
  }

  /**
   * What undoes the codings of a Content-Encoding field; undefined for one that names none, or one that is not known, which
   * is the reader's to undo. Throws EPROTO for too many, EAGAIN when there is no room for them.
   */
  decoder(field: string, reader: Reader): Decoder | undefined {
    const names = field
      .toLowerCase()
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "" && name !== "identity");
    if (names.length > CODINGS_MAX)
      throw failure(
        "EPROTO",
        `an answer in ${names.length} codings, one over the other; at most ${CODINGS_MAX} are taken`,
      );
    const codings = names.map(codingOf);
    const sizeBytes = codings.reduce((sum, coding) => sum + (coding === undefined ? 0 : DECODER_BYTES[coding]), 0);
    this.release();
    if (codings.length === 0 || codings.includes(undefined)) return undefined;
    if (!this.#hold(sizeBytes))
      throw failure("EAGAIN", "too many compressed answers at once: read those that are open, or ask for less");
    return new Decoder(codings.filter((coding) => coding !== undefined).reverse(), reader);
  }

  #hold(sizeBytes: number): boolean {
    if (!this.#budget.take(sizeBytes)) return false;
    this.#heldBytes = sizeBytes;
    return true;
  }

  /** May be called again. */
  release(): void {
    this.#budget.give(this.#heldBytes);
    this.#heldBytes = 0;
  }
}

function codingOf(name: string): Coding | undefined {
  switch (name) {
    case "gzip":
    case "x-gzip":
      return "gzip";
    case "deflate":
    case "br":
      return name;
    case "zstd":
      return createZstdDecompress === undefined ? undefined : name;
    default:
      return undefined;
  }
}

/** Who gets what was decoded. */
interface Reader {
  /** False: no more until `Decoder.resume`. */
  data(bytes: Uint8Array): boolean;
  end(): void;
  /** The decoder has room for input again, after a `write` that returned false. */
  drained(): void;
  /** What came is not in its coding, or ends too early. */
  failed(error: GodwitError): void;
}

export class Decoder {
  readonly #codings: readonly Coding[];
  readonly #reader: Reader;
  /** The first takes the input, each the one before's output; made with the first byte: an empty body is in no coding. */
  #stages: Transform[] = [];

  /** @param codings in the order in which they are undone. */
  constructor(codings: readonly Coding[], reader: Reader) {
    this.#codings = codings;
    this.#reader = reader;
  }

  /** It waits for the reader, and takes no more until `drained`. */
  get isFull(): boolean {
    return this.#stages[0]?.writableNeedDrain === true;
  }

  /** False: it is full now. */
  write(bytes: Uint8Array): boolean {
    if (bytes.length === 0) return true;
    if (this.#stages.length === 0) this.#build(bytes);
    return this.#stages[0]?.write(bytes) ?? true;
  }

  /** The input is whole. */
  end(): void {
    if (this.#stages.length === 0) this.#reader.end();
    else this.#stages[0]?.end();
  }

  resume(): void {
    this.#stages.at(-1)?.resume();
  }

  close(): void {
    for (const stage of this.#stages) stage.destroy();
  }

  #build(start: Uint8Array): void {
    const reader = this.#reader;
    this.#stages = this.#codings.map((coding, index) => stageOf(coding, index === 0 ? start : undefined));
    for (const [index, stage] of this.#stages.entries()) {
      stage.on("error", (error) => {
        this.close();
        reader.failed(
          failure("EPROTO", `a body that is not in its coding (${this.#codings[index]}): ${error.message}`, error),
        );
      });
      const next = this.#stages[index + 1];
      if (next !== undefined) stage.pipe(next);
    }
    this.#stages[0]?.on("drain", () => reader.drained());
    const last = this.#stages.at(-1);
    last?.on("data", (bytes: Uint8Array) => {
      if (!reader.data(bytes)) last.pause();
    });
    last?.on("end", () => reader.end());
  }
}

/** `start`: the first bytes of its input, when they are known. */
function stageOf(coding: Coding, start: Uint8Array | undefined): Transform {
  const options = { chunkSize: CHUNK_BYTES };
  switch (coding) {
    case "gzip":
      return zlib.createGunzip(options);
    case "deflate":
      // It means zlib's format, and some servers send the bare one.
      return start !== undefined && ((start[0] ?? 0) & 0x0f) !== 8
        ? zlib.createInflateRaw(options)
        : zlib.createInflate(options);
    case "br":
      return zlib.createBrotliDecompress(options);
    case "zstd":
      return zstdStage(options);
    default:
      return unreachable(coding, "content coding");
  }
}

function zstdStage(options: { chunkSize: number }): Transform {
  assert(
    createZstdDecompress !== undefined && ZSTD_D_WINDOW_LOG_MAX !== undefined,
    "zstd is known only where Node has it",
  );
  return createZstdDecompress({ ...options, params: { [ZSTD_D_WINDOW_LOG_MAX]: ZSTD_WINDOW_LOG } });
}
