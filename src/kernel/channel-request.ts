/** What a process asks to be opened, checked before anything is: shapes, sizes, and the grammar of what goes on the wire. */

import * as v from "valibot";

import { type ChannelRequest, serviceName } from "../abi/channel.ts";
import { failure } from "../errors.ts";
import {
  HEADERS_MAX,
  HEADERS_MAX_BYTES,
  HOST_MAX_CHARS,
  METHOD_MAX_CHARS,
  PROCESSES_PER_NODE_MAX,
  PROTOCOLS_MAX,
  URL_MAX_CHARS,
} from "../limits.ts";

/** RFC 9110, 5.6.2. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
/** RFC 9110, 5.5, with what bytes over 127 stand for; nothing that could end the line. */
const FIELD_VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;
/** To a server they mean another connection, or the request as it came: Fetch, "forbidden method". */
const FORBIDDEN_METHODS = ["CONNECT", "TRACE", "TRACK"];

const token = v.pipe(v.string(), v.maxLength(HEADERS_MAX_BYTES), v.regex(TOKEN, "must be a token of RFC 9110"));

const headers = v.pipe(
  v.array(
    v.strictTuple([
      token,
      v.pipe(
        v.string(),
        v.maxLength(HEADERS_MAX_BYTES),
        v.regex(FIELD_VALUE, "must be a field value of RFC 9110: no line ends, no characters over U+00FF"),
      ),
    ]),
  ),
  v.maxLength(HEADERS_MAX),
  v.check(
    (list) => list.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0) <= HEADERS_MAX_BYTES,
    `must have at most ${HEADERS_MAX_BYTES} bytes`,
  ),
);

const ownAddress = v.pipe(
  v.string(),
  v.maxLength(HOST_MAX_CHARS),
  v.check(isOwnAddress, 'must be HOST:PORT or service:NAME, as in "127.0.0.1:8080", "[::1]:0" or "service:web"'),
);

const request = v.variant("kind", [
  v.strictObject({
    kind: v.literal("listener"),
    address: ownAddress,
    protocol: v.exactOptional(v.picklist(["http", "tcp"])),
    holds: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(PROCESSES_PER_NODE_MAX))),
  }),
  v.strictObject({ kind: v.literal("datagram"), address: ownAddress }),
  v.strictObject({
    kind: v.literal("fetch"),
    method: v.pipe(
      token,
      v.maxLength(METHOD_MAX_CHARS),
      v.check((method) => !FORBIDDEN_METHODS.includes(method.toUpperCase()), "is a method that no process may use"),
    ),
    url: address(["http:", "https:"]),
    headers,
    body: v.picklist(["none", "whole", "stream"]),
  }),
  v.strictObject({
    kind: v.literal("socket"),
    url: address(["ws:", "wss:"]),
    protocols: v.pipe(
      v.array(token),
      v.maxLength(PROTOCOLS_MAX),
      v.check((list) => new Set(list).size === list.length, "must not name a protocol twice"),
    ),
  }),
]);

/** The request, whole and within bounds. Throws EINVAL, saying what is wrong with it. */
export function channelRequest(value: unknown): ChannelRequest {
  const checked = v.safeParse(request, value, { abortEarly: true });
  if (checked.success) return checked.output;
  const [issue] = checked.issues;
  const place = v.getDotPath(issue);
  throw failure(
    "EINVAL",
    `a channel cannot be opened: ${place === null ? "the request" : `its ${place}`} is wrong: ${issue.message.slice(0, 300)}`,
  );
}

/** An absolute URL of one of these schemes. */
function address(schemes: readonly string[]) {
  return v.pipe(
    v.string(),
    v.maxLength(URL_MAX_CHARS),
    v.check(
      (text) => {
        const url = URL.canParse(text) ? new URL(text) : undefined;
        return url !== undefined && schemes.includes(url.protocol) && url.username === "" && url.password === "";
      },
      `must be an absolute URL, ${schemes.join(" or ")}, without credentials`,
    ),
  );
}

/** One that can be listened on. */
function isOwnAddress(text: string): boolean {
  if (serviceName(text) !== undefined) return true;
  const match = /^(\[[\da-f:.]+\]|[^\s:/?#@\\%[\]*]+):(\d{1,5})$/i.exec(text);
  return match !== null && Number(match[2]) <= 65_535;
}
