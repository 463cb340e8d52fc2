/**
 * Out of band: what is told to a program before all else that it has to do, even while it is in a loop. The kernel raises
 * SIGURG, whose handler is a thread above all others, and which exists only while it has something to do.
 */

import type { UrgentRecord } from "../../abi/records.ts";
import { URGENT_PATIENCE_MS } from "../../limits.ts";
import { compareExchange, newCell, onSignal, reportError, syscall, timerFunctions, waitOn, wake } from "../core.ts";
import type { WebRequest } from "./serve.ts";

/** What came out of band. */
export interface UrgentEvent {
  /** The client of a request is gone; `godwit interrupt`, or SIGURG; a WebSocket's ping that says something. */
  readonly kind: "abort" | "interrupt" | "ping";
  /** What was said, or why the client is gone. */
  readonly message: string;
  /** The request whose client is gone. */
  readonly request?: WebRequest;
}

interface Watched {
  readonly left: (why: string) => void;
  readonly request: unknown;
}

const listeners = new Set<(event: UrgentEvent) => void>();
const watched = new Map<number, Watched>();
let lastToken = 0;
let isHandled = false;

/** From the first use on; a program that has none has no handler, and is told of nothing. */
function begin(): void {
  if (isHandled) return;
  isHandled = true;
  onSignal("SIGURG", take);
}

/** Whether anybody wants to be told of whatever comes. */
export function isAwaited(): boolean {
  return listeners.size > 0;
}

/** Tells when the other side of a channel is gone; returns the token by which to forget it. */
export function watchChannel(handle: number, left: (why: string) => void, request: unknown): number {
  begin();
  const token = ++lastToken;
  watched.set(token, { left, request });
  try {
    syscall("channelUrgent", handle, token);
  } catch (error) {
    watched.delete(token);
    throw error;
  }
  return token;
}

export function forgetChannel(token: number): void {
  watched.delete(token);
}

/** The handler of SIGURG. */
function take(): void {
  const events = syscall("urgentTake") as UrgentRecord[];
  if (events.length > 0)
    inTurn(() => {
      for (const event of events) tell(event);
    });
}

const WAITING = 0;
const TAKEN = 1;

/**
 * Has the event loop do it, between two of its tasks as everything else, if it comes to it soon. A loop that is busy or
 * blocked is not waited for: then it is done here.
 */
function inTurn(action: () => void): void {
  const state = newCell(WAITING);
  const done = newCell(0);
  const once = (): void => {
    if (compareExchange(state, WAITING, TAKEN) !== WAITING) return;
    action();
    done[0] += 1;
    wake(done, 1);
  };
  const timer = timerFunctions.setTimeout(once, 0);
  waitOn(done, 0, URGENT_PATIENCE_MS);
  timerFunctions.clearTimeout(timer);
  once();
}

function tell(event: UrgentRecord): void {
  if (event.kind !== "left") return call({ kind: event.kind, message: event.message });
  const one = watched.get(event.token);
  if (one === undefined) return;
  watched.delete(event.token);
  attempt(() => one.left(event.message));
  call({ kind: "abort", message: event.message, request: one.request as WebRequest });
}

function call(event: UrgentEvent): void {
  for (const listener of listeners) attempt(() => listener(event));
}

function attempt(action: () => void): void {
  try {
    action();
  } catch (error) {
    reportError(error, "Uncaught in what was called out of band: ");
  }
}

/**
 * Calls `listener` for what comes out of band: a request's client that is gone, `godwit interrupt`, a WebSocket's ping that says
 * something. It gets through while the program is in a loop: then it is called on a thread of its own, above all others, in the
 * midst of whatever the program does. Of a request's client, `request.signal` tells in the same way.
 *
 * @returns a function that ends it.
 * @example
 * let rush = false;
 * onUrgent(({ message }) => (rush = message === "hurry"));
 */
export function onUrgent(listener: (event: UrgentEvent) => void): () => void {
  if (typeof listener !== "function") throw new TypeError("onUrgent needs a function");
  begin();
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
