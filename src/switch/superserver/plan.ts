/** From a configuration's text to what is to be served: all that can be wrong is found here, before anything is changed. */

import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import type { ClusterControl, SpawnOptions } from "../../abi/control.ts";
import { SUPERSERVER_ENTRIES_MAX, SUPERSERVER_LENT_MAX } from "../../limits.ts";
import { type Self, accountOf } from "./account.ts";
import type { Bounds } from "./allowance.ts";
import { configLines } from "./config-line.ts";
import { type Entry, type Family, Mistake, hostsBefore, parseEntry } from "./entry.ts";
import { reasonOf } from "./post.ts";
import { type Place, type ReadyServer, type Service, addressOf, keyOf, mannerOf } from "./service.ts";
import type { ServiceNames } from "./service-names.ts";

/** Programs of godwit's, and the node that they run on. */
export interface Programs {
  /** From what one would type after `godwit run`. */
  prepare(words: readonly string[]): Promise<SpawnOptions>;
  control(): Promise<ClusterControl>;
}

export interface Setting {
  readonly names: ServiceNames;
  /** Where an entry does not say it. */
  readonly bounds: Bounds;
  readonly self: Self;
  readonly programs: Programs;
}

export interface Problem {
  readonly line: number;
  readonly reason: string;
}

export interface Plan {
  readonly services: readonly Service[];
  /** Why it cannot be served; empty when it can. */
  readonly problems: readonly Problem[];
}

/** What a text says, entry by entry, and what is wrong with it. */
export function parseConfig(text: string, names: ServiceNames): { entries: Entry[]; problems: Problem[] } {
  const entries: Entry[] = [];
  const problems: Problem[] = [];
  let hosts: readonly string[] = ["*"];
  for (const { number: line, words, fault } of configLines(text)) {
    try {
      if (fault !== undefined) throw new Mistake(fault);
      const [only = ""] = words;
      const named = words.length === 1 ? hostsBefore(only) : undefined;
      if (named?.rest === "") hosts = named.hosts;
      else entries.push(parseEntry(line, words, hosts, names));
      if (entries.length > SUPERSERVER_ENTRIES_MAX) throw new Mistake(`at most ${SUPERSERVER_ENTRIES_MAX} are served`);
    } catch (error) {
      problems.push({ line, reason: mistakeOf(error) });
      if (entries.length > SUPERSERVER_ENTRIES_MAX) break;
    }
  }
  return { entries, problems };
}

function mistakeOf(error: unknown): string {
  if (error instanceof Mistake) return error.message;
  throw error;
}

export async function planOf(text: string, setting: Setting): Promise<Plan> {
  const { entries, problems: parsed } = parseConfig(text, setting.names);
  const problems = [...parsed];
  const services = new Map<string, Service>();
  let lent = 0;
  for (const entry of entries) {
    try {
      const server = await readyServer(entry, setting);
      const places = await placesOf(entry);
      for (const place of places) {
        const bounds = boundsOf(entry, setting.bounds);
        const service = { entry, place, manner: mannerOf(entry, server), bounds, server };
        checkAlone(service, services);
        if (service.manner === "expose" && places.length > 1)
          throw new Mistake(
            "a program that serves by name has one address: write udp4, udp46 or a host of one address",
          );
        services.set(keyOf(service), service);
        if (service.manner === "lend" && ++lent > SUPERSERVER_LENT_MAX)
          throw new Mistake(`at most ${SUPERSERVER_LENT_MAX} sockets are handed to programs as they are`);
      }
    } catch (error) {
      problems.push({ line: entry.line, reason: mistakeOf(error) });
    }
  }
  return { services: [...services.values()], problems: problems.sort((one, other) => one.line - other.line) };
}

function boundsOf({ perMinute, atOnce }: Entry, bounds: Bounds): Bounds {
  return { perMinute: perMinute ?? bounds.perMinute, atOnce: atOnce ?? bounds.atOnce };
}

function checkAlone(service: Service, others: ReadonlyMap<string, Service>): void {
  const { place } = service;
  if (place.transport !== "unix" && place.port === 0) return;
  for (const manner of ["accept", "read", "lend", "expose"] as const) {
    const other = others.get(keyOf({ ...service, manner }));
    if (other === undefined) continue;
    const where = `${addressOf(place)} (${place.transport})`;
    throw new Mistake(`${where} is served by the entry in line ${other.entry.line} already`);
  }
}

async function readyServer({ server, user, group }: Entry, setting: Setting): Promise<ReadyServer> {
  if (server.kind === "internal") return server;
  const account = await accountOf(user, group, setting.self);
  if (server.kind === "command") {
    await checkExecutable(server.path);
    return { ...server, account };
  }
  if (account.uid !== undefined)
    throw new Mistake(`a program of godwit's runs as its node does, and cannot as ${user}: name the node's own user`);
  try {
    const program = await setting.programs.prepare(server.words);
    return { kind: "godwit", program, control: await setting.programs.control() };
  } catch (error) {
    throw new Mistake(`the program cannot be run: ${reasonOf(error)}`);
  }
}

async function checkExecutable(path: string): Promise<void> {
  try {
    if (!(await stat(path)).isFile()) throw new Mistake(`the server program ${path} is no file`);
    await access(path, constants.X_OK);
  } catch (error) {
    if (error instanceof Mistake) throw error;
    throw new Mistake(`the server program ${path} cannot be executed: ${reasonOf(error)}`);
  }
}

const WILDCARDS: Readonly<Record<Family, string>> = { ipv4: "0.0.0.0", ipv6: "::", mapped: "::" };

async function placesOf({ place }: Entry): Promise<Place[]> {
  if (place.transport === "unix") return [place];
  const { transport, port, families, hosts } = place;
  const has6 = hasIPv6();
  const places: Place[] = [];
  for (const host of hosts) {
    const addresses = host === "*" ? families.map((family) => WILDCARDS[family]) : await addressesOf(host);
    const chosen = addresses.flatMap((address) => {
      const version = isIP(address) === 4 ? "ipv4" : "ipv6";
      const family = families.find((each) => (each === "mapped" ? "ipv6" : each) === version);
      if (family === undefined || (version === "ipv6" && !has6 && host === "*" && families.length > 1)) return [];
      return [{ transport, family: version, isMapped: family === "mapped", address, port } as const];
    });
    if (chosen.length === 0)
      throw new Mistake(`${host} has no address of the protocol's kind (${addresses.join(", ")})`);
    places.push(...chosen);
  }
  return places;
}

function hasIPv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === "IPv6"));
}

async function addressesOf(host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    throw new Mistake(`there is no host ${host}: ${reasonOf(error)}`);
  }
}
