/** What `data:` URLs hold (WHATWG Fetch, "data: URL processor"). */

import { utf8Bytes } from "../core.ts";
import { bytesOf } from "./crypto-bytes.ts";
import { parseMime, serialiseMime } from "./mime.ts";

const PERCENT = 0x25;

export interface DataUrl {
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** @param href a URL as it is serialised. Undefined when it is malformed. */
export function dataOf(href: string): DataUrl | undefined {
  const input = href.slice("data:".length).replace(/#.*$/s, "");
  const comma = input.indexOf(",");
  if (comma < 0) return undefined;
  let type = input.slice(0, comma).replace(/^[\t\n\f\r ]+|[\t\n\f\r ]+$/g, "");
  let bytes: Uint8Array | undefined = percentDecoded(input.slice(comma + 1));
  const base64 = /; *base64$/i.exec(type);
  if (base64 !== null) {
    type = type.slice(0, base64.index);
    bytes = base64Decoded(bytes);
    if (bytes === undefined) return undefined;
  }
  const parsed = parseMime(type.startsWith(";") ? `text/plain${type}` : type);
  return { type: parsed === undefined ? "text/plain;charset=US-ASCII" : serialiseMime(parsed), bytes };
}

function percentDecoded(text: string): Uint8Array {
  const bytes = utf8Bytes(text);
  if (!text.includes("%")) return bytes;
  let to = 0;
  for (let at = 0; at < bytes.length; at++, to++) {
    const hex = bytes[at] === PERCENT ? hexPair(bytes[at + 1], bytes[at + 2]) : -1;
    bytes[to] = hex < 0 ? (bytes[at] ?? 0) : hex;
    if (hex >= 0) at += 2;
  }
  return bytes.subarray(0, to);
}

function hexPair(high: number | undefined, low: number | undefined): number {
  const text = String.fromCharCode(high ?? 0, low ?? 0);
  return /^[0-9a-fA-F]{2}$/.test(text) ? Number.parseInt(text, 16) : -1;
}

/** Forgiving, as `atob` is. */
function base64Decoded(bytes: Uint8Array): Uint8Array | undefined {
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += 4096) pieces.push(String.fromCharCode(...bytes.subarray(at, at + 4096)));
  const text = pieces.join("").replace(/[\t\n\f\r ]+/g, "");
  try {
    return bytesOf(text);
  } catch {
    return undefined;
  }
}
