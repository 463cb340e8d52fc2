/** `godwit superserver`: listens for services that do not run, and starts them (inetd). */

import { Command } from "commander";
import type { ClusterControl, SpawnOptions } from "../abi/control.ts";
import { SUPERSERVER_AT_ONCE_DEFAULT_MAX, SUPERSERVER_STARTS_DEFAULT_MAX } from "../limits.ts";
import { addGrantOptions, type GrantFlags, grantsOf } from "./grants.ts";
import { print, printJson, remark } from "./print.ts";
import { examples, markBare, ownCount } from "./program.ts";
import { parseCount } from "./quantity.ts";

interface Flags {
  readonly services: readonly string[];
  readonly rate: number;
  readonly atOnce: number;
  readonly check?: true;
  readonly json?: true;
}

/** Where the system has its names of services. */
const SYSTEM_NAMES = "/etc/services";

export function define(command: Command): void {
  command
    .argument("<file>", "services, in the format of inetd.conf")
    .option(
      "--services <file>",
      `names of services, looked in before ${SYSTEM_NAMES}; may be given more than once`,
      (file, before: readonly string[]) => [...before, file],
      [],
    )
    .option(
      "--rate <n>",
      "most starts of a service within a minute",
      (text) => parseCount(text, "number of starts", 1),
      SUPERSERVER_STARTS_DEFAULT_MAX,
    )
    .option(
      "--at-once <n>",
      "most servers of a service at once",
      (text) => parseCount(text, "number of servers", 1),
      SUPERSERVER_AT_ONCE_DEFAULT_MAX,
    )
    .option("--check", "only read the file, and tell what is wrong with it")
    .addHelpText(
      "after",
      `${examples(
        ["godwit superserver inetd.conf", "until Ctrl-C; SIGHUP has it read the file again"],
        ["godwit superserver --services my-services inetd.conf", "with names of services of one's own"],
        ["godwit superserver --check inetd.conf", "is it in order?"],
      )}

Entries of the file:
  echo    stream tcp nowait root   internal
  finger  stream tcp nowait nobody /usr/sbin/in.fingerd in.fingerd -w
  shout   stream tcp nowait root   godwit godwit run --memory 32M /srv/shout.ts

The last is a program of godwit's: a process on the node (see godwit up) for each connection, which is its standard input
and output. It may do what its options allow, and no more. See docs/superserver.md.`,
    )
    .action(superserver);
}

/** A program's line as `run` reads it: its options, its file, its arguments. */
async function prepare(words: readonly string[]): Promise<SpawnOptions> {
  const parser = addGrantOptions(new Command("run").argument("<file>").argument("[args...]"))
    .passThroughOptions()
    .exitOverride()
    .configureOutput({ writeOut: () => {}, writeErr: () => {} });
  parser.parse(markBare(parser, words, ownCount(parser, words)), { from: "user" });
  const [file = "", ...args] = parser.args;
  const { compileProgram, guestExports } = await import("../node/program.ts");
  const program = await compileProgram(file, { guestExports: await guestExports() });
  for (const warning of program.warnings) process.stderr.write(warning);
  const { name, source, sourceMap } = program;
  return { name, source, sourceMap, arguments: args, ...grantsOf(parser.opts<GrantFlags>()) };
}

async function superserver(file: string, flags: Flags): Promise<void> {
  const { Superserver, readPlan } = await import("../switch/superserver/superserver.ts");
  let node: Promise<ClusterControl> | undefined;
  const control = async () => {
    const { connect } = await import("../client/node-client.ts");
    return (node ??= connect());
  };
  const options = {
    file,
    namesFiles: [...flags.services, SYSTEM_NAMES],
    bounds: { perMinute: flags.rate, atOnce: flags.atOnce },
    programs: { prepare, control },
    log: remark,
  };
  if (flags.check === true) {
    const { services } = await readPlan(options);
    if (flags.json === true) printJson({ services: services.length });
    else print(`${file} is in order: ${services.length} ${services.length === 1 ? "socket" : "sockets"}.\n`);
    return;
  }
  const { closeInherited } = await import("../switch/superserver/inherited-descriptor.ts");
  closeInherited();
  const server = await Superserver.start(options);
  announce(server.served(), flags);
  process.on("SIGHUP", () => {
    server.reload().then(
      () => announce(server.served(), flags),
      (error: Error) => remark(`all stays as it was: ${error.message}`),
    );
  });
  // Neither a handler of signals nor a socket that the node has keeps a process from ending.
  const alive = setInterval(() => {}, 2 ** 30);
  await new Promise((resolve) => process.once("SIGINT", resolve).once("SIGTERM", resolve));
  clearInterval(alive);
  await server.stop();
}

interface Line {
  readonly service: string;
  readonly protocol: string;
  readonly address: string;
}

function announce(served: readonly Line[], { json }: Flags): void {
  if (json === true) return printJson({ hostPid: process.pid, services: served });
  const lines = served.map(({ service, protocol, address }) => `  ${service}/${protocol} at ${address}\n`);
  return print(
    `Serving ${served.length} ${served.length === 1 ? "socket" : "sockets"}, process ${process.pid}:\n${lines.join("")}`,
  );
}
