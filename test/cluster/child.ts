/** OS processes of tests: started, heard, and always ended. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { within } from "./condition.ts";

/** All that run, so that none outlives a test that failed. */
const running = new Set<Child>();

export async function endChildren(): Promise<void> {
  await Promise.all([...running].map(async (child) => child.end()));
}

export class Child {
  readonly process: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = "";
  readonly #looks = new Set<() => void>();

  constructor(command: string, args: readonly string[]) {
    this.process = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    running.add(this);
    this.#ended = once(this.process, "close")
      .catch(() => {})
      .then(() => running.delete(this));
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.on("data", (bytes: Buffer) => {
        this.#output += bytes.toString();
        for (const look of this.#looks) look();
      });
    }
  }

  /** A script beside this file. */
  static script(name: string, argument: unknown): Child {
    const path = fileURLToPath(new URL(name, import.meta.url));
    return new Child(process.execPath, [path, JSON.stringify(argument)]);
  }

  get isEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  get output(): string {
    return this.#output;
  }

  /** The first line that begins with `word`, from its end on. */
  async said(word: string, timeoutMs?: number): Promise<string> {
    const found = new Promise<string>((resolve, reject) => {
      const look = () => {
        const match = new RegExp(`^${word}(.*)\n`, "m").exec(this.#output);
        if (match === null) return;
        this.#looks.delete(look);
        resolve((match[1] ?? "").trim());
      };
      this.#looks.add(look);
      look();
      void this.#ended.then(() => reject(new Error(`it ended without saying ${word}: ${this.#output}`)));
    });
    return within(`"${word}" in ${JSON.stringify(this.#output)}`, found, timeoutMs);
  }

  async end(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (!this.isEnded) this.process.kill(signal);
    await this.#ended;
  }
}
