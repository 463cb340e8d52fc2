/** The `godwit` command as a process of its own. */

import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { TestContext } from "node:test";
import { until } from "./folder.ts";

export const MAIN = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Setting {
  readonly input?: string | Buffer;
  readonly folder?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A command under way. */
export class Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Outcome>;
  stdout = "";
  stderr = "";

  constructor(child: ChildProcessWithoutNullStreams) {
    this.child = child;
    child.stdout.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    child.stdin.on("error", () => {}); // it ended without reading all
    this.ended = new Promise((resolve) => {
      child.on("close", (code, signal) => resolve({ code, signal, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Resolves once it has written `text`; fails if it ends before. */
  async wrote(text: string): Promise<void> {
    await until(() => this.stdout.includes(text) || this.child.exitCode !== null);
    assert(
      this.stdout.includes(text),
      `it ended before it wrote ${JSON.stringify(text)}: ${this.stdout}${this.stderr}`,
    );
  }
}

/** Starts `godwit` with its standard input open; it is killed when the test ends. */
export function start(test: TestContext, args: readonly string[], { folder, environment }: Setting = {}): Running {
  const child = spawn(process.execPath, [MAIN, ...args], {
    ...(folder === undefined ? {} : { cwd: folder }),
    env: { ...process.env, NO_COLOR: "1", ...environment },
  });
  test.after(() => child.kill("SIGKILL"));
  return new Running(child);
}

/** Runs `godwit` to its end, with `input` and then the end of input. */
export function godwit(test: TestContext, args: readonly string[], setting: Setting = {}): Promise<Outcome> {
  const running = start(test, args, setting);
  running.child.stdin.end(setting.input ?? "");
  return running.ended;
}
