/**
 * Pure primitives for guests: text encodings, URLs and compression, by the host's own implementation of the standards. They keep
 * no state and bound what they are given, so a call takes at most a few milliseconds.
 */

import { createRequire } from "node:module";
import { TextDecoder } from "node:util";
import type * as Encodings from "@exodus/bytes/encoding.js";
import type { UrlRecord } from "../abi/records.ts";
import { failure } from "../errors.ts";
import { IO_MAX_BYTES, URL_MAX_CHARS } from "../limits.ts";

export { checksum, deflate } from "./deflate.ts";

/** What `utf8Decode` takes beside the bytes. */
export interface DecodeOptions {
  /** A name or label of an encoding. */
  readonly encoding: string;
  /** Refuse malformed bytes instead of replacing them by U+FFFD. */
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  /** Leave an unfinished character at the end for the next call, and tell how many bytes that is. */
  readonly stream: boolean;
}

/** The longest characters, of UTF-8 and GB 18030, have four bytes. */
const UNFINISHED_MAX_BYTES = 3;
/** With white space around it; longer than any label. */
const LABEL_MAX_CHARS = 64;

/** UTF-8 of `text`; lone surrogates become U+FFFD. */
export function utf8Encode(text: string): Uint8Array {
  return Buffer.from(text, "utf8");
}

/**
 * `bytes` as text. With `stream`, the first character's code is the number of bytes at the end that were left.
 * @throws `EINVAL` for bytes that are malformed (with `fatal`), for an encoding that does not exist, and for too many.
 */
export function utf8Decode(bytes: Uint8Array, options: DecodeOptions): string {
  if (bytes.length > IO_MAX_BYTES)
    throw failure("EINVAL", `${bytes.length} bytes to decode at once; give at most ${IO_MAX_BYTES}`);
  if (!options.stream) return decode(bytes, options);
  const left = unfinishedBytes(bytes, options.encoding);
  return String.fromCharCode(left) + decode(bytes.subarray(0, bytes.length - left), options);
}

function decode(bytes: Uint8Array, { encoding, fatal, ignoreBOM }: DecodeOptions): string {
  try {
    return decoderOf(encoding, fatal, ignoreBOM).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError)
      throw failure("EINVAL", `The encoded data was not valid for encoding ${encoding}`, error);
    throw error;
  }
}

let loaded: typeof Encodings | undefined;
/** Node's decoders of legacy encodings lack some, and follow other tables than the standard's. Few need them: loaded late. */
function encodings(): typeof Encodings {
  return (loaded ??= createRequire(import.meta.url)("@exodus/bytes/encoding.js") as typeof Encodings);
}

function decoderOf(encoding: string, fatal: boolean, ignoreBOM: boolean): TextDecoder {
  try {
    const Decoder = encoding.startsWith("utf-") ? TextDecoder : encodings().TextDecoder;
    return new Decoder(encoding, { fatal, ignoreBOM });
  } catch (error) {
    throw failure("EINVAL", `there is no encoding ${JSON.stringify(encoding.slice(0, 40))}`, error);
  }
}

/** How many bytes at the end begin a character that they do not finish. */
function unfinishedBytes(bytes: Uint8Array, encoding: string): number {
  if (encoding === "utf-8") return unfinishedUtf8(bytes);
  if (encoding === "utf-16le" || encoding === "utf-16be")
    return unfinishedUtf16(bytes, encoding === "utf-16be" ? 2 : 1);
  for (let left = 0; left <= Math.min(bytes.length, UNFINISHED_MAX_BYTES); left++) {
    const decoder = decoderOf(encoding, false, true);
    decoder.decode(bytes.subarray(0, bytes.length - left), { stream: true });
    if (decoder.decode() === "") return left;
  }
  return 0;
}

function unfinishedUtf8(bytes: Uint8Array): number {
  for (let left = 1; left <= Math.min(bytes.length, UNFINISHED_MAX_BYTES); left++) {
    const [lead = 0, second] = bytes.subarray(bytes.length - left);
    if (lead >= 0x80 && lead < 0xc0) continue;
    const length = lead < 0xc2 || lead > 0xf4 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    return left < length && (second === undefined || isSecondByte(lead, second)) ? left : 0;
  }
  return 0;
}

/** Half a unit, and the first unit of a pair. `highByte` is where the high byte of the last unit is, from its end. */
function unfinishedUtf16(bytes: Uint8Array, highByte: 1 | 2): number {
  const half = bytes.length % 2;
  const high = bytes[bytes.length - half - highByte] ?? 0;
  return high >= 0xd8 && high < 0xdc ? half + 2 : half;
}

/** Some leading bytes take only part of the continuation bytes: no overlong forms, surrogates, or more than U+10FFFF. */
function isSecondByte(lead: number, second: number): boolean {
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  return second >= low && second <= high;
}

/** The name of the encoding that a label stands for, or "": the replacement encoding decodes nothing. */
export function encodingName(label: string): string {
  const name = encodings().normalizeEncoding(label.slice(0, LABEL_MAX_CHARS));
  return name === null || name === "replacement" ? "" : name;
}

/** The components of a URL, relative to `base` unless that is "", or null when it is none. */
export function urlParse(url: string, base: string): UrlRecord | null {
  refuseLong(url, base);
  try {
    return recordOf(base === "" ? new URL(url) : new URL(url, base));
  } catch {
    return null;
  }
}

const SETTABLE = [
  "href",
  "protocol",
  "username",
  "password",
  "host",
  "hostname",
  "port",
  "pathname",
  "search",
  "hash",
] as const;
type Settable = (typeof SETTABLE)[number];

/** A URL with one component set, as the standard's setters do: what makes no sense changes nothing. */
export function urlUpdate(href: string, component: string, value: string): UrlRecord | null {
  refuseLong(href, value);
  if (!SETTABLE.includes(component as Settable))
    throw failure("EINVAL", `a URL has no component ${JSON.stringify(component.slice(0, 40))} to set`);
  try {
    const url = new URL(href);
    url[component as Settable] = value;
    return recordOf(url);
  } catch {
    return null;
  }
}

function refuseLong(...texts: readonly string[]): void {
  for (const text of texts) {
    if (text.length > URL_MAX_CHARS)
      throw failure("EINVAL", `a URL of ${text.length} characters; at most ${URL_MAX_CHARS} are taken`);
  }
}

function recordOf(url: URL): UrlRecord {
  const { href, origin, protocol, username, password, host, hostname, port, pathname, search, hash } = url;
  return { href, origin, protocol, username, password, host, hostname, port, pathname, search, hash };
}
