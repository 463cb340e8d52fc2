/** Forms as bodies: `multipart/form-data` (HTML's encoding) and, to be read, `application/x-www-form-urlencoded`. */

import { FORM_ENTRIES_MAX } from "../../limits.ts";
import { part, randomBytes } from "../core.ts";
import type { Blob } from "./blob.ts";
import { utf8Text } from "./decoding.ts";
import { entriesOf, type Entry, type FormData, formOf } from "./form-data.ts";
import { parseMime } from "./mime.ts";
import { parseMultipart } from "./multipart.ts";

const BOUNDARY_RANDOM_BYTES = 16;

interface FormBody {
  readonly body: Blob;
  /** The `Content-Type`, which names the boundary. */
  readonly contentType: string;
}

/** A form as `multipart/form-data`. The bytes of its files are not copied. */
export function encodeForm(form: FormData): FormBody {
  const boundary = `----formdata-godwit-${hex(randomBytes(BOUNDARY_RANDOM_BYTES))}`;
  const parts: (string | Blob)[] = [];
  for (const [name, value] of entriesOf(form)) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${escaped(withCrlf(name))}"`;
    if (typeof value === "string") parts.push(`${head}\r\n\r\n${withCrlf(value)}\r\n`);
    else {
      const type = value.type === "" ? "application/octet-stream" : value.type;
      parts.push(`${head}; filename="${escaped(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`, value, "\r\n");
    }
  }
  parts.push(`--${boundary}--\r\n`);
  return { body: new (part("blob").Blob)(parts), contentType: `multipart/form-data; boundary=${boundary}` };
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function withCrlf(text: string): string {
  return text.replace(/\r\n?|\n/g, "\r\n");
}

const ESCAPES: Readonly<Record<string, string>> = { "\n": "%0A", "\r": "%0D", '"': "%22" };

function escaped(text: string): string {
  return text.replace(/[\n\r"]/g, (char) => ESCAPES[char] ?? char);
}

/**
 * The form that a body of this content type holds.
 *
 * @throws `TypeError` for a body that is malformed or has too many entries, and for a type that is none of a form's.
 */
export function parseForm(bytes: Uint8Array, contentType: string): FormData {
  const type = parseMime(contentType);
  if (type?.essence === "application/x-www-form-urlencoded") return formOf(parseUrlencoded(bytes));
  if (type?.essence !== "multipart/form-data")
    throw new TypeError(`a body of type "${contentType}" is no form: it must be multipart or URL-encoded form data`);
  const boundary = type.parameters.get("boundary");
  if (boundary === undefined) throw new TypeError("a multipart body whose content type names no boundary");
  return formOf(parseMultipart(bytes, boundary));
}

function parseUrlencoded(bytes: Uint8Array): Entry[] {
  const { URLSearchParams } = part("url");
  // Of a query, a question mark at its beginning would be no part.
  const params = new URLSearchParams(`&${utf8Text(bytes)}`);
  if (params.size > FORM_ENTRIES_MAX)
    throw new TypeError(`a form of ${params.size} entries: at most ${FORM_ENTRIES_MAX} are read`);
  return [...params];
}
