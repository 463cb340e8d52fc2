/** The globals `CompressionStream` and `DecompressionStream` (WHATWG Compression). */

import type { ReadableStream, WritableStream } from "web-streams-polyfill";
import { domString, requireArguments } from "./idl.ts";
import { CodecStream } from "./codec-stream.ts";
import { Compressor, Decompressor, type Format, FORMATS } from "./zlib.ts";

function formatOf(value: unknown): Format {
  const text = domString(value);
  const format = FORMATS.find((name) => name === text);
  if (format === undefined) throw new TypeError(`the formats of compression are ${FORMATS.join(", ")}, not "${text}"`);
  return format;
}

/** The global `CompressionStream`. */
export class CompressionStream {
  readonly #stream: CodecStream;

  constructor(format: unknown) {
    requireArguments(arguments.length, 1, "new CompressionStream");
    this.#stream = new CodecStream(new Compressor(formatOf(format)));
  }

  get readable(): ReadableStream<Uint8Array> {
    return this.#stream.readable;
  }

  get writable(): WritableStream {
    return this.#stream.writable;
  }
}

/** The global `DecompressionStream`. */
export class DecompressionStream {
  readonly #stream: CodecStream;

  constructor(format: unknown) {
    requireArguments(arguments.length, 1, "new DecompressionStream");
    this.#stream = new CodecStream(new Decompressor(formatOf(format)));
  }

  get readable(): ReadableStream<Uint8Array> {
    return this.#stream.readable;
  }

  get writable(): WritableStream {
    return this.#stream.writable;
  }
}
