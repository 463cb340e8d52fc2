/** `godwit expose`: an address where clients of a service come in. */

import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import type { NodeNames } from "../abi/control.ts";
import type { PassOn } from "../abi/pass-on.ts";
import { connect } from "../client/node-client.ts";
import { failure } from "../errors.ts";
import { SERVICE_IDLE_DEFAULT_MS } from "../limits.ts";
import { print, printJson } from "./print.ts";
import { examples } from "./program.ts";
import { BARE, type GrantFlags, addGrantOptions } from "./grants.ts";
import { parseDuration } from "./quantity.ts";
import { spawnOptions } from "./run.ts";
import { UsageError } from "./usage.ts";

export function define(command: Command): void {
  addGrantOptions(command)
    .argument("<service>", "its name, as in --listen service:NAME")
    .requiredOption("--on <address>", "where: SCHEME://HOST:PORT, with http, https, tcp, tls or udp; port 0 for any")
    .option("--policy <policy>", "how a process is chosen (default: least-loaded)")
    .addOption(
      new Option("--pass-on <how>", "how connections get to the nodes of processes (default: auto)").choices([
        "auto",
        "handoff",
        "relay",
      ]),
    )
    .option("--cert <file>", "certificate of a front for https or tls, PEM")
    .option("--key <file>", "its key, PEM")
    .option("--at <nodes>", "nodes that hold the address: NODE,NODE or all (default: the one that is asked)", nodeNames)
    .option(
      "--care-of [host]",
      "tell clients that know how to come here directly, by HOST or HOST:PORT (default: as it is)",
    )
    .option("--start <file>", "run this program when a client comes and there is no process, with the options above")
    .option("--idle <duration>", "with --start: end it when no client came for so long (default: 1m)", parseDuration)
    .addHelpText(
      "after",
      `${examples(
        ["godwit run --detach app.ts --listen service:web", "a process that serves web; start as many as are wanted"],
        ["godwit expose web --on http://127.0.0.1:8080", "requests there go to them"],
        ["godwit expose echo --on tcp://127.0.0.1:7000", 'connections go to programs that listen({ name: "echo" })'],
        [
          "godwit expose web --on http://0.0.0.0:8080 --at all",
          "at every node that there is or will be; on one machine whoever has it is followed by another",
        ],
        [
          "godwit expose web --on http://127.0.0.1:8080 --policy hash:cookie.session",
          "those of a session to one of them",
        ],
        [
          "godwit expose web --on http://127.0.0.1:8080 --start app.ts --idle 30s",
          "app.ts runs while there are clients; nothing does while there are none",
        ],
        [
          "godwit expose web --on http://0.0.0.0:8081 --care-of --at all",
          "clients that know how go to each node's own processes, without a relay",
        ],
      )}

Policies:
  round-robin            one after the other
  least-loaded           to the one that has the least of this switch
  local                  to those whose home is this node, if there are any
  hash:KEY               the same key to the same process; KEY is remote, host, path, header.NAME, cookie.NAME or
                         query.NAME
  content:PREFIX=SERVICE,...
                         what is below a path, or for a host, goes to the processes of another service; PREFIX is
                         /PATH, HOST or HOST/PATH. The host of a connection over TLS is the name its client asks for

An address stays exposed, also when nodes go and come back, until \`godwit unexpose\`. Each node of --at holds it if it can; one that
cannot, since another of its machine has it or since it is an address that goes from machine to machine, stands by and tries
again, at once when a node goes. To expose a service at the same address again changes its policy, its certificate and its nodes.
A key is kept in the cluster under seal.

Passing on:
  auto                   a connection is handed to the node of its process, if the same godwit up has started that; else relayed
  handoff                the same; refused where there is no such node
  relay                  all connections stay at this node, which passes on what is said

Processes may be moved, and their nodes drained, without clients noticing: the connections are the switch's. When no
process is free, clients wait for one; after five seconds requests are told to come again, connections are reset, and
datagrams forgotten.

A front relays to processes at other nodes. One with --care-of is for its node's own processes (its policy is local):
the other fronts of the service say in their answers where it is (Alt-Svc), and godwit lookup tells of it.

With --start the service scales to zero: the first request starts the program, at the node where it came in unless that is full,
and is answered by it. There is one such process, however many fronts want it; it is started only while nobody else serves the
service, and ended (SIGTERM, and SIGKILL five seconds later) when it has had no client of any front for the time of --idle: what
it had in memory is gone. One that fails is started again after a second.`,
    )
    .action(expose);
}

interface Flags extends GrantFlags {
  readonly on: string;
  readonly policy?: string;
  readonly passOn?: PassOn;
  readonly cert?: string;
  readonly key?: string;
  readonly at?: NodeNames;
  readonly careOf?: string;
  readonly start?: string;
  readonly idle?: number;
  readonly json?: true;
}

async function expose(service: string, flags: Flags): Promise<void> {
  const { on, policy, cert, key, at, careOf } = flags;
  if ((cert === undefined) !== (key === undefined)) throw new UsageError("--cert and --key go together");
  const program = flags.start;
  if (program === undefined && flags.idle !== undefined) throw new UsageError("--idle is for --start");
  const start =
    program === undefined
      ? {}
      : {
          start: {
            program: await spawnOptions(program, [], { ...flags, listen: `service:${service}` }),
            idleMs: flags.idle ?? SERVICE_IDLE_DEFAULT_MS,
          },
        };
  const front = await (
    await connect()
  ).expose({
    service,
    address: on,
    ...(policy === undefined ? {} : { policy }),
    ...(flags.passOn === undefined ? {} : { passOn: flags.passOn }),
    ...(cert === undefined ? {} : { certificate: pem(cert) }),
    ...(key === undefined ? {} : { key: pem(key) }),
    ...(at === undefined ? {} : { at }),
    ...(careOf === undefined ? {} : { careOf: careOf === BARE ? "" : careOf }),
    ...start,
  });
  if (flags.json === true) printJson(front);
  else if (at === undefined) print(`Service ${front.service} is at ${front.address}, by node ${front.node}.\n`);
  else print(`Service ${front.service} is at ${front.address}, by ${at === "all" ? "all nodes" : at.join(", ")}.\n`);
}

function nodeNames(text: string): NodeNames {
  if (text === "all") return text;
  const names = text.split(",").map((name) => name.trim());
  if (names.includes("")) throw new UsageError(`"${text}" names no nodes: write NODE,NODE or all`);
  return [...new Set(names)];
}

function pem(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw failure("ENOENT", `cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}
