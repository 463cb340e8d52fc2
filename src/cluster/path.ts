/** Names in a cluster: their rules, and how they are written where only some characters may be. */

import { failure } from "../errors.ts";
import { BLOB_SEGMENT_MAX_BYTES, CLUSTER_PATH_MAX_BYTES } from "../limits.ts";

/** @throws GodwitError EINVAL for what is no path; `what` says whose name it is. */
export function checkPath(path: string, what: string): void {
  checkText(path, what);
  if (path.split("/").includes("")) {
    throw failure("EINVAL", `${what} ${JSON.stringify(path)} must be segments joined by single slashes`);
  }
}

/** @throws GodwitError EINVAL for what is neither empty nor a path and a slash. */
export function checkPrefix(prefix: string, what: string): void {
  if (prefix === "") return;
  if (typeof prefix !== "string" || !prefix.endsWith("/")) {
    throw failure("EINVAL", `${what} ${JSON.stringify(prefix)} must be empty or end in a slash`);
  }
  checkPath(prefix.slice(0, -1), what);
}

/** @throws GodwitError EINVAL for a path of which a segment is longer than a file's name may be. */
export function checkBlobName(name: string): void {
  checkPath(name, "the blob's name");
  for (const segment of name.split("/")) {
    if (Buffer.byteLength(segment) <= BLOB_SEGMENT_MAX_BYTES) continue;
    throw failure("EINVAL", `a segment of a blob's name has at most ${BLOB_SEGMENT_MAX_BYTES} bytes: ${segment}`);
  }
}

function checkText(path: string, what: string): void {
  if (typeof path !== "string") throw failure("EINVAL", `${what} must be text, not ${typeof path}`);
  if (Buffer.from(path).toString() !== path || path.includes("\0")) {
    throw failure("EINVAL", `${what} ${JSON.stringify(path)} must be well-formed text without zero characters`);
  }
  if (Buffer.byteLength(path) > CLUSTER_PATH_MAX_BYTES) {
    throw failure(
      "EINVAL",
      `${what} has ${Buffer.byteLength(path)} bytes, at most ${CLUSTER_PATH_MAX_BYTES} are allowed`,
    );
  }
}

/** A segment in letters, digits, "-", "_" and "=": every other byte of its UTF-8 as "=" and two hexadecimal digits. */
function encodeSegment(segment: string): string {
  return Array.from(Buffer.from(segment), (byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9_-]/.test(character) ? character : `=${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}

/** The segment that was written so; nothing for what none is written as. */
export function decodeSegment(text: string): string | undefined {
  if (!/^(?:[A-Za-z0-9_-]|=[0-9a-f]{2})+$/.test(text)) return undefined;
  const bytes = Buffer.from(
    text.replace(/=(..)/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16))),
    "latin1",
  );
  const segment = bytes.toString();
  return encodeSegment(segment) === text ? segment : undefined;
}

/** A path as encoded segments joined by `separator`. */
export function encodePath(path: string, separator: string): string {
  return path.split("/").map(encodeSegment).join(separator);
}

/** The path that was written so; nothing for what none is written as. */
export function decodePath(text: string, separator: string): string | undefined {
  const segments: string[] = [];
  for (const part of text.split(separator)) {
    const segment = decodeSegment(part);
    if (segment === undefined) return undefined;
    segments.push(segment);
  }
  return segments.join("/");
}

/** Whether `path` is what `pattern`, a path or a prefix, speaks of. */
export function matches(pattern: string, path: string): boolean {
  return pattern === "" || (pattern.endsWith("/") ? path.startsWith(pattern) : path === pattern);
}

/** For sorting by code units. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
