/** One connection of a session, while it lasts: frames out and in, and beats, by which each side knows that it holds. */

import type { Duplex } from "node:stream";
import { LINK_BEAT_MS, LINK_SILENT_BEATS } from "../limits.ts";
import { type Frame, FrameReader } from "./link-frame.ts";

export interface ConnectionHandlers {
  /** @throws what makes the connection unfit to go on. */
  frame(frame: Frame): void;
  /** Time for a beat, if nothing else was sent. */
  beat(): void;
  /** Comes once; not after `close`. */
  closed(reason: Error | undefined): void;
}

export class Connection {
  readonly #stream: Duplex;
  readonly #handlers: ConnectionHandlers;
  readonly #reader = new FrameReader();
  readonly #beats: NodeJS.Timeout;
  /** Beats in a row at which nothing had been heard. A node that was busy meanwhile has missed its own beats too. */
  #silentBeats = 0;
  #isQuiet = true;
  #isCorked = false;
  #reason: Error | undefined;
  #closed = false;

  constructor(stream: Duplex, handlers: ConnectionHandlers) {
    this.#stream = stream;
    this.#handlers = handlers;
    this.#beats = setInterval(() => this.#beat(), LINK_BEAT_MS);
    stream.on("data", (bytes: Buffer) => this.#receive(bytes));
    stream.on("error", (error) => (this.#reason ??= error));
    stream.on("end", () => stream.destroy());
    stream.on("close", () => this.#end());
    if (stream.destroyed) process.nextTick(() => this.#end());
  }

  /** What is sent in one turn goes out together at its end. */
  send(frame: Buffer): void {
    if (this.#closed || this.#stream.destroyed) return;
    this.#isQuiet = false;
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#stream.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        this.#stream.uncork();
      });
    }
    this.#stream.write(frame);
  }

  /** Hangs up, after what was sent if it is asked to. */
  close(how: "now" | "after what was sent" = "now"): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#beats);
    const end = () => this.#stream.destroy();
    if (how === "now") return void end();
    this.#stream.end(end);
    setTimeout(end, LINK_BEAT_MS).unref();
  }

  #receive(bytes: Buffer): void {
    this.#silentBeats = 0;
    try {
      for (const frame of this.#reader.read(bytes)) {
        if (this.#closed) return;
        this.#handlers.frame(frame);
      }
    } catch (error) {
      this.#reason = error instanceof Error ? error : new Error(String(error));
      this.#stream.destroy();
      this.#end();
    }
  }

  #beat(): void {
    if (this.#isQuiet) this.#handlers.beat();
    this.#isQuiet = true;
    if (++this.#silentBeats <= LINK_SILENT_BEATS) return;
    this.#reason = new Error(`nothing was heard for ${LINK_SILENT_BEATS * LINK_BEAT_MS} ms`);
    this.#stream.destroy();
  }

  #end(): void {
    clearInterval(this.#beats);
    if (this.#closed) return;
    this.#closed = true;
    this.#handlers.closed(this.#reason);
  }
}
