/** Timers, on the event-loop thread. */

import { syscall } from "./machine.ts";

interface Timer {
  readonly run: () => void;
  readonly repeats: boolean;
}
const timers = new Map<number, Timer>();
let lastTimer = 0;
const DELAY_MAX_MS = 2 ** 31 - 1;

function start(callback: unknown, delayMs: unknown, args: unknown[], repeats: boolean): number {
  if (typeof callback !== "function") throw new TypeError("the callback of a timer must be a function");
  const id = ++lastTimer;
  timers.set(id, { run: () => callback(...args), repeats });
  const ms = Math.trunc(Number(delayMs));
  try {
    syscall("timerStart", id, ms >= 1 && ms <= DELAY_MAX_MS ? ms : 1, repeats ? 1 : 0);
  } catch (error) {
    timers.delete(id);
    throw error;
  }
  return id;
}

function stop(id: unknown): void {
  if (timers.delete(Number(id))) syscall("timerStop", Number(id));
}

/** Entry point: a timer fired. */
export function dispatchTimer(id: number): void {
  const timer = timers.get(id);
  if (timer === undefined) return;
  if (!timer.repeats) timers.delete(id);
  timer.run();
}

export const timerFunctions = {
  setTimeout(callback: unknown, delayMs?: unknown, ...args: unknown[]): number {
    return start(callback, delayMs, args, false);
  },
  setInterval(callback: unknown, delayMs?: unknown, ...args: unknown[]): number {
    return start(callback, delayMs, args, true);
  },
  setImmediate(callback: unknown, ...args: unknown[]): number {
    return start(callback, 0, args, false);
  },
  clearTimeout(id?: unknown): void {
    stop(id);
  },
  clearInterval(id?: unknown): void {
    stop(id);
  },
  clearImmediate(id?: unknown): void {
    stop(id);
  },
};
