/** The commands, and the parser made of those that an invocation needs. */

import { Command, type Option } from "commander";
import { BARE } from "./grants.ts";

export interface CommandModule {
  /** Adds arguments, options, help and action to a command that has its name already. */
  define(command: Command): void;
}

interface Entry {
  readonly summary: string;
  /** Runs a program in the foreground, so that exit codes are the program's. */
  readonly foreground?: true;
  /** What follows its operand is the program's. */
  readonly passesArguments?: true;
  readonly load: () => Promise<CommandModule>;
}

/** In the order of the help. A command's code is loaded when it is the one that is wanted. */
export const COMMANDS: Readonly<Record<string, Entry>> = {
  demo: { summary: "See a program move, a node drained and a node killed", load: () => import("./demo.ts") },
  run: {
    summary: "Run a program as a process",
    foreground: true,
    passesArguments: true,
    load: () => import("./run.ts"),
  },
  dev: { summary: "Run a program, and again after each change", passesArguments: true, load: () => import("./dev.ts") },
  init: { summary: "Make a new project from a template", load: () => import("./init.ts") },
  check: { summary: "Check a program: types, imports, what guests lack", load: () => import("./check.ts") },
  up: {
    summary: "Start this machine's node, or several, for processes in the background",
    load: () => import("./up.ts"),
  },
  stop: { summary: "Stop the node, or all that up started", load: () => import("./stop.ts") },
  nodes: { summary: "List nodes", load: () => import("./nodes.ts") },
  "join-token": { summary: "Let another machine's node join", load: () => import("./join-token.ts") },
  ps: { summary: "List processes", load: () => import("./ps.ts") },
  top: { summary: "Watch processes", load: () => import("./top.ts") },
  logs: { summary: "Print a process's output", load: () => import("./logs.ts") },
  attach: { summary: "Connect this terminal to a process", foreground: true, load: () => import("./attach.ts") },
  inspect: { summary: "Show a process or an image from inside", load: () => import("./inspect.ts") },
  signal: { summary: "Send a signal to processes", load: () => import("./signal.ts") },
  interrupt: { summary: "Tell a busy process something, out of band", load: () => import("./interrupt.ts") },
  kill: { summary: "End processes at once", load: () => import("./kill.ts") },
  pause: { summary: "Stop processes where they are", load: () => import("./pause.ts") },
  resume: { summary: "Let paused processes go on", load: () => import("./resume.ts") },
  fork: { summary: "Copy a process as it runs", load: () => import("./fork.ts") },
  migrate: { summary: "Move a process to another node as it runs", load: () => import("./migrate.ts") },
  drain: { summary: "Move everything off a node, and stop it", load: () => import("./drain.ts") },
  expose: { summary: "Let clients of a service in at an address", load: () => import("./expose.ts") },
  unexpose: { summary: "Let no more in there", load: () => import("./unexpose.ts") },
  services: { summary: "List services, their processes and addresses", load: () => import("./services.ts") },
  lookup: { summary: "Let programs ask where services are, by DNS or HTTP", load: () => import("./lookup.ts") },
  superserver: {
    summary: "Listen for services that do not run, and start them (inetd)",
    load: () => import("./superserver.ts"),
  },
  events: { summary: "Tell what happens in the cluster", load: () => import("./events.ts") },
  checkpoint: { summary: "Save a process as it runs to an image file", load: () => import("./checkpoint.ts") },
  restore: { summary: "Go on from an image file", foreground: true, load: () => import("./restore.ts") },
};

/** As the shell wants it: an optional value is given after an equals sign, or not at all. */
function optionTerm(option: Option): string {
  return option.flags.replace(/ \[(.*)\]$/, "[=$1]");
}

/** The parser, with all commands named and those in `wanted` complete. */
export async function programWith(wanted: readonly string[], helpWidth?: number): Promise<Command> {
  const program = new Command("godwit")
    .description("TypeScript programs as processes that move.")
    .usage("COMMAND [options]")
    .option("-V, --version", "print the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command]", "show the help of a command")
    .enablePositionalOptions()
    .exitOverride()
    .configureHelp({ optionTerm })
    .configureOutput({
      outputError: () => {}, // the caller prints what is thrown
      ...(helpWidth === undefined ? {} : { getOutHelpWidth: () => helpWidth }),
    });
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    const command = program.command(name).description(summary).helpOption("-h, --help", "show this help");
    if (wanted.includes(name)) (await load()).define(command.option("--json", "print JSON, errors too"));
  }
  return program.addHelpText("after", HELP);
}

const HELP = `
Examples:
  godwit run hello.ts              run a program here, and exit with its code
  godwit up --detach               start a node
  godwit run --detach server.ts    run a program on the node; prints its pid
  godwit ps                        see what runs

Exit codes: 0 success, 1 an error, 2 a mistake in the command's words. See "godwit help run" for those of programs.
Environment: GODWIT_SOCKET is the node's socket; NO_COLOR turns colours off.`;

/** Help for the end of a command's own: what people try first. */
export function examples(...lines: readonly (readonly [command: string, meaning: string])[]): string {
  const width = Math.max(...lines.map(([command]) => command.length));
  return `\nExamples:\n${lines.map(([command, meaning]) => `  ${command.padEnd(width)}  ${meaning}`).join("\n")}`;
}

function isNamed(option: Option, arg: string): boolean {
  return arg === option.long || arg === option.short;
}

/** How many of `args` are godwit's own: those after the first operand of a command like `run` are the program's. */
export function ownCount(command: Command, args: readonly string[]): number {
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? "";
    if (arg === "--" || !arg.startsWith("-")) return index;
    const option = command.options.find((option) => isNamed(option, arg));
    if (option?.required === true) index++;
  }
  return args.length;
}

/**
 * Gives flags whose value is optional the value {@link BARE} where they stand alone. The parser would take the next
 * argument for it: `run --allow-read program.ts` names a program, not a path.
 */
export function markBare(command: Command, args: readonly string[], own: number): string[] {
  const isBare = (arg: string) => command.options.some((option) => option.optional && isNamed(option, arg));
  return args.map((arg, index) => (index < own && isBare(arg) ? `${arg}=${BARE}` : arg));
}
