/** `godwit dev`: runs a program, and takes each change of its files. */

import { dirname, resolve } from "node:path";
import type { Command } from "commander";
import type { NodeControl, SpawnOptions, Stream } from "../abi/control.ts";
import type { ExitStatus } from "../abi/records.ts";
import { GodwitError } from "../errors.ts";
import { parseAddress, takeListen } from "./address.ts";
import { writer } from "./foreground.ts";
import { type GrantFlags, addGrantOptions, grantsOf } from "./grants.ts";
import { EXIT, hasColor, remark } from "./print.ts";
import { examples } from "./program.ts";
import { startOwnNode, withListen } from "./run.ts";
import { SourceWatch } from "./source-watch.ts";

interface Flags extends GrantFlags {
  readonly listen?: string;
  readonly keep?: true;
}

/** How a program is told to end. */
type Ending = "SIGTERM" | "SIGINT";

/** A program that is told to end has this long to do so by itself. */
const GRACE_MS = 2000;

export function define(command: Command): void {
  addGrantOptions(
    command
      .usage("[options] FILE [args...]")
      .argument("<file>", "TypeScript or JavaScript file; it and what it imports are watched")
      .argument("[args...]", "arguments of the program")
      .passThroughOptions()
      .option(
        "-l, --listen <address>",
        "serve its `export default { fetch }` over HTTP: PORT or HOST:PORT (here, or right after FILE)",
        parseAddress,
      )
      .option("-k, --keep", "hand what the program declares by `keep` from the old code to the new"),
  )
    .addHelpText(
      "after",
      `${examples(
        ["godwit dev app.ts", "run it, and again after each change of its files"],
        ["godwit dev app.ts --listen 8080", "a web application"],
        ["godwit dev --keep app.ts", "what it declares by keep(name, initial) outlives its code"],
      )}

A change that does not compile is told, and what runs goes on. Otherwise what runs is told to end (SIGTERM, and SIGKILL
two seconds later), and the new code starts. A program that has ended is started again by the next change. Standard input
is closed. Ctrl-C ends it all.

With --keep the old code gives what it keeps when it is next at its event loop, and is ended right then: nothing that it
would do later is lost, as it does nothing more. Connections that are open then are closed. Where that cannot be (a value
that cannot be copied, a program that does not come to its event loop), the reason is told, and the old code goes on. New
code that fails is no loss: the next one starts from the same state.`,
    )
    .action(dev);
}

/** What one compilation gave: a program to start, or none, and the files that it is made of as far as they are known. */
interface Attempt {
  readonly options?: SpawnOptions;
  /** Why there is none. */
  readonly fault?: string;
  readonly files: readonly string[];
}

/** The files that a failed compilation names: the mended one may be none of those that were read before. */
function filesIn(error: GodwitError): string[] {
  const { cause } = error;
  const messages = cause instanceof Error ? (Reflect.get(cause, "errors") as unknown) : undefined;
  if (!Array.isArray(messages)) return [];
  return messages.flatMap(({ text, location }: { text?: string; location?: { file?: string } | null }) => {
    if (location?.file === undefined) return [];
    const file = resolve(location.file);
    const [, missing] = /^Could not resolve "(\.[^"]*)"/.exec(text ?? "") ?? [];
    return missing === undefined ? [file] : [file, resolve(dirname(file), missing)];
  });
}

/** @param isFirst a program that is not there at all is then a mistake in the command's words, not one in the program */
async function attempt(file: string, rest: readonly string[], given: Flags, isFirst: boolean): Promise<Attempt> {
  const { compileProgram, guestExports } = await import("../node/program.ts");
  const [flags, args] = takeListen(given, rest);
  const { listen } = flags;
  try {
    const program = await compileProgram(file, {
      guestExports: await guestExports(),
      color: hasColor(process.stderr),
      ...(listen === undefined ? {} : { listen }),
    });
    for (const warning of program.warnings) process.stderr.write(warning);
    const { name, source, sourceMap, inputs } = program;
    const grants = grantsOf(listen === undefined ? flags : withListen(flags, listen));
    return { options: { name, source, sourceMap, arguments: args, ...grants }, files: [resolve(file), ...inputs] };
  } catch (error) {
    if (!(error instanceof GodwitError) || (isFirst && error.code !== "ENOEXEC")) throw error;
    return { fault: error.message, files: [resolve(file), ...filesIn(error)] };
  }
}

/** The program as it runs now, on a node of this command's own. */
class Running {
  readonly #node: NodeControl;
  readonly #keep: boolean;
  readonly #write: Record<Stream, (bytes: Uint8Array) => void | Promise<void>>;
  #process: { readonly pid: number; readonly ended: Promise<ExitStatus>; readonly source: string } | undefined;
  #isReplaced = false;
  /** What was kept last: what a program that fails was started with. */
  #kept: Uint8Array | undefined;

  /** @param keep whether state is handed from the old code to the new */
  constructor(node: NodeControl, keep: boolean, onClosed: () => void) {
    this.#node = node;
    this.#keep = keep;
    this.#write = { stdout: writer(process.stdout, onClosed), stderr: writer(process.stderr, onClosed) };
  }

  /** Whether this code is what runs. */
  runs(source: string): boolean {
    return this.#process?.source === source;
  }

  async #start(options: SpawnOptions): Promise<void> {
    const pid = await this.#node.spawn(this.#kept === undefined ? options : { ...options, kept: this.#kept });
    this.#node.output(pid, true, (stream, bytes) => this.#write[stream](bytes));
    await this.#node.input(pid, null).catch(() => {}); // it may have ended already
    this.#isReplaced = false;
    const ended = this.#node.wait(pid).then(async (status) => {
      await this.#endRest();
      this.#process = undefined;
      if (!this.#isReplaced) remark(`${endingOf(status)}; it is started again when a file changes`);
      return status;
    });
    this.#process = { pid, ended, source: options.source };
  }

  /** Starts the new code once the old has ended: the address that it listens on is free then. */
  async replace(options: SpawnOptions): Promise<void> {
    const isRestart = this.#process !== undefined;
    if (this.#keep && isRestart && !(await this.#takeKept())) return;
    // One that has given its state is still from then on: it has nothing more to do.
    await this.end(this.#keep ? "SIGKILL" : "SIGTERM");
    await this.#start(options);
    if (isRestart)
      remark(`the code has changed: the program ${this.#keep ? "goes on with what it kept" : "starts anew"}`);
  }

  /** False when the old code has to go on. */
  async #takeKept(): Promise<boolean> {
    try {
      if (this.#process !== undefined) this.#kept = await this.#node.kept(this.#process.pid);
      return true;
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      if (error.code === "ESRCH") return true; // it has ended just now, and left what was kept before
      remark(`${error.message}. The old code goes on`);
      return false;
    }
  }

  /** Ends it, if it runs. */
  async end(signal: Ending | "SIGKILL"): Promise<void> {
    if (this.#process === undefined) return;
    const { pid, ended } = this.#process;
    this.#isReplaced = true;
    await this.#node.signal(pid, signal).catch(() => {}); // it may end just now
    const kill = setTimeout(() => void this.#node.signal(pid, "SIGKILL").catch(() => {}), GRACE_MS);
    await ended;
    clearTimeout(kill);
  }

  /** What it started goes with it: nobody else has anything on this node. */
  async #endRest(): Promise<void> {
    const rest = (await this.#node.list()).filter(({ state }) => state !== "ended");
    await Promise.all(
      rest.map(async ({ pid }) => {
        await this.#node.signal(pid, "SIGKILL").catch(() => {}); // it may have ended just now
        await this.#node.wait(pid).catch(() => {});
      }),
    );
  }
}

function endingOf({ code, reason }: ExitStatus): string {
  if (reason !== undefined) return `the program was ended: ${reason}`;
  return code === 0 ? "the program has ended" : `the program has ended with code ${code}`;
}

/** Resolves to the signal by which the user ends this command; the second one ends it at once. */
function stopping(): Promise<Ending> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(EXIT.error));
        resolve(signal === "SIGINT" ? signal : "SIGTERM");
      });
    }
  });
}

/** Compiles and starts what is there now, unless it runs already or does not compile. Returns why it does not. */
async function takeUp(
  running: Running,
  watch: SourceWatch,
  tryIt: () => Promise<Attempt>,
  lastFault: string | undefined,
): Promise<string | undefined> {
  const sinceMs = Date.now();
  const { options, fault, files } = await tryIt();
  watch.watch(files, sinceMs, options === undefined);
  // Any file counts now, those too that the program itself writes: what was told need not be told again.
  if (fault !== undefined && fault !== lastFault) remark(fault);
  if (options !== undefined && !running.runs(options.source)) await running.replace(options);
  return fault;
}

async function dev(file: string, args: readonly string[], flags: Flags): Promise<void> {
  let stop: Ending | undefined;
  let isChanged = true;
  let wake = () => {};
  const leave = (signal: Ending) => {
    stop ??= signal;
    wake();
  };
  const watch = new SourceWatch(() => {
    isChanged = true;
    wake();
  });
  const node = await startOwnNode();
  const running = new Running(node, flags.keep === true, () => leave("SIGTERM"));
  void stopping().then(leave);
  try {
    let fault: string | undefined;
    for (let isFirst = true; stop === undefined; isFirst = false) {
      isChanged = false;
      fault = await takeUp(running, watch, () => attempt(file, args, flags, isFirst), fault);
      while (!isChanged && stop === undefined) await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    watch.close();
    await running.end(stop ?? "SIGTERM");
    await node.stop();
  }
}
