/** `godwit lookup`: an address where programs ask where services are. */

import type { Command } from "commander";
import type { Lookup } from "../abi/lookup.ts";
import { connect } from "../client/node-client.ts";
import { failure } from "../errors.ts";
import { print, printJson } from "./print.ts";
import { examples } from "./program.ts";
import { formatTable } from "./table.ts";
import { UsageError } from "./usage.ts";

export function define(command: Command): void {
  command
    .argument("[services...]", "tell of these only (default: of all that are exposed)")
    .option("--on <address>", "answer there: dns://HOST:PORT or http://HOST:PORT; port 0 for any")
    .option("--zone <name>", "of dns: what names end with (default: godwit)")
    .option("--node <node>", "by this node (default: the one that is asked)")
    .option("--close <address>", "answer there no more")
    .addHelpText(
      "after",
      `${examples(
        ["godwit lookup --on dns://127.0.0.1:5300", "answers DNS, to programs of this machine"],
        ["dig @127.0.0.1 -p 5300 _web._tcp.godwit SRV", "where web is"],
        ["godwit lookup --on http://127.0.0.1:5380", "answers HTTP"],
        ["curl http://127.0.0.1:5380/v1/services/web", "where web is"],
        ["godwit lookup web api --on http://10.0.0.1:5380", "to the whole network, of two services"],
        ["godwit lookup", "the lookups that are open"],
        ["godwit lookup --close dns://127.0.0.1:5300", "no more"],
      )}

Whoever can reach the address may ask, and is told where the service can be entered that has a front he can reach, on which
nodes its processes are, and their care-of addresses (godwit expose --care-of). Nothing is answered anywhere unless it is
opened, and a service without a front is not told of.

Of dns, with the zone godwit:
  _web._tcp.godwit         SRV: all addresses of web, best first; _udp for datagrams
  _http._tcp.web.godwit    SRV: those for http; https, tcp and the like
  web.godwit               A, AAAA, SRV, TXT
Priority 0 are care-of addresses of the machine of who asks, 10 those of others, 20 the stable addresses, which relay. Weights are
by processes, and by what their nodes have to do.

Of http: GET /v1/services and /v1/services/NAME, in JSON. ?wait=SECONDS and If-None-Match with the last answer's ETag hold the
answer until it is another.`,
    )
    .action(lookup);
}

interface Flags {
  readonly on?: string;
  readonly zone?: string;
  readonly node?: string;
  readonly close?: string;
  readonly json?: true;
}

async function lookup(services: readonly string[], flags: Flags): Promise<void> {
  const { on, zone, node, close } = flags;
  const isOpening = on !== undefined;
  if (!isOpening && (services.length > 0 || zone !== undefined || node !== undefined))
    throw new UsageError("say with --on where it is to answer, as in --on dns://127.0.0.1:5300");
  if (isOpening && close !== undefined)
    throw new UsageError("--on opens a lookup and --close closes one: give one of them");
  const told = isOpening
    ? [await open(on, services, zone, node)]
    : await (close === undefined ? list() : closed(close));
  if (flags.json === true) return printJson(isOpening ? told[0] : told);
  if (!isOpening && close === undefined) return print(lookupTable(told));
  for (const { address, node: by } of told)
    print(isOpening ? `Node ${by} answers at ${address}.\n` : `Node ${by} does not answer at ${address} any more.\n`);
}

async function open(
  address: string,
  services: readonly string[],
  zone: string | undefined,
  node: string | undefined,
): Promise<Lookup> {
  return (await connect()).openLookup({
    address,
    ...(services.length === 0 ? {} : { services }),
    ...(zone === undefined ? {} : { zone }),
    ...(node === undefined ? {} : { node }),
  });
}

async function list(): Promise<Lookup[]> {
  return (await connect()).lookups();
}

async function closed(address: string): Promise<Lookup[]> {
  const gone = await (await connect()).closeLookup(address);
  if (gone.length > 0) return gone;
  throw failure("ENOENT", `no lookup is open at ${address}: see \`godwit lookup\``);
}

function lookupTable(all: readonly Lookup[]): string {
  const columns = ["AT", "NODE", "ZONE", "SERVICES"].map((title) => ({ title }));
  const rows = all.map(({ address, node, zone = "", services = ["all"] }) => [address, node, zone, services.join(" ")]);
  return formatTable(columns, rows);
}
