/** Standard streams, and what files have in common with them. */

import { IO_MAX_BYTES } from "../../limits.ts";
import { blocking, dataBytes, joined, Mutex, promised, step, type Steps } from "../core.ts";
import { LineSplitter } from "./decoding.ts";

const READ_BYTES = 64 * 1024;

/** Reads until the end. */
export function* readAllSteps(handle: number): Steps<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (;;) {
    const part = yield* step("read", handle, IO_MAX_BYTES);
    if (part.length === 0) return joined(parts);
    parts.push(part);
  }
}

/** Writes all of `bytes`, in as many calls as it takes. */
export function* writeAllSteps(handle: number, bytes: Uint8Array): Steps<void> {
  for (let at = 0; at < bytes.length;) {
    at += yield* step("write", handle, bytes.subarray(at, at + IO_MAX_BYTES));
  }
}

/**
 * A source of bytes or lines. Take either bytes or lines from one stream: whole lines are read ahead.
 *
 * @example
 * for (const line of stdin.lines()) console.log(line.toUpperCase());
 */
export class InputStream {
  readonly #handle: number;
  /** One thread at a time takes lines; each gets whole ones. */
  readonly #mutex = new Mutex();
  #splitter: LineSplitter | undefined;

  /** @param handle what a system call reads from. */
  constructor(handle: number) {
    this.#handle = handle;
  }

  /** Waits for bytes and returns them, at most so many; an empty array at the end. */
  read(maxBytes: number = READ_BYTES): Uint8Array {
    return blocking(step("read", this.#handle, Math.min(maxBytes, IO_MAX_BYTES)));
  }

  /** Like {@link read}, for `await`. */
  readAsync(maxBytes: number = READ_BYTES): Promise<Uint8Array> {
    return promised(step("read", this.#handle, Math.min(maxBytes, IO_MAX_BYTES)));
  }

  /** Waits for a line of UTF-8 text and returns it without its line break; `undefined` at the end. */
  readLine(): string | undefined {
    return this.#mutex.withLock(() => blocking(this.#lineSteps()));
  }

  /** Like {@link readLine}, for `await`. */
  readLineAsync(): Promise<string | undefined> {
    return promised(this.#lineSteps());
  }

  /** The lines up to the end. */
  *lines(): Generator<string, void, undefined> {
    for (let line = this.readLine(); line !== undefined; line = this.readLine()) yield line;
  }

  /** The lines up to the end, for `for await`. */
  async *linesAsync(): AsyncGenerator<string, void, undefined> {
    for (let line = await this.readLineAsync(); line !== undefined; line = await this.readLineAsync()) yield line;
  }

  /** All bytes up to the end. */
  readAll(): Uint8Array {
    return blocking(readAllSteps(this.#handle));
  }

  /** All text up to the end. */
  readText(): string {
    return this.#mutex.withLock(() => blocking(this.#textSteps()));
  }

  /** Like {@link readText}, for `await`. */
  readTextAsync(): Promise<string> {
    return promised(this.#textSteps());
  }

  /** Chunks of bytes up to the end, for `for await`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (let chunk = await this.readAsync(); chunk.length > 0; chunk = await this.readAsync()) yield chunk;
  }

  *#lineSteps(): Steps<string | undefined> {
    const splitter = (this.#splitter ??= new LineSplitter());
    for (;;) {
      const line = splitter.take();
      if (line !== undefined) return line;
      const bytes = yield* step("read", this.#handle, READ_BYTES);
      if (bytes.length > 0) {
        splitter.add(bytes);
        continue;
      }
      splitter.finish();
      return splitter.take();
    }
  }

  *#textSteps(): Steps<string> {
    const splitter = (this.#splitter ??= new LineSplitter());
    splitter.add(yield* readAllSteps(this.#handle));
    return splitter.takeRest();
  }
}

/** Where bytes and text go. */
export class OutputStream {
  readonly #handle: number;

  /** @param handle what a system call writes to. */
  constructor(handle: number) {
    this.#handle = handle;
  }

  /** Writes bytes, or text as UTF-8; waits until the reader has room for them. */
  write(data: string | Uint8Array): void {
    blocking(writeAllSteps(this.#handle, dataBytes(data)));
  }

  /** Like {@link write}, for `await`. */
  writeAsync(data: string | Uint8Array): Promise<void> {
    return promised(writeAllSteps(this.#handle, dataBytes(data)));
  }
}

/** Standard input. */
export const stdin: InputStream = new InputStream(0);
/** Standard output. */
export const stdout: OutputStream = new OutputStream(1);
/** Standard error. */
export const stderr: OutputStream = new OutputStream(2);
