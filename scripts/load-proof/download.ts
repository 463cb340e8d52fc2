/** A long download whose process is moved, and whose home is drained, in its midst. */

import { createHash } from "node:crypto";
import { get } from "node:http";
import { digestOf, PIECE_BYTES } from "./site.ts";

const PATIENCE_MS = 60_000;

export class Download {
  readonly pieces: number;
  /** How much has come. */
  bytes = 0;
  readonly #digest: Promise<string>;
  readonly #beganMs = performance.now();
  #endedMs = 0;

  constructor(url: string, sizeBytes: number) {
    this.pieces = Math.ceil(sizeBytes / PIECE_BYTES);
    this.#digest = this.#take(`${url}/download?pieces=${this.pieces}`);
    this.#digest.catch(() => {}); // heard by who asks
  }

  /** Resolves once so great a part of it has come. */
  async reached(share: number): Promise<void> {
    const until = async () => {
      while (this.bytes < share * this.pieces * PIECE_BYTES) await new Promise((resolve) => setTimeout(resolve, 10));
    };
    await Promise.race([until(), this.#digest]);
  }

  /** What was wrong with it, once it is over; nothing may be. */
  async faults(): Promise<string[]> {
    try {
      const digest = await this.#digest;
      const expected = digestOf(this.pieces);
      return digest === expected ? [] : [`${this.bytes} bytes came, with digest ${digest} in place of ${expected}`];
    } catch (error) {
      return [`after ${this.bytes} bytes: ${error instanceof Error ? error.message : String(error)}`];
    }
  }

  get bytesPerSecond(): number {
    return (this.bytes * 1000) / (this.#endedMs - this.#beganMs);
  }

  #take(url: string): Promise<string> {
    const hash = createHash("sha256");
    return new Promise((resolve, reject) => {
      const request = get(url, (response) => {
        if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
        response.on("data", (bytes: Buffer) => {
          hash.update(bytes);
          this.bytes += bytes.length;
        });
        response.on("error", reject).on("end", () => {
          this.#endedMs = performance.now();
          resolve(hash.digest("hex"));
        });
      });
      request.on("error", reject).setTimeout(PATIENCE_MS, () => request.destroy(new Error("nothing came any more")));
    });
  }
}
