/** `application/x-www-form-urlencoded` (WHATWG URL, section 5). */

import { utf8Text } from "./decoding.ts";

export type Pair = [name: string, value: string];

/** `application/x-www-form-urlencoded` as pairs. */
export function parseForm(query: string): Pair[] {
  const pairs: Pair[] = [];
  for (const part of query.split("&")) {
    if (part === "") continue;
    const at = part.indexOf("=");
    pairs.push(at < 0 ? [formDecoded(part), ""] : [formDecoded(part.slice(0, at)), formDecoded(part.slice(at + 1))]);
  }
  return pairs;
}

function formDecoded(text: string): string {
  const spaced = text.replaceAll("+", " ");
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return bytewiseDecoded(spaced);
  }
}

/** Percent escapes that are no UTF-8, or no escapes at all. */
function bytewiseDecoded(text: string): string {
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (escapes) => {
    const bytes = new Uint8Array(escapes.length / 3);
    for (let index = 0; index < bytes.length; index++)
      bytes[index] = Number.parseInt(escapes.slice(3 * index + 1, 3 * index + 3), 16);
    return utf8Text(bytes);
  });
}

/** A name or value as it stands in `application/x-www-form-urlencoded`. */
export function formEncoded(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}
