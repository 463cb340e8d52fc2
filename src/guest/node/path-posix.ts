/** `node:path/posix`. */

import { posix, win32 } from "./paths.ts";

export const {
  basename,
  delimiter,
  dirname,
  extname,
  format,
  isAbsolute,
  join,
  normalize,
  parse,
  relative,
  resolve,
  sep,
  toNamespacedPath,
} = posix;
export { posix, win32 };
export default posix;
