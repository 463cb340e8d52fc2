/** A node in this OS process, and programs for it given as source text. */

import type { SpawnOptions } from "../src/abi/control.ts";
import type { ExitStatus } from "../src/abi/records.ts";
import { type Node, startNode } from "../src/node/node.ts";

/** How programs begin: `godwit` is the module. Parts of it are loaded when they are first used. */
export const PRELUDE = "const { exports: godwit } = globalThis.__godwit;\n";

/** A process whose output is collected. */
export interface Running {
  readonly pid: number;
  /** Resolves at its next whole line of output. Rejects when it ends without. */
  line(): Promise<string>;
}

export class BenchNode {
  readonly node: Node;

  private constructor(node: Node) {
    this.node = node;
  }

  static async start(options: { lwps?: number; swapAfterMs?: number } = {}): Promise<BenchNode> {
    return new BenchNode(await startNode({ name: "bench", lwps: 2, swapAfterMs: Infinity, ...options }));
  }

  stop(): Promise<void> {
    return this.node.stop();
  }

  async spawn(source: string, options: Partial<SpawnOptions> = {}): Promise<Running> {
    const pid = await this.node.spawn({ name: "program.js", source, ...options });
    const lines = new LineReader();
    this.node.output(pid, true, (stream, bytes) => lines.put(stream, bytes));
    void this.node.wait(pid).then((status) => lines.end(status));
    return { pid, line: () => lines.next() };
  }

  /** Runs a program to its end; what it printed. Throws when it fails. */
  async run(source: string, options: Partial<SpawnOptions> = {}): Promise<string> {
    const program = await this.spawn(source, options);
    const line = await program.line();
    await this.node.wait(program.pid);
    return line;
  }

  async kill(pid: number): Promise<void> {
    await this.node.signal(pid, "SIGKILL");
    await this.node.wait(pid);
  }
}

/** Lines of a process's standard output, one for each call of `next`. One reader waits at a time. */
class LineReader {
  #text = "";
  #errors = "";
  #ended: ExitStatus | undefined;
  #look: () => void = () => {};

  put(stream: "stdout" | "stderr", bytes: Uint8Array): void {
    const text = Buffer.from(bytes).toString();
    if (stream === "stdout") this.#text += text;
    else this.#errors += text;
    this.#look();
  }

  end(status: ExitStatus): void {
    this.#ended = status;
    this.#look();
  }

  next(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#look = () => {
        const end = this.#text.indexOf("\n");
        if (end < 0 && this.#ended === undefined) return;
        this.#look = () => {};
        if (end < 0) {
          reject(new Error(`the program ended without a line: ${JSON.stringify(this.#ended)}\n${this.#errors}`));
          return;
        }
        resolve(this.#text.slice(0, end));
        this.#text = this.#text.slice(end + 1);
      };
      this.#look();
    });
  }
}

/** Samples that a program printed as a JSON array of numbers. Throws a `SyntaxError` for anything else. */
export function samplesOf(line: string): number[] {
  const value: unknown = JSON.parse(line);
  if (Array.isArray(value) && value.every((each) => typeof each === "number")) return value;
  throw new SyntaxError(`not an array of numbers: ${line.slice(0, 200)}`);
}
