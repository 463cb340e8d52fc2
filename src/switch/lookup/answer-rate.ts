/**
 * How many questions are answered. A client's network has so many a second. Of those in datagrams, where who asks may not be whom
 * answers go to, every second one beyond is told to come by TCP, and the others are not answered; those over TCP wait for the
 * next second. Pure.
 */

import ipaddr from "ipaddr.js";

import { LOOKUP_ANSWERS_PER_S, LOOKUP_NETWORKS_MAX } from "../../limits.ts";

export class AnswerRate {
  readonly #perSecond: number;
  readonly #asked = new Map<string, number>();
  #second = 0;

  constructor(perSecond = LOOKUP_ANSWERS_PER_S) {
    this.#perSecond = perSecond;
  }

  /** What becomes of a question. */
  next(remote: string, nowMs: number): "answer" | "truncate" | "drop" {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) this.#asked.clear();
    this.#second = second;
    const own = networkOf(remote);
    // Networks for which there is no more room have one share together.
    const network = this.#asked.has(own) || this.#asked.size < LOOKUP_NETWORKS_MAX ? own : "";
    const count = (this.#asked.get(network) ?? 0) + 1;
    this.#asked.set(network, count);
    if (count <= this.#perSecond) return "answer";
    return (count - this.#perSecond) % 2 === 1 ? "truncate" : "drop";
  }
}

/** Until a network may ask again that has asked too much. */
export function restMs(nowMs: number): number {
  return 1000 - (nowMs % 1000);
}

/** /24, or /56: what one client is likely to have. */
export function networkOf(remote: string): string {
  if (!ipaddr.isValid(remote)) return "";
  const bytes = ipaddr.process(remote).toByteArray();
  return bytes.slice(0, bytes.length === 4 ? 3 : 7).join(".");
}
