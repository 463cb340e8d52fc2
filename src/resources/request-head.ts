/** What a request that came in says of itself, once Node's parser has taken it; or why it is refused all the same. */

import type { IncomingMessage } from "node:http";

import type { ExchangeHead, HeaderList } from "../abi/channel.ts";
import { HEADERS_MAX, REQUEST_HEAD_MAX_BYTES } from "../limits.ts";
import { streamOf } from "./http-stream.ts";

export interface RequestHead {
  readonly head: ExchangeHead;
  /** Of its body, in bytes; undefined when it says none. */
  readonly length: number | undefined;
}

export interface Refusal {
  readonly status: number;
  readonly why: string;
}

/** Fields that Node keeps: one more than are taken, since it drops what is beyond without a word. */
export const FIELDS_KEPT_MAX = HEADERS_MAX + 1;

export function requestHead(request: IncomingMessage): RequestHead | Refusal {
  const fields = headerList(request.rawHeaders);
  if (fields.length > HEADERS_MAX) return { status: 431, why: `a request has at most ${HEADERS_MAX} header fields` };
  // Of HTTP/1.1 the parser sees to it; that of HTTP/2 only asks for it.
  const sizeBytes = request.rawHeaders.reduce((sum, text) => sum + text.length, 0);
  if (request.httpVersionMajor >= 2 && sizeBytes > REQUEST_HEAD_MAX_BYTES)
    return { status: 431, why: `a request's head has at most ${REQUEST_HEAD_MAX_BYTES} bytes` };
  // RFC 9112, 6.1: what is sent in a coding that nobody here takes off would be read as something else.
  const coding = request.headers["transfer-encoding"]?.toLowerCase();
  if (coding !== undefined && coding !== "chunked")
    return { status: 501, why: "of the transfer codings only chunked is known here" };
  if (coding !== undefined && request.httpVersion === "1.0")
    return { status: 400, why: "a request of HTTP/1.0 has no Transfer-Encoding" };
  const url = urlOf(request, fields);
  if (url === undefined) return { status: 400, why: "the request's target or Host is malformed" };
  const said = request.headers["content-length"];
  const length = said === undefined ? undefined : Number(said);
  const { remoteAddress = "", remotePort = 0 } = request.socket;
  const head = {
    method: request.method ?? "GET",
    url,
    headers: withHost(request, fields, url),
    remote: `${remoteAddress}:${remotePort}`,
    hasBody: hasBody(request, coding, length),
  };
  return { head, length };
}

/** HTTP/2 needs no field to say so. */
function hasBody(request: IncomingMessage, coding: string | undefined, length: number | undefined): boolean {
  const stream = streamOf(request);
  if (stream !== undefined) return !stream.endAfterHeaders;
  return coding !== undefined || (length !== undefined && length > 0);
}

function headerList(raw: readonly string[]): HeaderList {
  const list: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? "").toLowerCase();
    // HTTP/2 has the request's line among its fields.
    if (!name.startsWith(":")) list.push([name, raw[at + 1] ?? ""]);
  }
  return list;
}

/** The request's URL as the client means it (RFC 9112, 3.3), or undefined when it makes none. */
function urlOf(request: IncomingMessage, fields: HeaderList): string | undefined {
  const target = request.url ?? "";
  const host = hostOf(request, fields);
  if (host === undefined) return undefined;
  const scheme = "encrypted" in request.socket ? "https" : "http";
  const text = target.startsWith("/")
    ? `${scheme}://${host}${target}`
    : target === "*"
      ? `${scheme}://${host}/*`
      : target;
  try {
    const url = new URL(text);
    const isPlain = url.protocol === `${scheme}:` && url.username === "" && url.password === "" && url.hash === "";
    return isPlain ? url.href : undefined;
  } catch {
    return undefined;
  }
}

/** A process sees one host: where the target names it, that (RFC 9112, 3.2.2; RFC 9113, 8.3.1). */
function withHost(request: IncomingMessage, fields: HeaderList, url: string): HeaderList {
  const isNamed = request.httpVersionMajor >= 2 || !/^[/*]/.test(request.url ?? "");
  return isNamed ? [["host", new URL(url).host], ...fields.filter(([name]) => name !== "host")] : fields;
}

/** The one Host; a client of HTTP/1.0 need not say any, and means the one that it is connected to. */
function hostOf(request: IncomingMessage, fields: HeaderList): string | undefined {
  const hosts = fields.filter(([name]) => name === "host");
  const authority = request.httpVersionMajor < 2 ? undefined : request.headers[":authority"];
  if (authority !== undefined) {
    // RFC 9113, 8.3.1.
    const isOne = hosts.every(([, value]) => value.toLowerCase() === String(authority).toLowerCase());
    return isOne && isHost(String(authority)) ? String(authority) : undefined;
  }
  if (hosts.length === 0 && request.httpVersion === "1.0") {
    const { localAddress = "", localPort = 0 } = request.socket;
    return localAddress.includes(":") ? `[${localAddress}]:${localPort}` : `${localAddress}:${localPort}`;
  }
  const host = hosts[0]?.[1] ?? "";
  return hosts.length === 1 && isHost(host) ? host : undefined;
}

/** A Host such as "a/b" would make another path than the one that was asked for. */
function isHost(text: string): boolean {
  return text !== "" && !/[/?#@\\\s]/.test(text);
}
