/**
 * A socket that programs are given as it is, and that nobody reads in between: what is in it is for them. A thread of its own
 * binds it and tells when something has come; the loop that would read it never runs there.
 */

import { Worker } from "node:worker_threads";
import { assert } from "../../assert.ts";
import { type ErrorCode, failure } from "../../errors.ts";

/** What the thread is to bind. */
export interface LentSocketRequest {
  readonly transport: "tcp" | "udp";
  readonly family: "ipv4" | "ipv6";
  /** The socket takes IPv4's clients as well. */
  readonly isMapped: boolean;
  readonly address: string;
  readonly port: number;
  readonly sendBufferBytes?: number;
  readonly receiveBufferBytes?: number;
}

export interface LentSocketData {
  readonly request: LentSocketRequest;
  readonly order: Int32Array<SharedArrayBuffer>;
}

/** What the thread is to do next. */
export const ORDERS = { rest: 0, watch: 1, close: 2 } as const;

export type FromLentSocket =
  | { readonly kind: "bound"; readonly descriptor: number; readonly port: number }
  | { readonly kind: "fault"; readonly code: string; readonly message: string }
  | { readonly kind: "ready" };

export class LentSocket {
  /** What is given to programs. */
  readonly descriptor: number;
  readonly port: number;
  readonly #worker: Worker;
  readonly #order: Int32Array<SharedArrayBuffer>;
  readonly #closed: Promise<void>;
  #ready: (() => void) | undefined;

  private constructor(worker: Worker, order: Int32Array<SharedArrayBuffer>, descriptor: number, port: number) {
    this.#worker = worker;
    this.#order = order;
    this.descriptor = descriptor;
    this.port = port;
    this.#closed = new Promise((resolve) => worker.once("exit", () => resolve()));
    worker.on("message", (message: FromLentSocket) => {
      if (message.kind === "ready") this.#ready?.();
    });
  }

  /** @throws GodwitError EADDRINUSE, EADDRNOTAVAIL, EACCES or EIO, as the system has it. */
  static async open(request: LentSocketRequest): Promise<LentSocket> {
    const order = new Int32Array(new SharedArrayBuffer(4));
    const workerData: LentSocketData = { request, order };
    const worker = new Worker(new URL("./lent-socket-worker.js", import.meta.url), {
      workerData,
      name: `lent-socket-${request.port}`,
      execArgv: ["--disable-warning=ExperimentalWarning"], // of node:wasi
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
    });
    const first = await new Promise<FromLentSocket>((resolve, reject) => {
      worker.once("message", resolve).once("error", reject);
    });
    if (first.kind === "bound") return new LentSocket(worker, order, first.descriptor, first.port);
    assert(first.kind === "fault", "a thread first tells whether it has bound its socket");
    const codes: readonly ErrorCode[] = ["EADDRINUSE", "EADDRNOTAVAIL", "EACCES"];
    throw failure(codes.find((code) => code === first.code) ?? "EIO", first.message);
  }

  /** Resolves when something has come, or when the socket is closed. */
  async ready(): Promise<void> {
    if (Atomics.compareExchange(this.#order, 0, ORDERS.rest, ORDERS.watch) === ORDERS.rest)
      Atomics.notify(this.#order, 0);
    const come = new Promise<void>((resolve) => (this.#ready = resolve));
    await Promise.race([come, this.#closed]);
  }

  /** Resolves when the address is free, unless a program still has the socket. */
  async close(): Promise<void> {
    Atomics.store(this.#order, 0, ORDERS.close);
    Atomics.notify(this.#order, 0);
    await this.#closed;
    await this.#worker.terminate();
  }
}
