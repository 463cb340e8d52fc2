/** `godwit run`: a program as a process, here or on the node. */

import type { Command } from "commander";
import type { NodeControl, SpawnOptions } from "../abi/control.ts";
import { DEFAULT_NODE_NAME } from "../client/socket.ts";
import { parseAddress, takeListen } from "./address.ts";
import { foreground } from "./foreground.ts";
import { DURABLE_INTERVAL_MIN_MS, DURABLE_INTERVAL_MS } from "../limits.ts";
import { BARE, type GrantFlags, addGrantOptions, grantsOf } from "./grants.ts";
import { hasColor, print, printJson } from "./print.ts";
import { examples } from "./program.ts";
import { parseDuration } from "./quantity.ts";
import { UsageError } from "./usage.ts";

interface Flags extends GrantFlags {
  readonly detach?: true;
  readonly node?: string;
  readonly durable?: number;
  readonly input: boolean;
  readonly listen?: string;
  readonly json?: true;
}

const CODES = `
Exit codes: the program's own; 124 when its time was up; 128 and the signal's number when a signal ended it (130 for
Ctrl-C, 137 when it was killed); 141 when the reader of its output went away; 2 for a mistake in the command's words;
125 when godwit failed, 126 when the program cannot be compiled, 127 when there is no such file.

In the foreground the program reads this command's standard input and writes to its standard output and error. Ctrl-C,
SIGTERM and SIGHUP reach it as signals; the same signal again within a second kills it. When it ends, processes that it
started and that still run are ended.`;

export function define(command: Command): void {
  addGrantOptions(
    command
      .usage("[options] FILE [args...]")
      .argument("<file>", "TypeScript or JavaScript file; it and what it imports are bundled")
      .argument("[args...]", "arguments of the program")
      .passThroughOptions()
      .option("-d, --detach", "run it on the node (see godwit up), print its pid, and return")
      .option("--node <name>", "with --detach: which node of the cluster is its home (see godwit nodes)")
      .option(
        "--durable [interval]",
        "with --detach: it outlives its node; an image is kept every so often (default: 2s)",
        parseDurable,
      )
      .option(
        "-l, --listen <address>",
        "serve its `export default { fetch }` over HTTP: PORT, HOST:PORT or service:NAME (here, or right after FILE)",
        parseAddress,
      )
      .option("--no-input", "do not read standard input"),
  )
    .addHelpText(
      "after",
      `${examples(
        ["godwit run hello.ts", "nothing is allowed: no files, no environment"],
        ["godwit run --allow-read=data,notes.txt count.ts --all", "may read these; --all is the program's argument"],
        ["sort words.txt | godwit run filter.ts | head", "a filter in a pipe"],
        ["godwit run --memory 64M --timeout 5s untrusted.ts", "with limits"],
        ["godwit run --stress=call program.ts", "does it survive being moved, at any call?"],
        ["godwit run app.ts --listen 8080", "a web application, at http://127.0.0.1:8080"],
        ["godwit run --detach server.ts", "in the background, on the node"],
        ["godwit run --detach --node n2 server.ts", "on that one of several"],
        ["godwit run --detach --durable=1s jobs.ts", "if its node dies, another goes on from its last image"],
      )}\n${CODES}`,
    )
    .action(run);
}

function parseDurable(text: string): number {
  const intervalMs = text === BARE ? DURABLE_INTERVAL_MS : parseDuration(text);
  if (intervalMs >= DURABLE_INTERVAL_MIN_MS) return intervalMs;
  throw new UsageError(`an image every ${text} is too often: at least ${DURABLE_INTERVAL_MIN_MS}ms`);
}

/** Compiles on this side: the node is given a program, not a path into the user's files. */
export async function spawnOptions(
  file: string,
  rest: readonly string[],
  given: GrantFlags & { readonly listen?: string },
): Promise<SpawnOptions> {
  const [flags, args] = takeListen(given, rest);
  const { listen } = flags;
  const grants = grantsOf(listen === undefined ? flags : withListen(flags, listen));
  const { compileProgram, guestExports } = await import("../node/program.ts");
  const color = hasColor(process.stderr);
  const program = await compileProgram(file, {
    guestExports: await guestExports(),
    color,
    ...(listen === undefined ? {} : { listen }),
  });
  for (const warning of program.warnings) process.stderr.write(warning);
  const { name, source, sourceMap } = program;
  return { name, source, sourceMap, arguments: args, ...grants };
}

/** Who is told to listen may. */
export function withListen<F extends GrantFlags>(flags: F, address: string): F {
  const { allowListen = [] } = flags;
  return { ...flags, allowListen: allowListen === "all" ? "all" : [...allowListen, address] };
}

/** A node of this command's own, in its own process. */
export async function startOwnNode(): Promise<NodeControl> {
  const { startNode } = await import("../node/node.ts");
  return startNode({ name: DEFAULT_NODE_NAME });
}

export function printPid(pid: number, json: boolean): void {
  if (json) printJson({ pid });
  else print(`${pid}\n`);
}

/** Where on the cluster; only what is detached runs there. */
export function placeOf({ node, detach }: { readonly node?: string; readonly detach?: true }): { node?: string } {
  if (node === undefined) return {};
  if (detach !== true) throw new UsageError("--node is for --detach: in the foreground a program runs in this command");
  return { node };
}

async function run(file: string, args: readonly string[], flags: Flags): Promise<void> {
  const place = placeOf(flags);
  if (flags.durable !== undefined && flags.detach !== true)
    throw new UsageError("--durable is for --detach: in the foreground a program ends with this command");
  if (flags.detach === true) {
    const { connect } = await import("../client/node-client.ts");
    const node = await connect();
    const durable = flags.durable === undefined ? {} : { durable: { intervalMs: flags.durable } };
    const options = { ...(await spawnOptions(file, args, flags)), ...place, ...durable };
    printPid(await node.spawn(options), flags.json === true);
    return;
  }
  const starting = startOwnNode();
  starting.catch(() => {}); // heard below; a mistake in the program is told first
  const options = await spawnOptions(file, args, flags);
  const node = await starting;
  const pid = await node.spawn(options);
  process.exitCode = await foreground(node, pid, { input: flags.input, bond: "own" });
  await node.stop();
}
