#!/usr/bin/env node
/** The `godwit` command: loads what the command at hand needs, runs it, and turns what it throws into an exit code. */

import { EXIT, exitCodeOf, print, printError } from "./print.ts";
import { UsageError } from "./usage.ts";
import { version } from "./version.ts";

/** A reader that went away ends us quietly, as it would any filter; the commands that run programs see to it first. */
function endOnBrokenPipe(error: Error): void {
  if (Reflect.get(error, "code") === "EPIPE") process.exit(EXIT.brokenPipe);
  throw error;
}

/** Errors of the parser: its message without its prefix, and where to read on. */
function usageError(error: Error, name: string | undefined): UsageError {
  const message = error.message.replace(/^error: /, "").replace(/\n\(Did you mean (.*)\?\)$/, '; did you mean "$1"?');
  return new UsageError(`${message} (see "godwit ${name === undefined ? "" : `${name} `}--help")`);
}

function isParserError(error: unknown): error is Error & { code: string; exitCode: number } {
  return error instanceof Error && String(Reflect.get(error, "code")).startsWith("commander.");
}

async function main(args: readonly string[]): Promise<number> {
  const first = args[0] ?? "";
  if (first === "--version" || first === "-V" || first === "version") {
    print(`${version()}\n`);
    return EXIT.ok;
  }
  const { COMMANDS, markBare, ownCount, programWith } = await import("./program.ts");
  if (first === "help" && args[1] !== undefined)
    return main(Object.hasOwn(COMMANDS, args[1]) ? [args[1], "--help"] : [args[1]]);
  const name = Object.hasOwn(COMMANDS, first) ? first : undefined;
  const program = await programWith([first]);
  const command = program.commands.find((command) => command.name() === name);
  const own = command === undefined ? 0 : ownCount(command, args.slice(1));
  const isRunner = name !== undefined && COMMANDS[name]?.passesArguments === true;
  const ownArgs = isRunner ? args.slice(0, own + 1) : args;
  try {
    const rest = args.slice(1);
    const marked = command === undefined ? args : [first, ...markBare(command, rest, isRunner ? own : rest.length)];
    await program.parseAsync(marked, { from: "user" });
    return typeof process.exitCode === "number" ? process.exitCode : EXIT.ok;
  } catch (error) {
    if (isParserError(error) && error.exitCode === 0) return EXIT.ok; // help was asked for
    if (isParserError(error) && error.code === "commander.help") return EXIT.usage; // shown for want of a command
    const told = isParserError(error) ? usageError(error, name) : error;
    const foreground = name !== undefined && COMMANDS[name]?.foreground === true;
    printError(told, ownArgs.includes("--json"));
    return exitCodeOf(told, foreground);
  }
}

/** Written bytes are on their way before the process ends: pipes take them when their reader does. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}

process.stdout.on("error", endOnBrokenPipe);
process.stderr.on("error", endOnBrokenPipe);
const code = await main(process.argv.slice(2));
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
process.exit(code);
