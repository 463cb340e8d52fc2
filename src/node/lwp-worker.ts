/** The body of an LWP: a worker thread that runs the kernel for its share of the node's processes. */

import { performance } from "node:perf_hooks";
import { Script } from "node:vm";
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";

import { present } from "../assert.ts";
import { failure, isErrorCode } from "../errors.ts";
import {
  FENCE_RETRY_MS,
  GUARD_MAX_MS,
  HOST_TIMER_MAX_MS,
  HOST_TURN_MS,
  LINGER_MS,
  LOAD_REPORT_MS,
  LWP_OUTBOX_MAX,
  OUTBOX_MAX_MS,
  SLICE_MAX_MS,
  STUCK_AFTER_MS,
} from "../limits.ts";
import type { Engine } from "../machine/engine.ts";
import type { Host } from "../kernel/host.ts";
import { Kernel } from "../kernel/kernel.ts";
import { receive } from "../kernel/lwp.ts";
import type { Completion, FromLwp, ToLwp } from "../kernel/protocol.ts";
import * as codec from "../resources/codec.ts";
import { hostCrypto } from "../resources/crypto.ts";
import { Gate, type SharedWord } from "../resources/gate.ts";
import { hostFiles } from "../resources/file.ts";
import { Collection } from "./collection.ts";
import { CONTROL_WORDS, isPast } from "./lwp-control.ts";
import { RandomPool } from "./random-pool.ts";

/** What the node gives an LWP at its start. */
export interface LwpData {
  readonly nodeName: string;
  readonly engine: Engine;
  readonly port: MessagePort;
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly longFree: SharedWord;
  readonly swapAfterMs: number;
}

const { nodeName, engine, port, control, longFree, swapAfterMs } = workerData as LwpData;

const random = new RandomPool();
const host: Host = {
  nodeName,
  monotonicMs: () => performance.now(),
  wallClockMs: () => Date.now(),
  randomBytes: (into) => random.draw(into),
  attention,
  post: (message) => post(message),
  files: hostFiles,
  askNode: (pid, node, body) =>
    new Promise((resolve, reject) => {
      asked.set(++lastAsked, { resolve, reject });
      post({ op: "askNode", request: lastAsked, pid, node, body });
      // By itself, so that the node has asked before it hears what comes after, such as that the process has ended.
      flush();
    }),
  codec,
  crypto: hostCrypto(new Gate(longFree, { words: control, index: CONTROL_WORDS.longOperations })),
};
/** Questions to nodes that are not answered. Bounded by the calls that processes may have in flight, and their handles. */
const asked = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
let lastAsked = 0;
const kernel = new Kernel(engine, host, swapAfterMs);
const collection = new Collection();

let scheduled = false;
let stopped = false;
let wakeup: NodeJS.Timeout | undefined;
let lastReady = "";
let lastReportMs = 0;

/** What the node is told together, in order: before the LWP waits, and soon. */
let outbox: FromLwp[] = [];
/** Since when the first of it waits, on the host's clock. */
let outboxSinceMs = 0;
/** Guests run: what is posted will be flushed. */
let running = false;

function post(message: FromLwp): void {
  if (outbox.push(message) === 1) outboxSinceMs = host.monotonicMs();
  if (!running || outbox.length >= LWP_OUTBOX_MAX) flush();
}

function flush(): void {
  if (outbox.length === 0) return;
  const messages = outbox;
  outbox = [];
  port.postMessage(messages);
}

/** Asked at every poll. */
function attention(): boolean {
  if (outbox.length > 0 && host.monotonicMs() - outboxSinceMs >= OUTBOX_MAX_MS) flush();
  return Atomics.load(control, CONTROL_WORDS.attention) !== 0;
}

function receiveNext(): ToLwp | undefined {
  return receiveMessageOnPort(port)?.message as ToLwp | undefined;
}

/** Takes every message that is there. False when the node wants the LWP to stop. */
function drain(): boolean {
  Atomics.store(control, CONTROL_WORDS.attention, 0);
  for (let message = receiveNext(); message !== undefined; message = receiveNext()) if (!take(message)) return false;
  return true;
}

/** What the kernel is done with when `receive` returns, and seldom is much: it needs no turn of the host's. */
const LIGHT: ReadonlySet<string> = new Set(["incoming", "frame", "room", "broken", "input", "outputTaken", "complete"]);

/** One that is not, and came while guests ran: it is taken before all others, when they do not. */
let heavy: ToLwp | undefined;

/** Takes messages as long as they are light; false when there is one that is not. */
function drainLight(): boolean {
  Atomics.store(control, CONTROL_WORDS.attention, 0);
  for (let message = receiveNext(); message !== undefined; message = receiveNext()) {
    if (!LIGHT.has(message.op)) {
      heavy = message;
      return false;
    }
    take(message);
  }
  return true;
}

function nodeAnswered(request: number, outcome: Completion): void {
  const one = asked.get(request);
  asked.delete(request);
  if (outcome.ok) one?.resolve(outcome.value);
  else one?.reject(failure(isErrorCode(outcome.code) ? outcome.code : "ENODE", outcome.message));
}

function take(message: ToLwp): boolean {
  if (message.op === "nodeAnswer") {
    nodeAnswered(message.request, message.outcome);
    return true;
  }
  if (message.op === "ask" && message.question.kind === "inspect") {
    // To tell where a guest is, its own code may run (a getter, `Error.prepareStackTrace`).
    if (!guard(() => receive(kernel, message)))
      post({ op: "refuse", request: message.request, code: "ESRCH", message: `process ${message.pid} has ended` });
    return true;
  }
  if (message.op !== "stop") {
    receive(kernel, message);
    return true;
  }
  for (const process of Array.from(kernel.processes.values()))
    kernel.end(process, { pid: process.pid, code: 137, signal: "SIGKILL", reason: "the node stopped" });
  post({ op: "stopped" });
  stopped = true;
  clearTimeout(wakeup);
  port.close();
  return false;
}

/** False when the node wants the LWP to stop. */
function takeHeavy(): boolean {
  const message = heavy;
  heavy = undefined;
  if (message === undefined) return true;
  schedule();
  return take(message);
}

/** One turn: messages, then guests for a while, then back to the host's own events. */
function turn(): void {
  scheduled = false;
  if (stopped || !drain()) return;
  if (isPast(Atomics.load(control, CONTROL_WORDS.mayRunUntil))) {
    clearTimeout(wakeup);
    wakeup = setTimeout(schedule, FENCE_RETRY_MS);
    return;
  }
  runGuests();
  if (!takeHeavy()) return;
  clearTimeout(wakeup);
  const nextMs = Math.min(kernel.nextMs(), reportLoad());
  if (nextMs === 0) return schedule();
  if (kernel.nursery.prepare()) return schedule();
  const wakeMs = Math.min(nextMs, collection.collect(host.monotonicMs(), kernel.processes.size, kernel.letGo));
  if (wakeMs < Infinity)
    wakeup = setTimeout(schedule, Math.min(HOST_TIMER_MAX_MS, Math.max(0, wakeMs - host.monotonicMs())));
}

let guarded = () => {};
const script = new Script("__godwit_guarded()");
Object.assign(globalThis, { __godwit_guarded: () => guarded() });

/** Does `action` with a limit that even native code obeys; false when it was cut short. The price is a watching thread. */
function guard(action: () => void): boolean {
  guarded = action;
  try {
    script.runInThisContext({ timeout: STUCK_AFTER_MS + GUARD_MAX_MS });
    return true;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT")) throw error;
    kernel.cutShort();
    return false;
  }
}

function runGuests(): void {
  running = true;
  if (kernel.scheduler.readyCount === 0) kernel.run(0);
  else guard(runOn);
  running = false;
  flush();
}

/**
 * Runs guests, and takes what comes for them meanwhile: a turn of the host's costs more than a short request does. Until
 * the host's own events want to be served, or nothing has come for a moment.
 */
function runOn(): void {
  const beganMs = host.monotonicMs();
  for (;;) {
    kernel.run(kernel.hostOperations > 0 ? HOST_TURN_MS : SLICE_MAX_MS);
    if (kernel.hostOperations > 0 || asked.size > 0 || host.monotonicMs() - beganMs >= GUARD_MAX_MS) return;
    if (isPast(Atomics.load(control, CONTROL_WORDS.mayRunUntil))) return;
    const idleMs = Math.min(LINGER_MS, kernel.nextMs() - host.monotonicMs());
    if (idleMs > 0 && Atomics.load(control, CONTROL_WORDS.attention) === 0) {
      flush();
      Atomics.wait(control, CONTROL_WORDS.attention, 0, idleMs);
    }
    if (Atomics.load(control, CONTROL_WORDS.attention) === 0 || !drainLight()) return;
  }
}

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  setImmediate(turn);
}

/**
 * Tells the node which processes are ready, when that has changed, so that it can balance its LWPs. Returns when it is to
 * be asked again, on the host's clock.
 */
function reportLoad(): number {
  const nowMs = host.monotonicMs();
  const ready = [...kernel.scheduler.ready()].map((process) => process.pid);
  const text = ready.join();
  if (text === lastReady) return Infinity;
  if (nowMs - lastReportMs < LOAD_REPORT_MS) return lastReportMs + LOAD_REPORT_MS;
  lastReady = text;
  lastReportMs = nowMs;
  post({ op: "load", ready });
  return Infinity;
}

kernel.onHostDone = schedule;
schedule();
port.on("message", (message: ToLwp) => {
  if (take(message)) schedule();
});
present(parentPort, "the node's end of a worker").on("message", () => {});
present(parentPort, "the node's end of a worker").unref();
