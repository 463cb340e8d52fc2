/**
 * The kernel of one LWP: its processes, its scheduler, and the one place where a process comes in, goes out or ends.
 * It runs wherever a `Host` is: in a worker thread in production, under a seed in tests.
 */

import type { Stream } from "../abi/control.ts";
import type { ExitStatus } from "../abi/records.ts";
import { SHARED_WORDS } from "../abi/records.ts";
import type { SyscallName } from "../abi/syscalls.ts";
import { assert } from "../assert.ts";
import { GodwitError } from "../errors.ts";
import { OUTPUT_PIECE_BYTES, STUCK_AFTER_MS, SWAP_AFTER_MS } from "../limits.ts";
import type { Engine } from "../machine/engine.ts";
import type { Processor } from "../machine/processor.ts";
import type { SyscallOutcome } from "../machine/trap.ts";
import { Call } from "./call.ts";
import { attach, swapIn } from "./capture.ts";
import { deadlockReport } from "./deadlock.ts";
import { DeadlineQueue } from "./deadline.ts";
import { contain, runSlice } from "./execution.ts";
import type { Host } from "./host.ts";
import { watchIdle } from "./idle.ts";
import { Lanes } from "./lane.ts";
import type { Prepared } from "./move.ts";
import { Nursery } from "./nursery.ts";
import type { Process } from "./process.ts";
import type { CallRecord, Delivery, ProcessEvent, TimerRecord } from "./process-record.ts";
import { outcomeOf, ProcessTraps } from "./process-traps.ts";
import type { NodeRequest } from "./protocol.ts";
import { settle } from "./quiescence.ts";
import { closeHandles } from "./reopen.ts";
import { Scheduler } from "./scheduler.ts";
import { Slice } from "./slice.ts";
import { StackTraces } from "./stack-traces.ts";
import { rematerialise } from "./stress.ts";
import { HANDLERS } from "./syscalls/table.ts";
import { startTimer } from "./timer.ts";
import type { Thread } from "./thread.ts";

export class Kernel {
  readonly engine: Engine;
  readonly host: Host;
  readonly processes = new Map<number, Process>();
  /** In place and not started: on their way here from another node. */
  readonly prepared = new Map<number, Prepared>();
  readonly scheduler = new Scheduler();
  readonly deadlines = new DeadlineQueue();
  readonly nursery: Nursery;
  /** Where operations that keep the host's threads busy wait for their turns. */
  readonly lanes = new Lanes();
  /** How often an instance or a memory was let go of. */
  letGo = 0;
  /** Operations that the host carries out for us: while there are any, guests make way for it every HOST_TURN_MS. */
  hostOperations = 0;
  /** Called when one of them has ended: there may be something to run. */
  onHostDone: () => void = () => {};
  /** How long a process is idle before its memory is let go; Infinity for never. */
  readonly swapAfterMs: number;
  /** The thread that executes now, and its time. */
  #slice: Slice | undefined;
  /** The process that the kernel does something for now, beside its own slices. */
  subject: Process | undefined;
  readonly #traces = new StackTraces();

  constructor(engine: Engine, host: Host, swapAfterMs = SWAP_AFTER_MS) {
    this.engine = engine;
    this.nursery = new Nursery(engine);
    this.host = host;
    this.swapAfterMs = swapAfterMs;
  }

  // ---- Time on the processor

  /** When the kernel next has something to do if no message comes: 0 for now, Infinity for never. */
  nextMs(): number {
    return this.scheduler.readyCount > 0 ? 0 : this.deadlines.nextMs();
  }

  /** The thread that executes now. */
  get current(): Thread | undefined {
    return this.#slice?.thread;
  }

  /** Runs guests for at most so long, or until none is ready or, after one slice at least, the host asks for attention. */
  run(forMs: number): void {
    const untilMs = this.host.monotonicMs() + forMs;
    for (;;) {
      const nowMs = this.host.monotonicMs();
      this.deadlines.expire(nowMs);
      const process = this.scheduler.pick();
      if (process === undefined || nowMs >= untilMs) return;
      this.#runOne(process, nowMs, untilMs);
      if (this.host.attention()) return;
    }
  }

  #runOne(process: Process, nowMs: number, untilMs: number): void {
    const thread = process.pickThread();
    assert(thread !== undefined, "a process among the ready ones has a ready thread");
    this.#slice = new Slice(this, process, thread, nowMs, untilMs);
    runSlice(this, process, thread);
    this.#slice = undefined;
    const endMs = this.host.monotonicMs();
    this.scheduler.charge(process, thread, endMs - nowMs);
    process.idleSinceMs = endMs;
    if (!process.ended) contain(this, process, () => this.#afterSlice(process));
  }

  #afterSlice(process: Process): void {
    const next = process.stressDue ? rematerialise(this, process) : process;
    this.scheduler.update(next);
    if (next.hasReadyThreads || next.ended) return;
    if (this.#checkDeadlock(next)) return;
    watchIdle(this, next);
  }

  /** The host cut short a guest that did not come back from native code: its process ends, all else goes on. */
  cutShort(): void {
    const process = this.#slice?.process ?? this.subject;
    this.#slice = undefined;
    this.subject = undefined;
    if (process === undefined || process.ended) return;
    const reason = `stuck: ${STUCK_AFTER_MS} ms in one native operation that cannot be interrupted`;
    this.report(process, `godwit: process ${process.pid} ended: ${reason}\n`);
    this.end(process, { pid: process.pid, code: 137, reason });
  }

  /** Something has changed that may end the running slice sooner. */
  reckonSlice(): void {
    this.#slice?.reckon(this);
  }

  sliceOver(): boolean {
    const slice = this.#slice;
    if (slice === undefined || slice.process.ended || slice.process.holds.size > 0 || slice.process.stressDue)
      return true;
    return this.host.attention() || slice.isOver(this.host.monotonicMs());
  }

  /** Asked at every poll of the running guest: whether it is to stop here. */
  poll(process: Process): boolean {
    const { stress } = process;
    if (stress !== undefined && ++process.stressPolls % stress.every === 0 && process.quiescent) {
      process.stressDue = true;
      return true;
    }
    return this.sliceOver();
  }

  // ---- Calls

  /** A system call of the running thread. */
  call(process: Process, name: SyscallName, args: readonly unknown[], callId: number): SyscallOutcome {
    const thread = this.current;
    assert(thread !== undefined, "a system call is made by the running thread");
    let immediate: Delivery | undefined;
    let blocked = false;
    const call = new Call(process.nextCall++, process, thread, name, args, callId, (ended, outcome) => {
      if (blocked) this.#deliver(ended, outcome);
      else immediate = outcome;
    });
    this.#carryOut(call);
    if (immediate !== undefined && callId === 0) return outcomeOf(immediate);
    blocked = true;
    if (immediate !== undefined) {
      this.postEvent(process, { kind: "completion", callId, outcome: immediate });
      return { kind: "result", value: undefined };
    }
    process.callBegan(call);
    if (callId !== 0) return { kind: "result", value: undefined };
    thread.call = call;
    process.setBlocked(thread);
    return { kind: "block" };
  }

  /** Makes a call again that was in flight in an image. */
  callAgain(process: Process, record: CallRecord): void {
    const thread = process.threads.get(record.tid) ?? process.main;
    const call = new Call(
      record.id,
      process,
      thread,
      record.name,
      record.arguments,
      record.callId,
      (ended, outcome) => this.#deliver(ended, outcome),
      record.expiresMs,
    );
    if (record.callId === 0) {
      thread.call = call;
      process.setBlocked(thread);
    }
    process.callBegan(call);
    this.#carryOut(call);
  }

  #carryOut(call: Call): void {
    try {
      HANDLERS[call.name](this, call);
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      call.fail(error);
    }
  }

  #deliver(call: Call, outcome: Delivery): void {
    const { process, thread } = call;
    process.callEnded(call);
    if (process.ended) return;
    if (call.callId !== 0) {
      this.postEvent(process, { kind: "completion", callId: call.callId, outcome });
    } else {
      thread.call = undefined;
      thread.delivery = outcome;
      this.wake(process, thread);
    }
    settle(this, process);
  }

  /** Ends the call at its time on the process's clock, unless it ended before. The call says how. */
  expire(call: Call, afterMs: number, how: () => void): void {
    const { process } = call;
    if (!call.again || call.expiresMs < 0) call.expiresMs = process.clockMs(this.host.monotonicMs()) + afterMs;
    this.deadlines.add({
      atMs: call.expiresMs + process.clockBaseMs,
      holds: () => !call.ended && !process.ended,
      due: how,
    });
    this.reckonSlice();
  }

  /** Passes a call on to the node, which completes it. */
  request(call: Call, request: NodeRequest): void {
    this.host.post({ op: "request", pid: call.process.pid, call: call.id, request });
  }

  hostOperationDone(): void {
    this.hostOperations--;
    this.onHostDone();
  }

  /** Carries out a call by an operation of the host. */
  perform(call: Call, operation: () => Promise<unknown>): void {
    this.hostOperations++;
    const done = (finish: () => void) => {
      this.hostOperationDone();
      if (!call.ended && !call.process.ended) finish();
    };
    operation().then(
      (value) => done(() => call.succeed(value)),
      (error: unknown) => done(() => contain(this, call.process, () => call.fail(error))),
    );
  }

  // ---- Processes

  /** Takes a process in that has its memory: makes its calls again and starts its timers. One that cannot go on ends. */
  admit(process: Process, calls: readonly CallRecord[], timers: readonly TimerRecord[]): void {
    assert(!this.processes.has(process.pid), "a pid is on an LWP once");
    this.processes.set(process.pid, process);
    contain(this, process, () => {
      const processor = this.resident(process);
      this.tellWho(process);
      processor.onKernelStack(() => processor.exports.qjs_set_memory_limit(process.quotas.memoryBytes));
      for (const thread of process.threads.values()) process.setReady(thread);
      for (const call of calls) this.callAgain(process, call);
      for (const timer of timers) startTimer(this, process, timer);
      const { main } = process;
      if (main.phase.kind === "loop" && main.context.stopped === undefined) process.setReady(main);
      this.limitLife(process);
      this.scheduler.update(process);
    });
  }

  /** Pid and epoch, where the guest reads them. */
  tellWho(process: Process): void {
    const { sharedWords } = this.engine.manifest.layout;
    const processor = this.resident(process);
    processor.writeWord(sharedWords + 4 * SHARED_WORDS.pid, process.pid);
    processor.writeWord(sharedWords + 4 * SHARED_WORDS.epoch, process.epoch);
  }

  /** The quota of time to live, counted on the process's own clock. */
  limitLife(process: Process): void {
    const { timeoutMs } = process.quotas;
    if (timeoutMs === 0) return;
    this.deadlines.add({
      atMs: process.clockBaseMs + timeoutMs,
      // One that is frozen may be another node's already.
      holds: () => !process.ended && !process.holds.has("move"),
      due: () => {
        const reason = `timeout: the process has had its ${timeoutMs} ms`;
        this.report(process, `godwit: ${reason}\n`);
        this.end(process, { pid: process.pid, code: 124, reason });
      },
    });
  }

  /** A new seed for Math.random: every process draws its own numbers. */
  reseed(process: Process): void {
    const seed = new Uint8Array(8);
    this.host.randomBytes(seed);
    seed[0] = (seed[0] ?? 0) | 1;
    new Uint8Array(this.resident(process).memory.buffer).set(seed, this.engine.manifest.layout.randomState);
  }

  /** The process's memory, brought back first if it was swapped out. */
  memory(process: Process): WebAssembly.Memory {
    if (process.memory !== undefined) return process.memory;
    process.idleSinceMs = this.host.monotonicMs();
    const memory = swapIn(this.engine, process);
    watchIdle(this, process);
    return memory;
  }

  /** The process's processor, over its memory, however much of the two was let go. */
  resident(process: Process): Processor {
    if (process.processor === undefined) this.attach(process, this.memory(process));
    assert(process.processor !== undefined, "a resident process has a processor");
    return process.processor;
  }

  attach(process: Process, memory: WebAssembly.Memory): void {
    attach(this.engine, process, memory, (of) => new ProcessTraps(this, of));
  }

  /** The process is over: what it holds is let go, and its node is told. */
  end(process: Process, status: ExitStatus): void {
    if (process.ended) return;
    this.detach(process);
    void closeHandles(process);
    this.host.post({ op: "ended", status, cpuMs: process.cpuMs });
  }

  /** Takes the process off this LWP without ending it. */
  detach(process: Process): void {
    process.ended = true;
    for (const call of process.calls) call.drop();
    this.scheduler.remove(process);
    this.processes.delete(process.pid);
    // Deadlines and operations of the host may know the process for a while: they need not keep its memory too.
    process.processor = undefined;
    process.memory = undefined;
    process.swapped = undefined;
    settle(this, process);
  }

  // ---- Threads and events

  wake(process: Process, thread: Thread): void {
    process.setReady(thread);
    this.scheduler.update(process);
    const slice = this.#slice;
    if (slice?.process === process && thread.priority > slice.thread.priority) slice.cut();
    this.reckonSlice();
  }

  postEvent(process: Process, event: ProcessEvent): void {
    process.eventCame(event);
    this.reconsider(process);
  }

  /** Messages wait: one event tells of them all, and the next is posted when it is taken. */
  postMessageEvent(process: Process): void {
    if (process.messageEvents && !process.events.some(({ kind }) => kind === "message"))
      this.postEvent(process, { kind: "message" });
  }

  /** Lets the event-loop thread look again, if it is at rest. */
  reconsider(process: Process): void {
    if (process.ended) return;
    const { main } = process;
    if (main.state === "blocked" && main.call === undefined) this.wake(process, main);
  }

  #checkDeadlock(process: Process): boolean {
    const report = deadlockReport(this, process);
    if (report === undefined) return false;
    this.report(process, report);
    this.end(process, { pid: process.pid, code: 1, reason: "deadlock: every thread waits for another" });
    return true;
  }

  // ---- Output

  /** Text of the kernel's own on the process's standard error. */
  report(process: Process, text: string): void {
    this.output(process, "stderr", Buffer.from(text));
  }

  /** `text` with the frames of its stack traces in the program's own source lines. */
  mapStack(process: Process, text: string): string {
    return this.#traces.map(process.program, text);
  }

  output(process: Process, stream: Stream, bytes: Uint8Array): void {
    process.outputInFlight += bytes.length + OUTPUT_PIECE_BYTES;
    this.host.post({ op: "output", pid: process.pid, stream, bytes });
  }
}
