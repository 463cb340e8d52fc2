/**
 * A watch, from the server's side. It keeps only which keys its client is to be told of, and reads what they are when the
 * client takes it: a slow client is told the last state of everything, and costs no more than the names of what changed.
 */

import { CLUSTER_WATCH_PENDING_MAX } from "../../../limits.ts";
import type { ServerMessage } from "./protocol.ts";
import type { Store } from "./store.ts";

export class Watcher {
  readonly prefix: string;
  readonly #id: number;
  readonly #store: Store;
  /** Keys to tell of, in order, each with the revision of its deletion, which counts if it is not there. */
  readonly #pending = new Map<string, number>();
  /** The whole state is to be told: at the start, and when too much changed that the client did not take. */
  #toBegin = true;
  #toEnd = false;

  constructor(id: number, prefix: string, store: Store) {
    this.#id = id;
    this.prefix = prefix;
    this.#store = store;
  }

  changed(key: string, revision: number): void {
    if (this.#toBegin) return; // It will be told as part of the whole.
    this.#pending.delete(key); // Changes of one key are told in order with others'.
    this.#pending.set(key, revision);
    if (this.#pending.size <= CLUSTER_WATCH_PENDING_MAX) return;
    this.#pending.clear();
    this.#toBegin = true;
  }

  /** What there is to tell; to be taken only as fast as the client does. */
  *messages(): Generator<ServerMessage> {
    const id = this.#id;
    for (;;) {
      if (this.#toBegin) {
        this.#toBegin = false;
        this.#toEnd = true;
        for (const key of this.#store.keys(this.prefix)) this.#pending.set(key, 0);
        yield { type: "begin", id };
      }
      for (const [key, deletion] of this.#pending) {
        this.#pending.delete(key);
        const entry = this.#store.get(key);
        if (entry !== undefined) yield { type: "put", id, ...entry };
        else if (deletion > 0) yield { type: "gone", id, key, revision: deletion };
      }
      if (this.#toBegin) continue; // Too much changed while its client took what there was.
      const isEnd = this.#toEnd;
      this.#toEnd = false;
      if (isEnd) yield { type: "current", id };
      if (this.#pending.size === 0 && !this.#toBegin) return;
    }
  }
}
