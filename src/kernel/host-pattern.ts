/**
 * Which hosts a `net` capability allows. An entry is a name (`example.com`), the names below one (`*.example.com`), an IP
 * address (`192.0.2.1`, `[2001:db8::1]`) or a range of them (`10.0.0.0/8`, `fd00::/8`), for every port or with `:PORT` for
 * one. Names and addresses are apart: neither allows what the other resolves to.
 */

import ipaddr from "ipaddr.js";

import { failure } from "../errors.ts";
import { HOST_MAX_CHARS, HOST_PATTERNS_MAX } from "../limits.ts";

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** `port` undefined is every port. */
type HostPattern = { readonly port: number | undefined } & (
  | { readonly kind: "name"; readonly name: string }
  /** `suffix` begins with the dot. */
  | { readonly kind: "below"; readonly suffix: string }
  | { readonly kind: "range"; readonly base: Address; readonly bits: number }
);

/** What of `asked` `held` covers whole. Throws EINVAL for entries that are none, and for too many. */
export function narrowHosts(
  held: readonly string[] | "all",
  asked: readonly string[] | "all" | undefined,
): readonly string[] | "all" {
  if (asked === undefined) return [];
  if (asked === "all") return held;
  if (asked.length > HOST_PATTERNS_MAX)
    throw failure(
      "EINVAL",
      `${asked.length} hosts to allow; at most ${HOST_PATTERNS_MAX} are taken: give ranges of them`,
    );
  const patterns = asked.map(patternOf);
  if (held === "all") return asked;
  const mine = held.map(patternOf);
  return asked.filter((_, index) => mine.some((each) => includes(each, patterns[index])));
}

/**
 * Whether `held` allows connections to `host` at `port`. `host` is a name or an address as `URL.hostname` has it; an IPv6
 * address may come without its brackets.
 */
export function coversHost(held: readonly string[] | "all", host: string, port: number): boolean {
  if (held === "all") return true;
  const place = placeOf(host, undefined, port);
  return held.some((entry) => includes(patternOf(entry), place));
}

/** An address without the wrapping of IPv4 in IPv6, or undefined for what is a name. */
export function addressOf(host: string): Address | undefined {
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  if (bare.includes("%")) return undefined;
  if (bare.includes(":")) return ipaddr.IPv6.isValid(bare) ? ipaddr.process(bare) : undefined;
  return ipaddr.IPv4.isValidFourPartDecimal(bare) ? ipaddr.IPv4.parse(bare) : undefined;
}

function includes(outer: HostPattern, inner: HostPattern | undefined): boolean {
  if (inner === undefined) return false;
  if (outer.port !== undefined && outer.port !== inner.port) return false;
  if (outer.kind === "name") return inner.kind === "name" && inner.name === outer.name;
  if (outer.kind === "range")
    return inner.kind === "range" && inner.bits >= outer.bits && matches(inner.base, outer.base, outer.bits);
  if (inner.kind === "name") return inner.name.endsWith(outer.suffix) && inner.name !== outer.suffix;
  return inner.kind === "below" && inner.suffix.endsWith(outer.suffix);
}

function matches(address: Address, base: Address, bits: number): boolean {
  return address.kind() === base.kind() && address.match(base, bits);
}

/** `*.` or not, a bracketed IPv6 address, a name or an IPv4 address, or a bare IPv6 address; `/BITS`; `:PORT`. */
const ENTRY = /^(\*\.)?(\[[\da-f:.]+\]|[^\s:/?#@\\%[\]*]+|[\da-f:.]+)(?:\/(\d{1,3}))?(?::(\d{1,5}))?$/i;

function patternOf(entry: string): HostPattern {
  const match = entry.length <= HOST_MAX_CHARS ? ENTRY.exec(entry) : null;
  if (match === null) throw malformed(entry);
  const [, star, host = "", bitsText, portText] = match;
  const port = portText === undefined ? undefined : Number(portText);
  if (port !== undefined && (port === 0 || port > 65_535)) throw malformed(entry);
  const bits = bitsText === undefined ? undefined : Number(bitsText);
  const place = placeOf(canonical(host, entry), bits, port);
  if (star === undefined && (place.kind === "range" || bits === undefined)) return place;
  if (place.kind !== "name" || bits !== undefined) throw malformed(entry);
  return { kind: "below", suffix: `.${place.name}`, port };
}

/** A host as `URL.hostname` has it: lower case, international names in ASCII, odd spellings of IPv4 addresses put right. */
function canonical(host: string, entry: string): string {
  try {
    return new URL(`http://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}/`).hostname;
  } catch (error) {
    throw malformed(entry, error);
  }
}

function placeOf(host: string, bits: number | undefined, port: number | undefined): HostPattern {
  const base = addressOf(host);
  if (base === undefined) return { kind: "name", name: host.endsWith(".") ? host.slice(0, -1) : host, port };
  const width = base.kind() === "ipv4" ? 32 : 128;
  // A range of IPv4 addresses wrapped in IPv6 counts the wrapping's bits.
  const own = bits === undefined ? width : width === 32 && host.includes(":") ? bits - 96 : bits;
  if (own < 0 || own > width) throw malformed(`${host}/${bits ?? ""}`);
  return { kind: "range", base, bits: own, port };
}

function malformed(entry: string, cause?: unknown): Error {
  const shown = entry.length > 80 ? `${entry.slice(0, 80)}...` : entry;
  return failure(
    "EINVAL",
    `${JSON.stringify(shown)} names no host to allow: write HOST, HOST:PORT, *.DOMAIN, an IP address or a range such as 10.0.0.0/8`,
    cause,
  );
}
