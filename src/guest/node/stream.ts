/** `node:stream`: Node's own streams, as the package `readable-stream` carries them. */

import stream from "readable-stream/lib/stream.js";

export const {
  addAbortSignal,
  compose,
  destroy,
  Duplex,
  finished,
  isDisturbed,
  isErrored,
  isReadable,
  PassThrough,
  pipeline,
  promises,
  Readable,
  Stream,
  Transform,
  Writable,
} = stream;
export default stream;
