/**
 * Services as names of DNS (RFC 1034, 1035; SRV by RFC 2782), answered with authority. Pure: a question's message in, the answer's
 * out.
 *
 *     _NAME._tcp.ZONE        SRV of all its addresses; _udp for datagrams
 *     _SCHEME._tcp.NAME.ZONE SRV of those for http, https, ...
 *     NAME.ZONE              A and AAAA of its hosts, SRV, TXT
 *     10-0-0-1.ZONE          A of a host that SRV names, 6-fe80-0-...  AAAA: no service has such a name
 */

import { AUTHORITATIVE_ANSWER, type Answer, decode, encode, type Packet, type Question } from "dns-packet";
import ipaddr from "ipaddr.js";

import { LOOKUP_TTL_S } from "../../limits.ts";
import type { Target } from "./catalogue.ts";

/** What the zone tells one asker. */
export interface ZoneView {
  /** Absolute, in lower case, with a dot at its end. */
  readonly zone: string;
  /** The address of the server, if it is known. */
  readonly server: string | undefined;
  /** First labels of the names of hosts, of all services' addresses: those of {@link hostLabels}. */
  hosts(): ReadonlySet<string>;
  targets(service: string): readonly Target[];
  processes(service: string): number;
}

/** RFC 1035, 4.1.1; RFC 6891 for BADVERS, of which the lower four bits are in the header. */
const RCODE = { ok: 0, malformed: 1, nameless: 3, unimplemented: 4, refused: 5, badVersion: 16 } as const;
const RESPONSE = 0x8000;
const OPCODE_MASK = 0x7800;
const RECURSION_DESIRED = 0x0100;
export const TRUNCATED = 0x0200;
const HEADER_BYTES = 12;
/** RFC 6891; what passes without fragments (RFC 9715); what all take. */
const EDNS_PAYLOAD_BYTES = 1232;
const PLAIN_PAYLOAD_BYTES = 512;

/** What an answer says, before it is put in a message. */
interface Findings {
  readonly rcode: number;
  readonly answers: readonly Answer[];
  readonly additionals?: readonly Answer[];
}

/** The answer to a message, and how long it may be in one datagram. Nothing for what is no question at all. */
export function answerTo(message: Buffer, view: ZoneView): { answer: Packet; maxBytes: number } | undefined {
  if (message.length < HEADER_BYTES) return undefined;
  const flags = message.readUInt16BE(2);
  // An answer is never answered: two servers could go on for ever.
  if ((flags & RESPONSE) !== 0) return undefined;
  const kept = flags & (OPCODE_MASK | RECURSION_DESIRED);
  const bare = (rcode: number) => ({
    answer: { type: "response" as const, id: message.readUInt16BE(0), flags: kept | rcode },
    maxBytes: PLAIN_PAYLOAD_BYTES,
  });
  if ((flags & OPCODE_MASK) !== 0) return bare(RCODE.unimplemented);
  const query = decoded(message);
  const [question] = query?.questions ?? [];
  if (query === undefined || question === undefined || query.questions?.length !== 1 || !isPlain(question.name))
    return bare(RCODE.malformed);
  return whole(query, question, kept, view);
}

/** Undefined for what cannot be read. */
function decoded(message: Buffer): Packet | undefined {
  try {
    return decode(message);
  } catch {
    return undefined;
  }
}

/** Whether a name can be written again as it was read. */
function isPlain(name: string): boolean {
  return /^[\x21-\x7e]{1,254}$/.test(name);
}

function whole(query: Packet, question: Question, kept: number, view: ZoneView) {
  const opt = query.additionals?.find((one) => one.type === "OPT");
  const isKnown = opt === undefined || opt.ednsVersion === 0;
  const found = isKnown ? find(question, view) : { rcode: RCODE.badVersion, answers: [] };
  const isOurs = found.rcode === RCODE.ok || found.rcode === RCODE.nameless;
  const authorities = isOurs && found.answers.length === 0 ? [soa(view)] : [];
  const additionals: Answer[] = [...(found.additionals ?? [])];
  if (opt !== undefined)
    additionals.push({
      type: "OPT",
      name: ".",
      udpPayloadSize: EDNS_PAYLOAD_BYTES,
      extendedRcode: found.rcode >> 4,
      ednsVersion: 0,
      flags: 0,
      flag_do: false,
      options: [],
    });
  const answer: Packet = {
    type: "response",
    ...(query.id === undefined ? {} : { id: query.id }),
    flags: kept | (isOurs ? AUTHORITATIVE_ANSWER : 0) | (found.rcode & 15),
    questions: [question],
    answers: [...found.answers],
    authorities,
    additionals,
  };
  const asked = opt?.udpPayloadSize ?? PLAIN_PAYLOAD_BYTES;
  return { answer, maxBytes: Math.min(EDNS_PAYLOAD_BYTES, Math.max(PLAIN_PAYLOAD_BYTES, asked)) };
}

/** For a datagram: what is left out is asked for again by TCP (RFC 2181, 9), unless it was only said in passing. */
export function fitted(answer: Packet, maxBytes: number): Buffer {
  const all = encode(answer);
  if (all.length <= maxBytes) return all;
  const opt = answer.additionals?.filter(({ type }) => type === "OPT") ?? [];
  const short = encode({ ...answer, additionals: opt });
  return short.length <= maxBytes ? short : encode(truncated(answer));
}

/** The same without anything that it says: come by TCP. */
export function truncated(answer: Packet): Packet {
  const opt = answer.additionals?.filter(({ type }) => type === "OPT") ?? [];
  return { ...answer, flags: (answer.flags ?? 0) | TRUNCATED, answers: [], authorities: [], additionals: opt };
}

// ---- What there is

function find({ type, name, class: of }: Question, view: ZoneView): Findings {
  const absolute = `${name.toLowerCase().replace(/\.$/, "")}.`;
  const isApex = absolute === view.zone;
  if (!isApex && !absolute.endsWith(`.${view.zone}`)) return { rcode: RCODE.refused, answers: [] };
  if (of !== "IN" && of !== "ANY") return { rcode: RCODE.refused, answers: [] };
  if (type === "AXFR" || type === "IXFR") return { rcode: RCODE.refused, answers: [] };
  const labels = isApex ? [] : absolute.slice(0, -view.zone.length - 1).split(".");
  const there = isApex ? apex(name, view) : below(labels, name, view);
  if (there === undefined) return { rcode: RCODE.nameless, answers: [] };
  // RFC 8482: who asks for anything gets something small.
  if ((type as string) === "ANY")
    return { rcode: RCODE.ok, answers: [{ ...record(name), type: "HINFO", data: { cpu: "RFC8482", os: "" } }] };
  const answers = there.filter((one) => one.type === type);
  return { rcode: RCODE.ok, answers, additionals: hosts(answers, view) };
}

function record(name: string) {
  return { name, class: "IN", ttl: LOOKUP_TTL_S } as const;
}

/** Asked again as soon as anything else is. */
function soa({ zone }: ZoneView): Answer {
  const data = { mname: zone, rname: `hostmaster.${zone}`, serial: 1, refresh: 60, retry: 10, expire: 3600 };
  return { ...record(zone), type: "SOA", data: { ...data, minimum: LOOKUP_TTL_S } };
}

function apex(name: string, view: ZoneView): Answer[] {
  const own = view.server === undefined ? [] : [addressRecord(name, view.server)];
  return [{ ...soa(view), name }, { ...record(name), type: "NS", data: view.zone }, ...own];
}

/** All that there is by a name; an empty list for one that only has others below it; undefined for none. */
function below(labels: readonly string[], name: string, view: ZoneView): Answer[] | undefined {
  const [first = "", second = "", third] = labels;
  if (labels.length === 1) {
    if (isTransport(first)) return [];
    if (/^\d/.test(first)) return hostNamed(first, name, view);
    const targets = view.targets(first);
    return targets.length === 0 ? undefined : [...servers(name, targets, view), ...about(first, name, targets, view)];
  }
  if (labels.length === 2 && !isTransport(second))
    return carried(first, view.targets(second)).length === 0 ? undefined : [];
  if (labels.length === 2) {
    const service = /^_(.+)$/.exec(first)?.[1] ?? "";
    const targets = carried(second, view.targets(service));
    return targets.length === 0 ? undefined : [...servers(name, targets, view), ...text(service, name, targets, view)];
  }
  if (labels.length !== 3 || third === undefined) return undefined;
  const targets = carried(second, view.targets(third)).filter(({ scheme }) => `_${scheme}` === first);
  return targets.length === 0 ? undefined : servers(name, targets, view);
}

function isTransport(label: string): boolean {
  return label === "_tcp" || label === "_udp";
}

/** Those of the transport that a label names. */
function carried(label: string, targets: readonly Target[]): Target[] {
  if (!isTransport(label)) return [];
  return targets.filter(({ scheme }) => (scheme === "udp") === (label === "_udp"));
}

function servers(name: string, targets: readonly Target[], { zone }: ZoneView): Answer[] {
  return targets.map(({ host, port, priority, weight }) => {
    const target = ipaddr.isValid(host) ? `${labelOf(host)}.${zone}` : host;
    return { ...record(name), type: "SRV", data: { priority, weight, port, target } };
  });
}

/** Addresses and words, at a service's own name. */
function about(service: string, name: string, targets: readonly Target[], view: ZoneView): Answer[] {
  const addresses = new Set(targets.map(({ host }) => host).filter((host) => ipaddr.isValid(host)));
  return [...[...addresses].map((host) => addressRecord(name, host)), ...text(service, name, targets, view)];
}

/** RFC 6763, 6. */
function text(service: string, name: string, targets: readonly Target[], view: ZoneView): Answer[] {
  const schemes = [...new Set(targets.map(({ scheme }) => scheme))].join(",");
  const data = ["txtvers=1", `schemes=${schemes}`, `processes=${view.processes(service)}`];
  return [{ ...record(name), type: "TXT", data }];
}

function addressRecord(name: string, host: string): Answer {
  return { ...record(name), type: ipaddr.parse(host).kind() === "ipv4" ? "A" : "AAAA", data: host };
}

/** A host's address as the first label of a name; such a name is there while a service has an address at that host. */
function labelOf(host: string): string {
  const address = ipaddr.parse(host);
  if (address.kind() === "ipv4") return address.toString().replaceAll(".", "-");
  return `6-${address.toNormalizedString().replaceAll(":", "-")}`;
}

/** Those of the hosts of some addresses. */
export function hostLabels(targets: readonly Target[]): string[] {
  return targets.flatMap(({ host }) => (ipaddr.isValid(host) ? [labelOf(host)] : []));
}

function hostOf(label: string): string | undefined {
  const host = label.startsWith("6-") ? label.slice(2).replaceAll("-", ":") : label.replaceAll("-", ".");
  return ipaddr.isValid(host) ? ipaddr.parse(host).toString() : undefined;
}

function hostNamed(label: string, name: string, view: ZoneView): Answer[] | undefined {
  const host = view.hosts().has(label) ? hostOf(label) : undefined;
  return host === undefined ? undefined : [addressRecord(name, host)];
}

/** The addresses of the hosts that an answer names. */
function hosts(answers: readonly Answer[], { zone }: ZoneView): Answer[] {
  const names = new Set(answers.flatMap((one) => (one.type === "SRV" ? [one.data.target] : [])));
  return [...names].flatMap((name) => {
    const host = name.endsWith(`.${zone}`) ? hostOf(name.slice(0, -zone.length - 1)) : undefined;
    return host === undefined ? [] : [addressRecord(name, host)];
  });
}
