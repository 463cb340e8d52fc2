/** The node's end of an LWP: a worker thread, what it is told, and what it was asked. */

import { type MessagePort, MessageChannel, Worker } from "node:worker_threads";

import { failure, GodwitError, isErrorCode } from "../errors.ts";
import type { Answer, Completion, FromLwp, Question, Released, ToLwp } from "../kernel/protocol.ts";
import type { FileQuestion } from "../kernel/remote-files.ts";
import { CRYPTO_LONG_IN_ALL, LWP_STACK_MB, LWP_YOUNG_GENERATION_MB } from "../limits.ts";
import type { Engine } from "../machine/engine.ts";
import { Gate } from "../resources/gate.ts";
import type { Lwp } from "./lwp.ts";
import { CONTROL_WORD_COUNT, CONTROL_WORDS, moment } from "./lwp-control.ts";
import type { LwpData } from "./lwp-worker.ts";

/** Messages that are about processes, and not answers. */
export type Told = Exclude<FromLwp, { op: "answer" | "refuse" | "restored" | "load" | "stopped" | "askNode" }>;
/** Asks a node about files on behalf of a process; the home of the process when none is named. */
export type AskNode = (pid: number, node: string, body: FileQuestion) => Promise<unknown>;

interface Listener {
  readonly told: (message: Told) => void;
  readonly load: () => void;
}

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** How many more long operations may run on the threads that the OS process has for all nodes in it. */
const LONG_FREE = { words: new Int32Array(new SharedArrayBuffer(4)), index: 0 };
LONG_FREE.words[0] = CRYPTO_LONG_IN_ALL;

export class LwpThread implements Lwp {
  readonly nodeName: string;
  readonly index: number;
  /** Living processes that it has. */
  processes = 0;
  /** Pids of those that were ready to run when it last told. */
  ready: readonly number[] = [];
  /** Pid of one that is on its way to it. */
  expects: number | undefined;
  /** Set by a node among others. */
  askNode: AskNode = (_pid, node) => Promise.reject(failure("ENONODE", `there is no way from here to node ${node}`));
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #pending = new Map<number, Pending>();
  #lastRequest = 0;
  #failure: Error | undefined;
  readonly #stopped: Promise<void>;

  constructor(
    index: number,
    nodeName: string,
    engine: Engine,
    swapAfterMs: number,
    on: Listener & { readonly failed: (error: Error) => void },
  ) {
    this.index = index;
    this.nodeName = nodeName;
    const { port1, port2 } = new MessageChannel();
    const control = new Int32Array(new SharedArrayBuffer(CONTROL_WORD_COUNT * 4));
    const workerData: LwpData = { nodeName, engine, port: port2, control, longFree: LONG_FREE, swapAfterMs };
    this.#control = control;
    this.#port = port1;
    this.#worker = new Worker(new URL("./lwp-worker.js", import.meta.url), {
      workerData,
      transferList: [port2],
      name: `lwp-${index}`,
      // Guests recurse on the native stack; their own check ends them before it does.
      resourceLimits: { stackSizeMb: LWP_STACK_MB, maxYoungGenerationSizeMb: LWP_YOUNG_GENERATION_MB },
    });
    this.#worker.on("error", (error) => {
      this.#fail(error);
      on.failed(error);
    });
    this.#stopped = new Promise((resolve) => this.#worker.once("exit", () => resolve()));
    const held = { words: control, index: CONTROL_WORDS.longOperations };
    this.#worker.once("exit", () => Gate.release(LONG_FREE, held));
    this.#port.on("message", (messages: FromLwp[]) => {
      for (const message of messages) this.#receive(message, on);
    });
  }

  /** Whether its worker is gone, for a fault of its own. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  tell(message: ToLwp): void {
    this.#port.postMessage(message);
    Atomics.store(this.#control, CONTROL_WORDS.attention, 1);
    Atomics.notify(this.#control, CONTROL_WORDS.attention);
  }

  ask<K extends Question["kind"]>(
    pid: number,
    question: Extract<Question, { kind: K }>,
  ): Promise<Extract<Answer, { kind: K }>> {
    return this.#expect((request) => this.tell({ op: "ask", request, pid, question }));
  }

  /** Guests may run on it for so long from now, and no longer unless it is said again. */
  mayRunFor(forMs: number): void {
    const word = forMs === Infinity ? 0 : moment(forMs);
    Atomics.store(this.#control, CONTROL_WORDS.mayRunUntil, word);
    if (forMs > 0) return;
    Atomics.store(this.#control, CONTROL_WORDS.attention, 1);
    Atomics.notify(this.#control, CONTROL_WORDS.attention);
  }

  /** Resolves with the program's name when the process is in place. */
  restore(message: Omit<Extract<ToLwp, { op: "restore" }>, "request">): Promise<{ name: string }> {
    return this.#expect((request) => this.tell({ ...message, request }));
  }

  /** Resolves when the process is in place, and can be started. */
  async prepare(released: Released): Promise<void> {
    await this.#expect((request) => this.tell({ op: "prepare", request, released }));
  }

  /** Resolves when the worker has ended. */
  async stop(): Promise<void> {
    this.tell({ op: "stop" });
    await this.#stopped;
    this.#port.close();
  }

  #expect<T>(send: (request: number) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      const request = ++this.#lastRequest;
      this.#pending.set(request, { resolve, reject });
      send(request);
    });
  }

  #receive(message: FromLwp, on: Listener): void {
    switch (message.op) {
      case "answer":
        return this.#settle(message.request, (pending) => pending.resolve(message.answer as never));
      case "restored":
        return this.#settle(message.request, (pending) => pending.resolve({ name: message.name } as never));
      case "refuse":
        return this.#settle(message.request, (pending) =>
          pending.reject(failure(isErrorCode(message.code) ? message.code : "ENODE", message.message)),
        );
      case "load":
        this.ready = message.ready;
        return on.load();
      case "askNode":
        return void this.#pass(message);
      case "stopped":
        return;
      default:
        return on.told(message);
    }
  }

  async #pass({ request, pid, node, body }: Extract<FromLwp, { op: "askNode" }>): Promise<void> {
    const outcome = await this.askNode(pid, node, body).then(
      (value): Completion => ({ ok: true, value }),
      (error: unknown): Completion => {
        const { code, message } = error instanceof GodwitError ? error : failure("ENODE", String(error));
        return { ok: false, code, message };
      },
    );
    this.tell({ op: "nodeAnswer", request, outcome });
  }

  /** The worker is gone: nothing that it was asked will be answered. */
  #fail(error: Error): void {
    this.#failure = failure("ENODE", `LWP ${this.index} failed: ${error.message}`, error);
    for (const { reject } of this.#pending.values()) reject(this.#failure);
    this.#pending.clear();
  }

  #settle(request: number, settle: (pending: Pending) => void): void {
    const pending = this.#pending.get(request);
    this.#pending.delete(request);
    if (pending !== undefined) settle(pending);
  }
}
