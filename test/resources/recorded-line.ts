/** A channel's line that keeps what it is told, with a window that the test opens. */

import { type Frame, frameCost, FRAME_KINDS, type ResponseHead } from "../../src/abi/channel.ts";
import type { ErrorCode } from "../../src/errors.ts";
import type { Driver, Line } from "../../src/resources/line.ts";

const TIMEOUT_MS = 20_000;

export class RecordedLine implements Line {
  readonly frames: Frame[] = [];
  broken: { readonly code: ErrorCode; readonly message: string } | undefined;
  readonly #windowBytes: number;
  #untaken = 0;
  #driver: Driver | undefined;
  #watchers: (() => void)[] = [];

  constructor(windowBytes = Infinity) {
    this.#windowBytes = windowBytes;
  }

  /** As the node joins the two. */
  join(driver: Driver): Driver {
    this.#driver = driver;
    return driver;
  }

  push(frame: Frame): boolean {
    this.frames.push({ kind: frame.kind, bytes: Uint8Array.from(frame.bytes) });
    this.#untaken += frameCost(frame);
    this.#told();
    return this.#untaken < this.#windowBytes;
  }

  break(code: ErrorCode, message: string): void {
    this.broken ??= { code, message };
    this.#told();
  }

  /** The process has taken all that is there. */
  drain(): void {
    this.#untaken = 0;
    this.#driver?.resume();
  }

  #told(): void {
    for (const watcher of this.#watchers) watcher();
  }

  /** Waits for something to become true by what the line is told. */
  async until(holds: () => boolean, what: string): Promise<void> {
    const { promise, resolve, reject } = deferred();
    const timer = setTimeout(() => {
      reject(new Error(`waited in vain for ${what}: ${this.frames.length} frames, ${JSON.stringify(this.broken)}`));
    }, TIMEOUT_MS);
    const watcher = () => {
      if (holds()) resolve();
    };
    this.#watchers.push(watcher);
    watcher();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#watchers = this.#watchers.filter((each) => each !== watcher);
    }
  }

  get isEnded(): boolean {
    return this.frames.at(-1)?.kind === FRAME_KINDS.end;
  }

  get head(): ResponseHead | undefined {
    return this.frames[0]?.kind === FRAME_KINDS.head ? (json(this.frames[0]) as ResponseHead) : undefined;
  }

  get body(): Buffer {
    return Buffer.concat(this.frames.filter(({ kind }) => kind === FRAME_KINDS.data).map(({ bytes }) => bytes));
  }

  get bodyBytes(): number {
    return this.frames.reduce((sum, { kind, bytes }) => sum + (kind === FRAME_KINDS.data ? bytes.length : 0), 0);
  }

  /** To the end. Throws the break, if that came first. */
  async answer(): Promise<{ readonly head: ResponseHead; readonly body: Buffer }> {
    await this.until(() => this.isEnded || this.broken !== undefined, "an answer");
    const { head } = this;
    if (this.broken !== undefined) throw new Error(`${this.broken.code}: ${this.broken.message}`);
    if (head === undefined) throw new Error("the answer has no head");
    return { head, body: this.body };
  }

  async fault(): Promise<{ readonly code: ErrorCode; readonly message: string }> {
    await this.until(() => this.isEnded || this.broken !== undefined, "a break");
    if (this.broken === undefined) throw new Error("it ended in order");
    return this.broken;
  }
}

export function json(frame: Frame | undefined): unknown {
  return JSON.parse(Buffer.from(frame?.bytes ?? []).toString("utf8"));
}

export function deferred<T = void>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((settle, fail) => {
    resolve = settle;
    reject = fail;
  });
  return { promise, resolve, reject };
}
