/**
 * `node:process`: what pure packages use of it. There is no global `process`, by which packages tell Node; but what is
 * used of it without asking (`process.env.X`, `process.nextTick`) is this.
 */

import { exit as end, kill as signal, monotonic, self, stderr as errors, stdout as output } from "godwit";

/** The process's environment as it was when it was first asked for; changes are the program's own. */
export const env: Record<string, string> = /* @__PURE__ */ environment();
function environment(): Record<string, string> {
  return { ...self.environment };
}

/** Runs `callback` when the code at hand has returned, in turn with promise jobs. */
export function nextTick(callback: (...args: unknown[]) => void, ...args: unknown[]): void {
  queueMicrotask(() => callback(...args));
}
declare function queueMicrotask(callback: () => void): void;

/** Files are named from the working directory of whoever started the process, which a guest is not told. */
export function cwd(): string {
  return "/";
}
export const platform = "browser";
export const arch = "wasm32";
export const version = "";
/** No `node`: nobody shall take a guest for it. */
export const versions: Record<string, string> = {};
export const argv: readonly string[] = /* @__PURE__ */ commandLine();
function commandLine(): string[] {
  return ["godwit", self.program, ...self.arguments];
}
export const execArgv: readonly string[] = [];
export const title = "godwit";
export const pid = /* @__PURE__ */ ownPid();
function ownPid(): number {
  return self.pid;
}

/** Ends the process at once. */
export function exit(code = 0): never {
  return end(Number(code));
}
export function kill(pid: number, name: Parameters<typeof signal>[1] = "SIGTERM"): true {
  signal(pid, name);
  return true;
}

export const uptime: () => number = () => monotonic() / 1000;
/** Seconds and nanoseconds, from an arbitrary time or since an earlier result. */
export const hrtime = /* @__PURE__ */ Object.assign(
  (since?: readonly [number, number]): [number, number] => {
    const nowNs = BigInt(Math.round(monotonic() * 1e6));
    const fromNs = since === undefined ? 0n : BigInt(since[0]) * 1_000_000_000n + BigInt(since[1]);
    const passedNs = nowNs - fromNs;
    return [Number(passedNs / 1_000_000_000n), Number(passedNs % 1_000_000_000n)];
  },
  { bigint: () => BigInt(Math.round(monotonic() * 1e6)) },
);

export function emitWarning(warning: string | Error, options?: string | { readonly type?: string }): void {
  const type = typeof options === "string" ? options : (options?.type ?? "Warning");
  console.error(warning instanceof Error ? String(warning) : `${type}: ${warning}`);
}
declare const console: { error(text: string): void };

type Written = (error?: Error | null) => void;
/** A stream of the process, as far as programs write lines with it. */
function writer(stream: () => typeof output) {
  return {
    isTTY: false,
    write(chunk: string | Uint8Array, encoding?: string | Written, callback?: Written): boolean {
      stream().write(chunk);
      const written = typeof encoding === "function" ? encoding : callback;
      if (written !== undefined) nextTick(() => written());
      return true;
    },
  };
}
export const stdout = /* @__PURE__ */ writer(() => output);
export const stderr = /* @__PURE__ */ writer(() => errors);

export default {
  arch,
  argv,
  browser: true,
  cwd,
  emitWarning,
  env,
  execArgv,
  exit,
  hrtime,
  kill,
  nextTick,
  pid,
  platform,
  stderr,
  stdout,
  title,
  uptime,
  version,
  versions,
};
