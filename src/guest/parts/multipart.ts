/** Bodies of type `multipart/form-data` (RFC 7578), read into the entries of a form. What is malformed is a `TypeError`. */

import { FORM_ENTRIES_MAX, FORM_HEADER_MAX_BYTES } from "../../limits.ts";
import { part } from "../core.ts";
import { utf8Text } from "./decoding.ts";
import type { Entry } from "./form-data.ts";

const CR = 0x0d;
const LF = 0x0a;
const DASH = 0x2d;
const BOUNDARY = /^[\x20-\x7e]{1,70}$/;

const HEADER = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[\t ]*:[\t ]*([^\r\n]*)\r\n/y;
const DISPOSITION = /^form-data(?=[\t ]*(?:;|$))/i;
/** A parameter of a disposition. In quotes nothing is special but their end, as browsers write them. */
const PARAMETER = /[\t ]*;[\t ]*([^\s=;"]+)=(?:"([^"]*)"|([^\s;"]*))/y;

/** What the headers of one part say. */
interface Head {
  readonly name: string;
  readonly filename: string | undefined;
  readonly contentType: string | undefined;
}

/** The entries of a body. @throws `TypeError` for one that is malformed, or has more than `FORM_ENTRIES_MAX`. */
export function parseMultipart(body: Uint8Array, boundary: string): Entry[] {
  if (!BOUNDARY.test(boundary)) throw malformed("its boundary is not 1 to 70 ASCII characters");
  const delimiter = Uint8Array.from(`\r\n--${boundary}`, (char) => char.charCodeAt(0));
  const entries: Entry[] = [];
  let at = skipLineBreaks(body);
  if (!matches(body, at, delimiter.subarray(2))) throw malformed("it does not begin with its boundary");
  at += delimiter.length - 2;
  while (!isEnd(body, at)) {
    if (body[at] !== CR || body[at + 1] !== LF) throw malformed("a boundary is not followed by a line break");
    if (entries.length === FORM_ENTRIES_MAX) throw malformed(`it has more than ${FORM_ENTRIES_MAX} parts`);
    at += 2;
    const headBytes = headLength(body, at);
    const head = parseHead(utf8Text(body.subarray(at, at + headBytes)));
    at += headBytes + 2;
    // The line break that ends the headers may be the boundary's own: then the part is empty.
    const end = find(body, delimiter, at - 2);
    if (end < 0) throw malformed("its last part has no end");
    entries.push([head.name, valueOf(head, body.subarray(at, Math.max(at, end)))]);
    at = end + delimiter.length;
  }
  return entries;
}

function malformed(how: string): TypeError {
  return new TypeError(`a malformed multipart/form-data body: ${how}`);
}

function skipLineBreaks(body: Uint8Array): number {
  let at = 0;
  while (body[at] === CR && body[at + 1] === LF) at += 2;
  return at;
}

/** Whether the boundary before `at` is the last one: two dashes, and nothing but line breaks behind them. */
function isEnd(body: Uint8Array, at: number): boolean {
  if (body[at] !== DASH || body[at + 1] !== DASH) return false;
  return at + 2 + skipLineBreaks(body.subarray(at + 2)) === body.length;
}

function matches(body: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let index = 0; index < wanted.length; index++) if (body[at + index] !== wanted[index]) return false;
  return true;
}

/** Where `wanted`, which begins with its only CR, is next; -1 when nowhere. In the order of the body's length. */
function find(body: Uint8Array, wanted: Uint8Array, from: number): number {
  let at = body.indexOf(CR, from);
  while (at >= 0 && !matches(body, at, wanted)) at = body.indexOf(CR, at + 1);
  return at;
}

const HEAD_END = Uint8Array.of(CR, LF, CR, LF);

/** The length of the lines of a part's headers, each with its line break. */
function headLength(body: Uint8Array, at: number): number {
  // One byte more than there may be, for the end to be found.
  const window = body.subarray(at, at + FORM_HEADER_MAX_BYTES + 2);
  for (let end = window.indexOf(CR); end >= 0; end = window.indexOf(CR, end + 1)) {
    if (matches(window, end, HEAD_END)) return end + 2;
  }
  throw malformed(`a part's headers have no end within ${FORM_HEADER_MAX_BYTES} bytes`);
}

function parseHead(text: string): Head {
  let disposition: string | undefined;
  let contentType: string | undefined;
  let at = 0;
  while (at < text.length) {
    HEADER.lastIndex = at;
    const match = HEADER.exec(text);
    if (match === null) throw malformed(`"${text.slice(at, text.indexOf("\r\n", at))}" is no header`);
    const [line, name = "", value = ""] = match;
    at += line.length;
    const key = name.toLowerCase();
    if (key === "content-disposition") disposition = value.trimEnd();
    else if (key === "content-type") contentType = value.trimEnd();
  }
  if (disposition === undefined) throw malformed("a part has no Content-Disposition");
  const parameters = parametersOf(disposition);
  const name = parameters.get("name");
  if (name === undefined) throw malformed("a part has no name");
  const extended = parameters.get("filename*");
  const filename = extended === undefined ? parameters.get("filename") : extendedValue(extended);
  return {
    name: unescaped(name),
    filename: extended === undefined && filename !== undefined ? unescaped(filename) : filename,
    contentType,
  };
}

function parametersOf(disposition: string): ReadonlyMap<string, string> {
  const kind = DISPOSITION.exec(disposition)?.[0];
  if (kind === undefined) throw malformed(`a part's Content-Disposition is "${disposition}", not form-data`);
  const parameters = new Map<string, string>();
  let at = kind.length;
  while (at < disposition.length) {
    PARAMETER.lastIndex = at;
    const match = PARAMETER.exec(disposition);
    if (match === null) throw malformed(`a part's Content-Disposition cannot be read: ${disposition}`);
    const [whole, name = "", quoted, plain = ""] = match;
    parameters.set(name.toLowerCase(), quoted ?? plain);
    at += whole.length;
  }
  return parameters;
}

const UNESCAPES: Readonly<Record<string, string>> = { "%0a": "\n", "%0d": "\r", "%22": '"' };

/** Line breaks and quotes are what a name cannot have between quotes; nothing else is escaped. */
function unescaped(text: string): string {
  return text.replace(/%0a|%0d|%22/gi, (escape) => UNESCAPES[escape.toLowerCase()] ?? escape);
}

/** RFC 8187: `utf-8'language'percent-encoded`. */
function extendedValue(text: string): string {
  const [, encoded] = /^utf-8'[^']*'(.*)$/i.exec(text) ?? [];
  try {
    if (encoded !== undefined) return decodeURIComponent(encoded);
  } catch {
    // Told below.
  }
  throw malformed(`the name of a file cannot be read: ${text}`);
}

function valueOf({ filename, contentType = "text/plain" }: Head, bytes: Uint8Array): Entry[1] {
  if (filename === undefined) return utf8Text(bytes);
  const { blobOf, File } = part("blob");
  // The body is nobody else's, but what is kept of it should not keep all of it.
  return new File([blobOf(bytes.slice(), "")], filename, { type: contentType });
}
