/** `node:stream/web`: the web's streams, which are globals. */

const web = globalThis as unknown as Record<string, unknown>;
const NAMES = [
  "ByteLengthQueuingStrategy",
  "CompressionStream",
  "CountQueuingStrategy",
  "DecompressionStream",
  "ReadableByteStreamController",
  "ReadableStream",
  "ReadableStreamBYOBReader",
  "ReadableStreamBYOBRequest",
  "ReadableStreamDefaultController",
  "ReadableStreamDefaultReader",
  "TextDecoderStream",
  "TextEncoderStream",
  "TransformStream",
  "TransformStreamDefaultController",
  "WritableStream",
  "WritableStreamDefaultController",
  "WritableStreamDefaultWriter",
] as const;
const lazily = (name: (typeof NAMES)[number]): unknown => web[name];

export const ByteLengthQueuingStrategy = /* @__PURE__ */ lazily("ByteLengthQueuingStrategy");
export const CompressionStream = /* @__PURE__ */ lazily("CompressionStream");
export const CountQueuingStrategy = /* @__PURE__ */ lazily("CountQueuingStrategy");
export const DecompressionStream = /* @__PURE__ */ lazily("DecompressionStream");
export const ReadableByteStreamController = /* @__PURE__ */ lazily("ReadableByteStreamController");
export const ReadableStream = /* @__PURE__ */ lazily("ReadableStream");
export const ReadableStreamBYOBReader = /* @__PURE__ */ lazily("ReadableStreamBYOBReader");
export const ReadableStreamBYOBRequest = /* @__PURE__ */ lazily("ReadableStreamBYOBRequest");
export const ReadableStreamDefaultController = /* @__PURE__ */ lazily("ReadableStreamDefaultController");
export const ReadableStreamDefaultReader = /* @__PURE__ */ lazily("ReadableStreamDefaultReader");
export const TextDecoderStream = /* @__PURE__ */ lazily("TextDecoderStream");
export const TextEncoderStream = /* @__PURE__ */ lazily("TextEncoderStream");
export const TransformStream = /* @__PURE__ */ lazily("TransformStream");
export const TransformStreamDefaultController = /* @__PURE__ */ lazily("TransformStreamDefaultController");
export const WritableStream = /* @__PURE__ */ lazily("WritableStream");
export const WritableStreamDefaultController = /* @__PURE__ */ lazily("WritableStreamDefaultController");
export const WritableStreamDefaultWriter = /* @__PURE__ */ lazily("WritableStreamDefaultWriter");

export default /* @__PURE__ */ Object.defineProperties(
  {},
  Object.fromEntries(NAMES.map((name) => [name, { get: () => lazily(name), enumerable: true }])),
);
