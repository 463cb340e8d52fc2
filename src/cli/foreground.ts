/** A process in the foreground: this terminal's streams and signals are its own, and its exit code is ours. */

import { constants } from "node:os";
import type { NodeControl, Stream } from "../abi/control.ts";
import type { ExitStatus, SignalName } from "../abi/records.ts";
import { EXIT, remark } from "./print.ts";

export interface ForegroundOptions {
  /** Whether this terminal's input is the process's. */
  readonly input: boolean;
  /**
   * `own`: the process was started by this command and goes with it. `visit`: it goes on when the command leaves,
   * on Ctrl-\, a closed terminal or a closed pipe.
   */
  readonly bond: "own" | "visit";
}

/** A second signal of the same name within this time means it. */
const IMPATIENCE_MS = 1000;

/** Bytes to one of our streams; a promise while it has no room. Never rejects: a closed stream takes everything. */
export function writer(stream: NodeJS.WriteStream, onClosed: () => void): (bytes: Uint8Array) => void | Promise<void> {
  let room: Promise<void> | undefined;
  let closed = false;
  let wake = () => {};
  stream.on("drain", () => wake());
  // Ours replace those of main, which would end us before the process was told.
  stream.removeAllListeners("error").on("error", () => {
    closed = true;
    wake();
    onClosed();
  });
  return (bytes) => {
    if (closed || stream.write(bytes)) return undefined;
    room ??= new Promise((resolve) => {
      wake = () => {
        room = undefined;
        resolve();
      };
    });
    return room;
  };
}

/** Carries our input to the process, as fast as it takes it. */
async function carryInput(control: NodeControl, pid: number): Promise<void> {
  try {
    for await (const bytes of process.stdin as AsyncIterable<Buffer>) await control.input(pid, bytes);
    await control.input(pid, null);
  } catch {
    // The process has ended or reads no more: its exit is what is reported. Or our input failed: it sees no more of it.
    await control.input(pid, null).catch(() => {});
  }
}

/** Signals that reach us reach the process. Returns the way to stop that. */
function carrySignals(control: NodeControl, pid: number, signals: readonly SignalName[]): () => void {
  const lastMs = new Map<SignalName, number>();
  const carry = (signal: NodeJS.Signals) => {
    const name = signal as SignalName;
    const nowMs = performance.now();
    const isRepeated = nowMs - (lastMs.get(name) ?? Number.NEGATIVE_INFINITY) < IMPATIENCE_MS;
    lastMs.set(name, nowMs);
    control.signal(pid, isRepeated ? "SIGKILL" : name).catch(() => {}); // it may have ended just now
  };
  for (const signal of signals) process.on(signal, carry);
  return () => {
    for (const signal of signals) process.off(signal, carry);
  };
}

/** Resolves to an exit code when the user leaves a process that goes on. */
function leaving(pid: number): { left: Promise<number>; leave: (code: number) => void; end: () => void } {
  let leave: (code: number) => void = () => {};
  const left = new Promise<number>((resolve) => (leave = resolve));
  const onQuit = () => {
    remark(`process ${pid} goes on; \`godwit attach ${pid}\` comes back to it`);
    leave(EXIT.ok);
  };
  const onEnd = (signal: NodeJS.Signals) => leave(128 + constants.signals[signal]);
  process.on("SIGQUIT", onQuit).on("SIGHUP", onEnd).on("SIGTERM", onEnd);
  const end = () => void process.off("SIGQUIT", onQuit).off("SIGHUP", onEnd).off("SIGTERM", onEnd);
  return { left, leave, end };
}

/**
 * Connects our streams and signals to a process until it ends. Resolves to the exit code: the process's own, 128 and
 * the signal's number if a signal ended it, 141 if our output's reader went away.
 */
export async function foreground(control: NodeControl, pid: number, options: ForegroundOptions): Promise<number> {
  const { left, leave, end } =
    options.bond === "visit" ? leaving(pid) : { left: undefined, leave: undefined, end: () => {} };
  let isPipeBroken = false;
  const onClosed = () => {
    isPipeBroken = true;
    if (leave === undefined) control.signal(pid, "SIGKILL").catch(() => {});
    else leave(EXIT.brokenPipe);
  };
  const write: Record<Stream, (bytes: Uint8Array) => void | Promise<void>> = {
    stdout: writer(process.stdout, onClosed),
    stderr: writer(process.stderr, onClosed),
  };
  // What an own process wrote before this line is kept, and comes first.
  const unsubscribe = control.output(pid, options.bond === "own", (stream, bytes) => write[stream](bytes));
  const carried: SignalName[] = options.bond === "own" ? ["SIGINT", "SIGTERM", "SIGHUP"] : ["SIGINT"];
  const stopSignals = carrySignals(control, pid, carried);
  if (options.input) void carryInput(control, pid);
  try {
    const status = await (left === undefined ? control.wait(pid) : Promise.race([control.wait(pid), left]));
    if (typeof status === "number") return status;
    return isPipeBroken ? EXIT.brokenPipe : ended(status);
  } finally {
    unsubscribe();
    stopSignals();
    end();
  }
}

/** An end that was not the program's own doing is explained; Ctrl-C explains itself. */
function ended(status: ExitStatus): number {
  if (status.reason !== undefined && status.signal !== undefined) {
    remark(`process ${status.pid} was ended: ${status.reason}`);
  }
  return status.code;
}
