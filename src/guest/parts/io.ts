/** Streams, files, and the calls that wait as promises. */

export { exists, File, makeDirectory, open, readDirectory, readFile, remove, rename, stat, writeFile } from "./file.ts";
export { promises } from "./promises.ts";
export { InputStream, OutputStream, stderr, stdin, stdout } from "./stream.ts";
