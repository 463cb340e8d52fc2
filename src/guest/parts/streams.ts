/** The globals of the Streams standard, by its reference implementation, and the streams that encode and decode text. */

import { ReadableByteStreamController, ReadableStream, TransformStream, WritableStream } from "web-streams-polyfill";
import { displayAs } from "./display.ts";

export {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
} from "web-streams-polyfill";
export { TextDecoderStream, TextEncoderStream } from "./text-stream.ts";

/** An older engine's iterators would have what these inherit; the standard's do not. */
const iterator = Object.getPrototypeOf(new ReadableStream().values()) as object;
Object.setPrototypeOf(
  iterator,
  Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}).prototype) as object,
);
Reflect.deleteProperty(iterator, Symbol.asyncIterator);

/** What a stream has under names of its own, and Node shows. */
interface Internals {
  readonly _state: string;
  readonly _readableStreamController: object;
}

displayAs(ReadableStream.prototype, "ReadableStream", (stream) => {
  const { _state: state, _readableStreamController: controller } = stream as unknown as Internals;
  return { locked: stream.locked, state, supportsBYOB: controller instanceof ReadableByteStreamController };
});
displayAs(WritableStream.prototype, "WritableStream", (stream) => ({
  locked: stream.locked,
  state: (stream as unknown as Internals)._state,
}));
displayAs(TransformStream.prototype, "TransformStream", ({ readable, writable }) => ({ readable, writable }));
