/** Follows what lookups tell of a service: asks, and asks again for what is new, of one after the other when one does not answer. */

import { setTimeout as delay } from "node:timers/promises";
import { Agent, request } from "undici";
import * as v from "valibot";

import type { ServiceRecord } from "../abi/lookup.ts";
import { failure, GodwitError } from "../errors.ts";
import {
  LOOKUP_ANSWER_MAX_BYTES,
  LOOKUP_OPENING_S,
  LOOKUP_PAUSE_MS,
  LOOKUP_RETRY_MS,
  LOOKUP_TIMEOUT_MS,
  LOOKUP_WAIT_S,
} from "../limits.ts";

const RECORD = v.object({
  service: v.string(),
  fronts: v.array(v.object({ address: v.string(), node: v.string(), policy: v.string() })),
  members: v.array(
    v.object({
      pid: v.number(),
      home: v.string(),
      protocol: v.picklist(["http", "tcp", "udp"]),
      since: v.string(),
      careOf: v.array(v.string()),
    }),
  ),
});

interface Answer {
  /** Undefined for a service that cannot be reached. */
  readonly record: ServiceRecord | undefined;
  readonly tag: string | undefined;
}

export class LookupFeed {
  readonly #lookups: readonly string[];
  readonly #service: string;
  readonly #heard: (record: ServiceRecord | undefined) => void;
  readonly #agent = new Agent({
    headersTimeout: LOOKUP_TIMEOUT_MS + LOOKUP_WAIT_S * 1000,
    connect: { timeout: LOOKUP_TIMEOUT_MS },
  });
  readonly #stopped = new AbortController();
  #tag: string | undefined;
  /** Which of the lookups is asked. */
  #turn = 0;

  /** @param heard is told what is so, at first and after each change. */
  constructor(lookups: readonly string[], service: string, heard: (record: ServiceRecord | undefined) => void) {
    this.#lookups = lookups.map((one) => one.replace(/\/+$/, ""));
    this.#service = service;
    this.#heard = heard;
  }

  /** Resolves when the service is known; goes on in the background. @throws GodwitError ENOENT; EHOSTUNREACH when no lookup answers. */
  async open(): Promise<void> {
    let fault: unknown;
    for (const _ of this.#lookups) {
      try {
        const { record } = await this.#next(LOOKUP_OPENING_S);
        if (record === undefined)
          throw failure("ENOENT", `no service ${this.#service} can be reached: expose it, as godwit services tells`);
        return;
      } catch (error) {
        if (error instanceof GodwitError && error.code === "ENOENT") throw error;
        fault = error;
        this.#turn++;
      }
    }
    throw failure("EHOSTUNREACH", `no lookup answers at ${this.#lookups.join(" or ")}: is one open there?`, fault);
  }

  /** Until it is closed. What cannot be had is as it was. */
  async follow(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        await this.#next(LOOKUP_WAIT_S);
        // Whatever answers there, it is not asked without end.
        await delay(LOOKUP_PAUSE_MS, undefined, { signal, ref: false });
      } catch {
        this.#turn++;
        await delay(LOOKUP_RETRY_MS, undefined, { signal, ref: false }).catch(() => {});
      }
    }
  }

  async #next(waitS: number): Promise<Answer> {
    const answer = await this.#ask(waitS);
    if (answer !== undefined) {
      this.#tag = answer.tag;
      this.#heard(answer.record);
    }
    return answer ?? { record: undefined, tag: undefined };
  }

  /** Undefined when nothing is new. */
  async #ask(waitS: number): Promise<Answer | undefined> {
    const lookup = this.#lookups[this.#turn % this.#lookups.length] ?? "";
    const { statusCode, headers, body } = await request(`${lookup}/v1/services/${this.#service}?wait=${waitS}`, {
      dispatcher: this.#agent,
      signal: this.#stopped.signal,
      headers: this.#tag === undefined ? {} : { "if-none-match": this.#tag },
    });
    const pieces: Buffer[] = [];
    let sizeBytes = 0;
    for await (const piece of body as AsyncIterable<Buffer>) {
      sizeBytes += piece.length;
      if (sizeBytes > LOOKUP_ANSWER_MAX_BYTES) throw failure("EPROTO", `the answer of ${lookup} is too long`);
      pieces.push(piece);
    }
    if (statusCode === 304) return undefined;
    if (statusCode === 404) return { record: undefined, tag: undefined };
    const tag = headers["etag"];
    if (statusCode !== 200 || typeof tag !== "string") throw failure("EPROTO", `${lookup} is no lookup`);
    return { record: v.parse(RECORD, JSON.parse(Buffer.concat(pieces).toString())), tag };
  }

  close(): void {
    this.#stopped.abort();
    this.#agent.destroy().catch(() => {});
  }
}
