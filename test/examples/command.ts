/** Runs the command line as people do: its own process, its own standard streams. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

const COMMAND_TIMEOUT_MS = 180_000;

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code; `null` when a signal ended it. */
  readonly code: number | null;
}

export interface CommandOptions {
  readonly input?: string;
  readonly cwd?: string;
  /** Added to this process's. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** `godwit ...arguments_`, to its end. A command that hangs is killed, and then has no exit code. */
export async function godwit(arguments_: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const child = spawn(process.execPath, ["dist/src/cli/main.js", ...arguments_], {
    cwd: options.cwd,
    env: { ...process.env, NO_COLOR: "1", ...options.environment },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: COMMAND_TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  // A program that ends without reading its input closes the pipe: that is its right.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number | null]>,
  ]);
  return { stdout, stderr, code };
}
