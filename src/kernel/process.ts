/**
 * A process: an address space, its threads, its resources; one pid in the system, on one LWP at a time. This class holds
 * the state and keeps its invariants; what happens to a process is in `execution.ts`, `capture.ts` and the system calls.
 */

import type { StressMode } from "../abi/control.ts";
import type { Capabilities, Quotas, SignalName, UrgentRecord } from "../abi/records.ts";
import { assert } from "../assert.ts";
import type { Processor } from "../machine/processor.ts";
import { Backlog } from "./backlog.ts";
import type { Call } from "./call.ts";
import { ChannelTable } from "./channel.ts";
import { InputStream } from "./input-stream.ts";
import { Mailbox } from "./mailbox.ts";
import { type ProcessEvent, type ProcessRecord, RECORD_VERSION, type TimerRecord } from "./process-record.ts";
import type { Program } from "./protocol.ts";
import type { Waiting } from "./quiescence.ts";
import { HandleTable } from "./resource.ts";
import { MAIN_TID, Thread } from "./thread.ts";

/**
 * What holds a process still: a user's pause, the state that it has given to a successor, a capture in progress, handles that
 * are being opened again, a move.
 */
export type Hold = "pause" | "kept" | "capture" | "reopen" | "move" | "save";

export class Process {
  readonly pid: number;
  readonly parent: number;
  epoch: number;
  readonly program: Program;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly quotas: Quotas;
  readonly capabilities: Capabilities;
  readonly workingDirectory: string;
  /** Whether it is at home on another node. */
  readonly hosted: boolean;
  readonly stress: StressMode | undefined;

  readonly threads = new Map<number, Thread>();
  readonly calls = new Set<Call>();
  readonly timers = new Map<number, TimerRecord>();
  /**
   * For the event-loop thread, in order. Bounded: at most TIMERS_MAX of timers that run or have fired,
   * CALLS_IN_FLIGHT_MAX of calls in flight or completed, one of messages, and one that asks for what is kept.
   */
  readonly events: ProcessEvent[] = [];
  /** Timers whose event is in the queue. */
  readonly firedTimers = new Set<number>();
  /** Of its asynchronous calls, in `calls` and `events`. */
  readonly backlog = new Backlog();
  readonly signals = new Map<SignalName, "handle" | "ignore">();
  /** Signals that came while their handler ran: it runs once more then. */
  readonly pendingSignals = new Set<SignalName>();
  /** What came out of band: at most URGENT_MAX, and one for each channel. */
  readonly urgent: UrgentRecord[] = [];
  readonly mailbox = new Mailbox();
  readonly handles = new HandleTable();
  readonly channels = new ChannelTable();
  readonly input = new InputStream();
  /** Threads that wait for a word of memory, by its address, in order. */
  readonly futexes = new Map<number, Call[]>();
  /** Calls that wait for room in the output. */
  readonly outputWaiters: Call[] = [];
  readonly receivers: Call[] = [];

  /** Absent while the process is swapped out: then `swapped` holds the pages. */
  memory: WebAssembly.Memory | undefined;
  /** The instance of the engine over the memory; absent while the process idles. */
  processor: Processor | undefined;
  swapped: Uint8Array | undefined;
  /** What holds it still, if anything does. */
  readonly holds = new Set<Hold>();
  ended = false;
  nextTid = MAIN_TID + 1;
  /** Calls are numbered for the life of the process: the node knows one that is made again after a move. */
  nextCall = 1;
  /** Handle of the promise of the program's module, 0 before it is there. */
  modulePromise = 0;
  keepAlive = 0;
  messageEvents = false;
  /** State that the program was started with, until it takes it. */
  keptState: Uint8Array;
  /** Whether the program has been asked for the state that it keeps, and has not answered. */
  keptAsked: boolean;
  rejectionsNoted = false;
  /** Output on its way to the node, in bytes. */
  outputInFlight = 0;
  cpuMs: number;
  /** Processor time weighted by share; the scheduler's. */
  virtualMs = 0;
  /** When it last ran or its memory was brought back, on the host's clock. */
  idleSinceMs: number;
  /** Whether a deadline is set at which the idle process is looked at. */
  idleWatched = false;
  stressPolls = 0;
  stressDue = false;
  /** Actions that wait until no call in flight forbids a capture. */
  readonly quiescence: Waiting[] = [];

  readonly #ready = new Set<Thread>();
  #floorMs = 0;
  /** The host's clock less the process's. */
  clockBaseMs: number;

  constructor(record: ProcessRecord, hostNowMs: number) {
    this.pid = record.pid;
    this.parent = record.parent;
    this.epoch = record.epoch;
    this.program = record.program;
    this.arguments = record.arguments;
    this.environment = record.environment;
    this.quotas = record.quotas;
    this.capabilities = record.capabilities;
    this.workingDirectory = record.workingDirectory;
    this.hosted = record.hosted;
    this.stress = record.stress ?? undefined;
    this.clockBaseMs = hostNowMs - record.clockMs;
    this.cpuMs = record.cpuMs;
    this.nextTid = record.nextTid;
    this.nextCall = record.nextCall;
    this.modulePromise = record.modulePromise;
    this.keepAlive = record.keepAlive;
    this.messageEvents = record.messageEvents;
    this.rejectionsNoted = record.rejectionsNoted;
    this.keptState = record.kept.state;
    this.keptAsked = record.kept.asked;
    this.idleSinceMs = hostNowMs;
    if (record.paused) this.holds.add("pause");
    if (record.kept.given) this.holds.add("kept");
    for (const thread of record.threads) this.threads.set(thread.tid, Thread.restore(thread));
    for (const event of record.events) {
      this.eventCame(event);
      if (event.kind === "timer") this.firedTimers.add(event.id);
    }
    for (const { signal, action, pending } of record.signals) {
      this.signals.set(signal, action);
      if (pending) this.pendingSignals.add(signal);
    }
    this.urgent.push(...record.urgent);
    for (const message of record.mailbox) this.mailbox.put(message);
    this.input.restore(record.input);
    this.channels.restore(record.channels);
    for (const channel of this.channels.all()) if (channel.handle !== 0) this.handles.put(channel.handle, channel);
  }

  get main(): Thread {
    const main = this.threads.get(MAIN_TID);
    assert(main !== undefined, "a process has a main thread until it ends");
    return main;
  }

  /** Whether the scheduler may choose it. */
  get runnable(): boolean {
    return !this.ended && this.holds.size === 0 && this.#ready.size > 0;
  }

  /** Whether it could be captured now: its handles are open, and no call is in flight that must end where it began. */
  get quiescent(): boolean {
    if (this.holds.has("reopen")) return false;
    for (const call of this.calls) if (call.inFlight !== "reissue") return false;
    return true;
  }

  get hasReadyThreads(): boolean {
    return this.#ready.size > 0;
  }

  /** Milliseconds on the process's own clock. */
  clockMs(hostNowMs: number): number {
    return hostNowMs - this.clockBaseMs;
  }

  callBegan(call: Call): void {
    this.calls.add(call);
    this.backlog.callBegan(call);
  }

  callEnded(call: Call): void {
    if (this.calls.delete(call)) this.backlog.callEnded(call);
  }

  eventCame(event: ProcessEvent): void {
    this.events.push(event);
    this.backlog.eventCame(event);
  }

  takeEvent(): ProcessEvent | undefined {
    const event = this.events.shift();
    if (event !== undefined) this.backlog.eventTaken(event);
    return event;
  }

  setReady(thread: Thread): void {
    if (thread.state === "ended") return;
    if (!this.#ready.has(thread)) thread.virtualMs = Math.max(thread.virtualMs, this.#floorMs);
    thread.state = "ready";
    this.#ready.add(thread);
  }

  setBlocked(thread: Thread): void {
    thread.state = "blocked";
    this.#ready.delete(thread);
  }

  setEnded(thread: Thread): void {
    thread.state = "ended";
    this.#ready.delete(thread);
    this.threads.delete(thread.tid);
  }

  /** The thread to run now: of the ready ones, that with the least weighted time; of two alike, that of higher priority. */
  pickThread(): Thread | undefined {
    let first: Thread | undefined;
    for (const thread of this.#ready) {
      const earlier = first === undefined || thread.virtualMs < first.virtualMs;
      if (earlier || (thread.virtualMs === first?.virtualMs && thread.priority > first.priority)) first = thread;
    }
    if (first !== undefined) this.#floorMs = Math.max(this.#floorMs, first.virtualMs);
    return first;
  }

  /** Puts a thread behind all others that are ready. */
  yieldThread(thread: Thread): void {
    for (const other of this.#ready) thread.virtualMs = Math.max(thread.virtualMs, other.virtualMs + 0.001);
  }

  hasOtherReadyThan(thread: Thread): boolean {
    return this.#ready.size > (this.#ready.has(thread) ? 1 : 0);
  }

  save(hostNowMs: number): ProcessRecord {
    assert(this.quiescent, "a process is captured when no call forbids it");
    return {
      recordVersion: RECORD_VERSION,
      pid: this.pid,
      parent: this.parent,
      epoch: this.epoch,
      program: this.program,
      arguments: this.arguments,
      environment: this.environment,
      quotas: this.quotas,
      capabilities: this.capabilities,
      workingDirectory: this.workingDirectory,
      hosted: this.hosted,
      stress: this.stress ?? null,
      clockMs: this.clockMs(hostNowMs),
      cpuMs: this.cpuMs,
      nextTid: this.nextTid,
      nextCall: this.nextCall,
      modulePromise: this.modulePromise,
      threads: [...this.threads.values()].map((thread) => thread.save()),
      calls: [...this.calls].map((call) => call.save()),
      timers: [...this.timers.values()],
      events: [...this.events],
      signals: [...this.signals].map(([signal, action]) => ({
        signal,
        action,
        pending: this.pendingSignals.has(signal),
      })),
      keepAlive: this.keepAlive,
      messageEvents: this.messageEvents,
      urgent: [...this.urgent],
      mailbox: this.mailbox.save(),
      handles: this.handles.save(),
      channels: this.channels.save(),
      input: this.input.save(),
      kept: { state: this.keptState, asked: this.keptAsked, given: this.holds.has("kept") },
      paused: this.holds.has("pause"),
      rejectionsNoted: this.rejectionsNoted,
    };
  }
}
