/** The globals `TextEncoderStream` and `TextDecoderStream` (WHATWG Encoding). */

import { type ReadableStream, TransformStream, type WritableStream } from "web-streams-polyfill";
import { part, utf8Bytes } from "../core.ts";
import { domString, sourceBytes } from "./idl.ts";
import type { TextDecoder } from "./text.ts";

const LEAD_SURROGATE_AT_END = /[\ud800-\udbff]$/;

/** The global `TextEncoderStream`. */
export class TextEncoderStream {
  readonly #encoding = "utf-8";
  /** The first half of a character whose other half may come with the next chunk. */
  #lead = "";
  readonly #transform = new TransformStream<unknown, Uint8Array>({
    transform: (chunk, controller) => {
      const text = this.#lead + domString(chunk);
      // Without the flag `u` a pattern sees units: one that ends a pair is no lead.
      this.#lead = LEAD_SURROGATE_AT_END.exec(text)?.[0] ?? "";
      if (text.length > this.#lead.length)
        controller.enqueue(utf8Bytes(text.slice(0, text.length - this.#lead.length)));
    },
    flush: (controller) => {
      if (this.#lead !== "") controller.enqueue(utf8Bytes(this.#lead));
    },
  });

  get encoding(): string {
    return this.#encoding;
  }

  get readable(): ReadableStream<Uint8Array> {
    return this.#transform.readable;
  }

  get writable(): WritableStream {
    return this.#transform.writable;
  }
}

/** The global `TextDecoderStream`. */
export class TextDecoderStream {
  readonly #decoder: TextDecoder;
  readonly #transform: TransformStream<unknown, string>;

  constructor(label: unknown = "utf-8", options: { fatal?: unknown; ignoreBOM?: unknown } | null = {}) {
    const decoder = new (part("text").TextDecoder)(label, options);
    this.#decoder = decoder;
    this.#transform = new TransformStream<unknown, string>({
      transform: (chunk, controller) => {
        const bytes = sourceBytes(chunk, true);
        if (bytes === undefined) throw new TypeError("a chunk to decode must be an ArrayBuffer or a view of one");
        const text = decoder.decode(bytes, { stream: true });
        if (text !== "") controller.enqueue(text);
      },
      flush: (controller) => {
        const text = decoder.decode();
        if (text !== "") controller.enqueue(text);
      },
    });
  }

  get encoding(): string {
    return this.#decoder.encoding;
  }

  get fatal(): boolean {
    return this.#decoder.fatal;
  }

  get ignoreBOM(): boolean {
    return this.#decoder.ignoreBOM;
  }

  get readable(): ReadableStream<string> {
    return this.#transform.readable;
  }

  get writable(): WritableStream {
    return this.#transform.writable;
  }
}
