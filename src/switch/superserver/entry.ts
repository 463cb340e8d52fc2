/** One entry of an inetd.conf: what its fields say, checked. Pure: whether users, hosts and programs are there is asked later. */

import { isIP } from "node:net";
import { isAbsolute } from "node:path";
import type { ServiceNames, Transport } from "./service-names.ts";
import { isTrivialName, type TrivialName } from "./trivial-service.ts";

/** What answers. */
export type Server =
  | { readonly kind: "internal"; readonly service: TrivialName }
  /** A program of the host, with its arguments from `argv[0]` on. */
  | { readonly kind: "command"; readonly path: string; readonly argv: readonly string[] }
  /** A program of godwit's: what one would type after `godwit run`. */
  | { readonly kind: "godwit"; readonly words: readonly string[] };

export type Family = "ipv4" | "ipv6" | "mapped";

export interface Entry {
  /** Where in the file. */
  readonly line: number;
  /** As it is written. */
  readonly service: string;
  readonly type: "stream" | "dgram";
  readonly protocol: string;
  /** A port to listen on, over some families of addresses and on some of this machine's; or the path of a socket. */
  readonly place:
    | {
        readonly transport: Transport;
        readonly port: number;
        readonly families: readonly Family[];
        readonly hosts: readonly string[];
      }
    | { readonly transport: "unix"; readonly path: string };
  /** The server has the socket to itself until it ends. */
  readonly isWaiting: boolean;
  /** Starts within a minute, where the entry says it; and servers at once. */
  readonly perMinute?: number;
  readonly atOnce?: number;
  readonly user: string;
  readonly group?: string;
  readonly sendBufferBytes?: number;
  readonly receiveBufferBytes?: number;
  readonly server: Server;
}

/** What is wrong with a line. */
export class Mistake extends Error {
  override readonly name = "Mistake";
}

const FIELDS = ["service name", "socket type", "protocol", "wait or nowait", "user", "server program"] as const;

const FAMILIES: Readonly<Record<string, readonly Family[]>> = {
  "": ["ipv4", "ipv6"],
  4: ["ipv4"],
  6: ["ipv6"],
  46: ["mapped"],
};

/**
 * @param hosts where to listen, unless the entry says it
 * @throws Mistake that says which field makes no sense, and why
 */
export function parseEntry(
  line: number,
  words: readonly string[],
  hosts: readonly string[],
  names: ServiceNames,
): Entry {
  const [first = "", type = "", protocol = "", waiting = "", user = "", program = "", ...args] = words;
  if (words.length < FIELDS.length) {
    const missing = FIELDS.slice(words.length).join(", ");
    throw new Mistake(`it has ${words.length} of the fields that an entry needs; missing: ${missing}`);
  }
  // In the order of the fields, so that the first mistake is the one that is told.
  const own = hostsBefore(first);
  const service = own?.rest ?? first;
  const parsedType = parseType(type);
  const { transport, families, ...buffers } = parseProtocol(protocol, parsedType);
  const place = placeOf(service, transport, families, own?.hosts ?? hosts, names);
  const mode = parseWaiting(waiting);
  const owner = parseUser(user);
  const server = parseServer(service, program, args);
  checkWaiting(server, parsedType, mode.isWaiting, transport);
  // Those inside have a way of their own: connections side by side, datagrams one after the other.
  const isWaiting = server.kind === "internal" ? parsedType === "dgram" : mode.isWaiting;
  return { line, service, type: parsedType, protocol, place, ...mode, isWaiting, ...owner, ...buffers, server };
}

/** `HOST,HOST:rest`; an address of IPv6 is in brackets. Undefined where no host is named. */
export function hostsBefore(word: string): { hosts: readonly string[]; rest: string } | undefined {
  if (word.startsWith("/")) return undefined; // a path
  const end = word.lastIndexOf(":");
  if (end < 0) return undefined;
  const hosts = word
    .slice(0, end)
    .split(",")
    .map((host) => host.replace(/^\[(.*)\]$/, "$1"));
  if (end > 0 && hosts.some((host) => host === "" || (!/^[\w.*-]+$/.test(host) && isIP(host) === 0)))
    throw new Mistake(`"${word.slice(0, end)}" is no host: write a name, an address, [an address of IPv6], or *`);
  return { hosts: end === 0 ? ["*"] : hosts, rest: word.slice(end + 1) };
}

function parseType(word: string): Entry["type"] {
  if (word === "stream" || word === "dgram") return word;
  if (["raw", "rdm", "seqpacket"].includes(word)) throw new Mistake(`sockets of type ${word} are not served here`);
  throw new Mistake(`"${word}" is no socket type: write stream or dgram`);
}

function parseProtocol(word: string, type: Entry["type"]) {
  const [name = "", ...options] = word.split(",");
  if (name.startsWith("rpc/")) throw new Mistake(`services of Sun RPC (${name}) are not served here`);
  const [, transport = "", version = ""] = /^(tcp|udp|unix)(4|6|46)?$/.exec(name) ?? [];
  const families = FAMILIES[version];
  if (families === undefined || (transport !== "tcp" && transport !== "udp" && transport !== "unix"))
    throw new Mistake(`"${name}" is no protocol: write tcp, udp, tcp4, tcp6, udp4, udp6, or unix`);
  if (transport === "unix" && (version !== "" || type === "dgram"))
    throw new Mistake(`${type} ${name} is not served here: sockets in the file system are stream unix`);
  const expected = { tcp: "stream", udp: "dgram", unix: "stream" }[transport];
  if (type !== expected) throw new Mistake(`${name} goes with socket type ${expected}, not with ${type}`);
  return { transport, families, ...parseBuffers(options) } as const;
}

function parseBuffers(options: readonly string[]): { sendBufferBytes?: number; receiveBufferBytes?: number } {
  const sizes: { sendBufferBytes?: number; receiveBufferBytes?: number } = {};
  for (const option of options) {
    const [, name = "", digits = "", unit = ""] = /^(sndbuf|rcvbuf)=(\d{1,9})([km]?)$/.exec(option) ?? [];
    const sizeBytes = Number(digits) * (unit === "k" ? 2 ** 10 : unit === "m" ? 2 ** 20 : 1);
    if (name === "" || sizeBytes < 1 || sizeBytes >= 2 ** 31)
      throw new Mistake(`"${option}" is no option of a protocol: write sndbuf=SIZE or rcvbuf=SIZE, as in rcvbuf=64k`);
    sizes[name === "sndbuf" ? "sendBufferBytes" : "receiveBufferBytes"] = sizeBytes;
  }
  return sizes;
}

function parseWaiting(word: string): { isWaiting: boolean; perMinute?: number; atOnce?: number } {
  const [, mode = "", perMinute, atOnce] = /^(wait|nowait)(?:\.(\d{1,9}))?(?:\/(\d{1,9}))?$/.exec(word) ?? [];
  if (mode === "" || Number(perMinute ?? 1) < 1 || Number(atOnce ?? 1) < 1)
    throw new Mistake(
      `"${word}" is neither wait nor nowait; .N after it limits starts within a minute, /N servers at once, from 1 up`,
    );
  return {
    isWaiting: mode === "wait",
    ...(perMinute === undefined ? {} : { perMinute: Number(perMinute) }),
    ...(atOnce === undefined ? {} : { atOnce: Number(atOnce) }),
  };
}

function parseUser(word: string): { user: string; group?: string } {
  const [, user = "", group] = /^([^.:]+)(?:[.:]([^.:]+))?$/.exec(word) ?? [];
  if (user === "") throw new Mistake(`"${word}" is no user: write USER, USER:GROUP or USER.GROUP`);
  return group === undefined ? { user } : { user, group };
}

function parseServer(service: string, program: string, args: readonly string[]): Server {
  if (program === "internal") return { kind: "internal", service: trivialName(service, args) };
  if (program === "godwit") return { kind: "godwit", words: runWords(args) };
  if (!isAbsolute(program))
    throw new Mistake(`the server program "${program}" is no absolute path, and neither internal nor godwit`);
  const [argv0 = program.slice(program.lastIndexOf("/") + 1), ...rest] = args;
  return { kind: "command", path: program, argv: [argv0, ...rest] };
}

/** By the service's own name, or as the argument says: so that one of them can be at another port than its own. */
function trivialName(service: string, [first = "internal", ...more]: readonly string[]): TrivialName {
  const name = first === "internal" ? service : first;
  if (more.length > 0) throw new Mistake("internal services take no arguments");
  if (isTrivialName(name)) return name;
  throw new Mistake(`there is no internal service "${name}": they are echo, discard, chargen, daytime and time`);
}

/** `godwit run [options] FILE [args]`, from `argv[0]` on, as one would type it. */
function runWords([name, command, ...words]: readonly string[]): readonly string[] {
  if (name !== "godwit" || command !== "run" || words.length === 0)
    throw new Mistake("a program of godwit's is written godwit, and then what one would type: godwit run FILE [args]");
  return words;
}

function checkWaiting({ kind }: Server, type: Entry["type"], isWaiting: boolean, transport: string): void {
  if (kind === "godwit" && type === "stream" && isWaiting)
    throw new Mistake(
      "a program of godwit's cannot be given a listening socket: write nowait, or let it listen itself",
    );
  if (kind === "command" && transport === "unix" && isWaiting)
    throw new Mistake("stream unix is served with nowait only");
}

function placeOf(
  service: string,
  transport: Transport | "unix",
  families: readonly Family[],
  hosts: readonly string[],
  names: ServiceNames,
): Entry["place"] {
  if (transport === "unix") {
    if (isAbsolute(service)) return { transport, path: service };
    throw new Mistake(`"${service}" is no absolute path for a socket`);
  }
  const found = names.find(service, transport);
  if (found !== undefined) return { transport, port: found.port, families, hosts };
  throw new Mistake(
    /^\d+$/.test(service)
      ? `${service} is no port: they go to 65535`
      : `${service}/${transport} is in no file of services: add it (see --services), or write a port's number`,
  );
}
