/** The flags of `run` and `restore` that say what a process may do and use. */

import { resolve } from "node:path";
import { type Command, Option } from "commander";
import type { StressMode } from "../abi/control.ts";
import type { Capabilities, Quotas } from "../abi/records.ts";
import { parseCount, parseDuration, parseSize } from "./quantity.ts";
import { UsageError } from "./usage.ts";

/** The value that an optional-value flag is given when it stands alone: no shell can pass a NUL in an argument. */
export const BARE = "\0";

type Names = readonly string[] | "all";

export interface GrantFlags {
  readonly allowRead?: Names;
  readonly allowWrite?: Names;
  readonly allowEnv?: Names;
  readonly allowRun?: Names;
  readonly allowNet?: Names;
  readonly allowListen?: Names;
  readonly allowAll?: true;
  readonly memory?: number;
  readonly cpu?: number;
  readonly threads?: number;
  readonly processes?: number;
  readonly timeout?: number;
  readonly stress?: StressMode;
}

export interface Grants {
  readonly environment: Readonly<Record<string, string>>;
  readonly quotas: Partial<Quotas>;
  readonly capabilities: Partial<Capabilities>;
  readonly workingDirectory: string;
  readonly stress?: StressMode;
}

/** `--allow-x` alone allows all; given more than once, the flags add up. An empty value is a mistake, never "all". */
function names(clean: (name: string) => string): (text: string, before?: Names) => Names {
  return (text, before) => {
    if (text === BARE || before === "all") return "all";
    const given = text.split(",");
    if (given.includes("")) {
      throw new UsageError("a name in the list is empty. To allow everything, leave the = out");
    }
    return [...(before ?? []), ...given.map(clean)];
  };
}

/** What `--stress` means. */
function parseStress(text: string): StressMode {
  if (text === BARE || text === "poll") return { every: 1, at: "poll" };
  if (text === "call") return { every: 1, at: "call" };
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw new UsageError(`"${text}" is no stress mode: write poll, call, or a number N for every Nth poll`);
  }
  return { every: Number(text), at: "poll" };
}

export function addGrantOptions(command: Command): Command {
  const path = names((name) => resolve(name));
  const name = names((name) => name);
  return command
    .addOption(new Option("--allow-read [paths]", "let it read these files and folders, or all").argParser(path))
    .addOption(new Option("--allow-write [paths]", "let it write these files and folders, or all").argParser(path))
    .addOption(new Option("--allow-env [names]", "pass it these environment variables, or all").argParser(name))
    .addOption(new Option("--allow-run [paths]", "let it start these programs, or all").argParser(path))
    .addOption(
      new Option(
        "--allow-net [hosts]",
        "let it connect to these hosts (HOST, HOST:PORT, *.DOMAIN, 10.0.0.0/8), or all",
      ).argParser(name),
    )
    .addOption(
      new Option(
        "--allow-listen [addresses]",
        "let it listen on these addresses (HOST:PORT or service:NAME), or all",
      ).argParser(name),
    )
    .option("-A, --allow-all", "all six")
    .option("--memory <size>", "most memory, as in 64M (default: 256M)", parseSize)
    .option("--cpu <share>", "weight in sharing the processor (default: 100)", count("share of the processor"))
    .option("--threads <n>", "most threads (default: 256)", count("number of threads"))
    .option("--processes <n>", "most processes, itself and its descendants (default: 64)", count("number of processes"))
    .option("--timeout <duration>", "life span, as in 5s (default: none)", parseDuration)
    .addOption(
      new Option(
        "--stress [mode]",
        "move it to a fresh instance at every poll, at every call, or at every Nth poll (poll, call or N; alone: poll)",
      ).argParser(parseStress),
    );
}

function count(what: string): (text: string) => number {
  return (text) => parseCount(text, what, 1);
}

/** The variables that are allowed, and no others: the rest does not leave this process. */
function allowedVariables(allowed: Names | undefined): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && (allowed === "all" || allowed?.includes(name) === true)) variables[name] = value;
  }
  return variables;
}

/** Leaves out what was not given: the node has the defaults. */
function given<T extends object>(values: { [K in keyof T]: T[K] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

export function grantsOf(flags: GrantFlags): Grants {
  const all = flags.allowAll === true ? "all" : undefined;
  const capabilities = given<Capabilities>({
    read: all ?? flags.allowRead,
    write: all ?? flags.allowWrite,
    environment: all ?? flags.allowEnv,
    run: all ?? flags.allowRun,
    net: all ?? flags.allowNet,
    listen: all ?? flags.allowListen,
  });
  const quotas = given<Quotas>({
    memoryBytes: flags.memory,
    cpuShare: flags.cpu,
    threadsMax: flags.threads,
    processesMax: flags.processes,
    timeoutMs: flags.timeout,
  });
  const environment = allowedVariables(capabilities.environment);
  const stress = flags.stress === undefined ? {} : { stress: flags.stress };
  return { environment, quotas, capabilities, workingDirectory: process.cwd(), ...stress };
}
