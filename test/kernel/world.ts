/**
 * Kernels in a world of their own: a clock that goes on only when it is read, chance from a seed, and a node that is
 * nothing but queues. Whatever happens in it happens again under the same seed.
 */

import assert from "node:assert/strict";
import type { StressMode } from "../../src/abi/control.ts";
import type { Capabilities, ExitStatus, Quotas } from "../../src/abi/records.ts";
import { failure } from "../../src/errors.ts";
import { NO_CAPABILITIES } from "../../src/kernel/capability.ts";
import type { FileSystem, Host } from "../../src/kernel/host.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { receive } from "../../src/kernel/lwp.ts";
import type { Process } from "../../src/kernel/process.ts";
import type { Answer, Completion, FromLwp, NodeRequest, Question, ToLwp } from "../../src/kernel/protocol.ts";
import { quotasOf } from "../../src/kernel/quota.ts";
import { loadEngine } from "../../src/machine/load.ts";
import * as codec from "../../src/resources/codec.ts";

const engine = await loadEngine();

const EXPORTS =
  "const { Thread, Mutex, Condition, Semaphore, fork, wait, exit, kill, self, sleep, send, receive, register, onSignal, onMessage, promises } = globalThis.__godwit.exports;\n";

/** Mulberry32: numbers from 0 up to 1. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface WorldOptions {
  readonly seed?: number;
  readonly swapAfterMs?: number;
  /** Every call of a guest is a poll, and each poll takes about a millisecond: threads change places all the time. */
  readonly restless?: boolean;
}

export type ChannelMessage = Extract<FromLwp, { op: "open" | "frame" | "taken" | "close" }>;

/** What the world's node knows of a process. */
interface Known {
  readonly pid: number;
  readonly parent: number;
  lwp: number;
  held: ToLwp[] | undefined;
  exit: ExitStatus | undefined;
  stdout: string;
  stderr: string;
  readonly zombies: ExitStatus[];
  readonly waits: { readonly call: number; readonly pid: number }[];
  readonly answered: Set<number>;
}

interface Pending {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (code: string) => void;
}

/** A kernel whose guests are stopped at every call, in a restless world. */
class WorldKernel extends Kernel {
  restless = false;
  override attach(process: Process, memory: WebAssembly.Memory): void {
    super.attach(process, memory);
    if (this.restless && process.processor !== undefined) process.processor.pollEveryCall = true;
  }
}

const noFiles = new Proxy({} as FileSystem, {
  get: () => () => Promise.reject(failure("EIO", "this world has no files")),
});

export class World {
  nowMs = 0;
  readonly random: () => number;
  readonly kernels: readonly WorldKernel[];
  readonly known = new Map<number, Known>();
  readonly names = new Map<string, number>();
  /** Everything that kernels told, with its time. */
  readonly trace: string[] = [];
  /** Messages on their way to each kernel. */
  readonly #queues: ToLwp[][] = [[], []];
  /** What is at the other ends of channels; nothing, until a test says so. */
  channels: (message: ChannelMessage) => void = () => {};
  readonly #pending = new Map<number, Pending>();
  readonly #restless: boolean;
  #lastPid = 0;
  #lastRequest = 0;

  constructor(options: WorldOptions = {}) {
    this.random = seeded(options.seed ?? 1);
    this.#restless = options.restless ?? false;
    this.kernels = [0, 1].map((index) => {
      const kernel = new WorldKernel(engine, this.#host(index), options.swapAfterMs ?? Infinity);
      kernel.restless = this.#restless;
      return kernel;
    });
  }

  #host(index: number): Host {
    return {
      nodeName: "world",
      monotonicMs: () => (this.nowMs += this.random() * (this.#restless ? 2 : 0.02)),
      wallClockMs: () => Math.floor(this.nowMs),
      randomBytes: (into) => into.forEach((_, at) => (into[at] = Math.floor(this.random() * 256))),
      attention: () => this.#restless && this.random() < 0.05,
      post: (message) => this.#told(index, message),
      files: noFiles,
      askNode: () => Promise.reject(failure("ENONODE", "there is no other node in this world")),
      codec,
      // Its operations are not this world's time.
      crypto: {
        operation: () => ({
          isLong: false,
          run: () => Promise.reject(failure("EIO", "this world has no cryptography")),
        }),
        keyOperation: () => ({ isLong: true, run: () => Promise.reject(failure("EIO", "this world has no keys")) }),
      },
    };
  }

  // ---- What a test does

  spawn(
    source: string,
    options: { quotas?: Partial<Quotas>; capabilities?: Partial<Capabilities>; stress?: StressMode } = {},
  ): Known {
    const known = this.#enter(0, 0);
    const birth = {
      pid: known.pid,
      parent: 0,
      program: { name: "program.js", source: EXPORTS + source, sourceMap: "" },
      arguments: [],
      environment: {},
      quotas: quotasOf(options.quotas ?? {}),
      capabilities: { ...NO_CAPABILITIES, ...options.capabilities },
      workingDirectory: "/",
      stress: options.stress,
    };
    this.#queues[0]?.push({ op: "spawn", birth });
    return known;
  }

  process(pid: number): Process {
    const process = this.kernels[this.#know(pid).lwp]?.processes.get(pid);
    assert.ok(process !== undefined, `process ${pid} is where the node thinks: ${this.#know(pid).stderr}`);
    return process;
  }

  tell(pid: number, message: ToLwp): void {
    const known = this.#know(pid);
    if (known.held === undefined) this.#queues[known.lwp]?.push(message);
    else known.held.push(message);
  }

  /** The promise settles while the world goes on. */
  ask(pid: number, question: Question): Promise<Answer> {
    return new Promise((resolve, reject) =>
      this.#question(pid, question, { resolve, reject: (code) => reject(new Error(code)) }),
    );
  }

  #question(pid: number, question: Question, pending: Pending): void {
    const request = ++this.#lastRequest;
    this.#pending.set(request, pending);
    this.tell(pid, { op: "ask", pid, request, question });
  }

  /** Moves a process to the other kernel, if it can be moved now. */
  handOver(pid: number): void {
    const known = this.#know(pid);
    if (known.held !== undefined || known.exit !== undefined) return;
    const arrive = (answer: Answer | undefined) => {
      if (answer?.kind === "release") {
        known.lwp = 1 - known.lwp;
        this.#queues[known.lwp]?.push({ op: "adopt", released: answer });
      }
      const held = known.held ?? [];
      known.held = undefined;
      if (known.exit !== undefined) return;
      for (const message of held) this.tell(pid, message);
      this.#answerWaits(known);
    };
    this.#question(pid, { kind: "release" }, { resolve: arrive, reject: () => arrive(undefined) });
    known.held = [];
  }

  /** One turn of one of the kernels. False when nothing is left to do, or to wait for. */
  turn(): boolean {
    const busy = this.kernels.map(
      (kernel, index) => kernel.scheduler.readyCount > 0 || (this.#queues[index]?.length ?? 0) > 0,
    );
    if (!busy.includes(true)) {
      const nextMs = Math.min(...this.kernels.map((kernel) => kernel.nextMs()));
      if (nextMs === Infinity) return false;
      this.nowMs = Math.max(this.nowMs, nextMs);
    }
    const index = this.random() < 0.5 ? 0 : 1;
    const queue = this.#queues[index] ?? [];
    for (let left = Math.ceil(this.random() * queue.length); left > 0; left--) {
      const message = queue.shift();
      if (message !== undefined && message.op !== "stop" && message.op !== "nodeAnswer")
        receive(this.kernels[index] as Kernel, message);
    }
    this.kernels[index]?.run(25);
    this.checkInvariants();
    return true;
  }

  /** Goes on until nothing is left to do. `between` may meddle after each turn. */
  run(between: () => void = () => {}, turnsMax = 200_000): void {
    for (let turns = 0; this.turn(); turns++) {
      assert.ok(turns < turnsMax, `the world comes to rest within ${turnsMax} turns`);
      between();
    }
  }

  runUntil(holds: () => boolean, turnsMax = 200_000): void {
    for (let turns = 0; !holds(); turns++) {
      assert.ok(this.turn() && turns < turnsMax, "what is waited for comes");
    }
  }

  checkInvariants(): void {
    for (const kernel of this.kernels) {
      const ready = new Set(kernel.scheduler.ready());
      for (const process of kernel.processes.values()) {
        assert.equal(process.ended, false, "a kernel has living processes only");
        assert.equal(ready.has(process), process.runnable, `process ${process.pid} is ready for the scheduler or not`);
        for (const thread of process.threads.values()) {
          assert.ok(
            thread.state === "ready" || thread.state === "blocked",
            `thread ${thread.tid} is ${thread.state} at rest`,
          );
          const rests = thread.call === undefined && thread.phase.kind === "loop";
          if (thread.state === "blocked")
            assert.ok(rests || thread.call !== undefined, "a blocked thread waits for something");
          else assert.equal(thread.call, undefined, "a ready thread waits for nothing");
        }
        for (const call of process.calls) assert.equal(call.ended, false, "no ended call is kept");
        for (const waiters of process.futexes.values()) assert.ok(waiters.length > 0, "no empty futex queue is kept");
      }
      for (const process of ready) assert.equal(kernel.processes.get(process.pid), process, "no stranger is scheduled");
    }
  }

  // ---- The node

  #know(pid: number): Known {
    const known = this.known.get(pid);
    assert.ok(known !== undefined, `there is a process ${pid}`);
    return known;
  }

  #enter(parent: number, lwp: number): Known {
    const pid = ++this.#lastPid;
    const known: Known = {
      pid,
      parent,
      lwp,
      held: undefined,
      exit: undefined,
      stdout: "",
      stderr: "",
      zombies: [],
      waits: [],
      answered: new Set(),
    };
    this.known.set(pid, known);
    return known;
  }

  #told(index: number, message: FromLwp): void {
    this.trace.push(`${this.nowMs.toFixed(3)} ${index} ${summary(message)}`);
    switch (message.op) {
      case "request":
        return this.#serve(this.#know(message.pid), message.call, message.request);
      case "answer":
      case "refuse": {
        const pending = this.#pending.get(message.request);
        this.#pending.delete(message.request);
        return message.op === "answer" ? pending?.resolve(message.answer) : pending?.reject(message.code);
      }
      case "output":
        this.#know(message.pid)[message.stream] += Buffer.from(message.bytes).toString();
        return this.tell(message.pid, { op: "outputTaken", pid: message.pid, sizeBytes: message.bytes.length });
      case "forked":
        return this.#arrived(this.#know(message.child));
      case "unborn":
        this.known.delete(message.child);
        return;
      case "ended":
        return this.#ended(message.status);
      case "open":
      case "frame":
      case "taken":
      case "close":
        return this.channels(message);
      default:
    }
  }

  #arrived(child: Known): void {
    const held = child.held ?? [];
    child.held = undefined;
    for (const message of held) this.tell(child.pid, message);
  }

  #ended(status: ExitStatus): void {
    const known = this.#know(status.pid);
    assert.equal(known.exit, undefined, "a process ends once");
    known.exit = status;
    const parent = this.known.get(known.parent);
    if (parent === undefined || parent.exit !== undefined) return;
    parent.zombies.push(status);
    this.tell(parent.pid, { op: "signal", pid: parent.pid, signal: "SIGCHLD" });
    this.#answerWaits(parent);
  }

  #complete(known: Known, call: number, outcome: Completion): void {
    this.#queues[known.lwp]?.push({ op: "complete", pid: known.pid, call, outcome });
  }

  #serve(known: Known, call: number, request: NodeRequest): void {
    const done = (value?: unknown) => this.#complete(known, call, { ok: true, value });
    const refused = (code: string) => this.#complete(known, call, { ok: false, code, message: "not in this world" });
    switch (request.kind) {
      case "fork": {
        const child = this.#enter(known.pid, known.lwp);
        child.held = [];
        this.#queues[known.lwp]?.push({ op: "fork", pid: known.pid, call, child: child.pid });
        return;
      }
      case "wait":
        if (known.held !== undefined || known.answered.has(call)) return;
        if (!known.waits.some((one) => one.call === call)) known.waits.push({ call, pid: request.pid });
        return this.#answerWaits(known);
      case "kill":
        if (!this.known.has(request.pid)) return refused("ESRCH");
        this.tell(request.pid, { op: "signal", pid: request.pid, signal: request.signal });
        return done();
      case "send": {
        const to = typeof request.to === "number" ? request.to : (this.names.get(request.to) ?? 0);
        if (!this.known.has(to)) return refused("ENOENT");
        // The answer is taken at once, not by a promise's job: those are not this world's time.
        return this.#question(
          to,
          { kind: "deliver", from: known.pid, payload: request.payload },
          { resolve: () => done(), reject: refused },
        );
      }
      case "register":
        this.names.set(request.name, known.pid);
        return done();
      default:
        return refused("ENOSYS");
    }
  }

  #answerWaits(parent: Known): void {
    if (parent.held !== undefined || parent.exit !== undefined) return;
    for (const one of parent.waits.slice()) {
      const index = parent.zombies.findIndex(({ pid }) => one.pid === -1 || one.pid === pid);
      const [status] = index < 0 ? [] : parent.zombies.splice(index, 1);
      if (status === undefined) continue;
      parent.waits.splice(parent.waits.indexOf(one), 1);
      parent.answered.add(one.call);
      this.#complete(parent, one.call, { ok: true, value: status });
    }
  }
}

/** A message as a line, without what has no end. */
function summary(message: FromLwp): string {
  const brief = (_key: string, value: unknown): unknown => {
    if (value instanceof Uint8Array)
      return `${value.length} bytes: ${Buffer.from(value).toString("latin1").slice(0, 60)}`;
    return value instanceof WebAssembly.Memory ? "memory" : value;
  };
  return message.op === "answer" ? `answer ${message.request} ${message.answer.kind}` : JSON.stringify(message, brief);
}
