/** `node:stream/promises`. */

import stream from "readable-stream/lib/stream.js";

const promises = stream["promises"] as { readonly finished: unknown; readonly pipeline: unknown };
export const { finished, pipeline } = promises;
export default promises;
