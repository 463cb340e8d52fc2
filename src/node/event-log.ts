/** What happened in the cluster not long ago, as one node heard it, and those who want to hear of it. */

import { decode, encode } from "cborg";

import type { ClusterEvent } from "../abi/control.ts";
import type { Engine, Subscription } from "../cluster/engine.ts";
import { EVENT_MAX_BYTES, EVENTS_KEPT_MAX } from "../limits.ts";

const PREFIX = "events/";

/** An event as it is told to a log: the log knows where and when. */
export type Happening = ClusterEvent extends infer E
  ? E extends ClusterEvent
    ? Omit<E, "atMs" | "node">
    : never
  : never;

export class EventLog {
  /** The node that tells, or listens. */
  readonly #name: string;
  readonly #engine: Engine | undefined;
  /** The last EVENTS_KEPT_MAX. */
  readonly #kept: ClusterEvent[] = [];
  readonly #listeners = new Set<(event: ClusterEvent) => void>();
  #others: Subscription | undefined;

  /** @param engine of the cluster whose other nodes are heard, and told. */
  constructor(name: string, engine?: Engine) {
    this.#name = name;
    this.#engine = engine;
  }

  /** Begins to hear the other nodes. */
  async listen(): Promise<void> {
    this.#others = await this.#engine?.messages.subscribe(PREFIX, (body, subject) => {
      if (subject !== PREFIX + this.#name) this.#heard(body);
    });
  }

  /** It happened here: the other nodes are told. */
  tell(happening: Happening): void {
    const event = { ...happening, atMs: Date.now(), node: this.#name } as ClusterEvent;
    this.#add(event);
    if (this.#engine === undefined) return;
    const body = encode(event);
    if (body.length <= EVENT_MAX_BYTES) this.#engine.messages.publish(PREFIX + this.#name, body);
  }

  /** It was noticed here, as everywhere: nobody needs to be told. */
  note(event: ClusterEvent): void {
    this.#add(event);
  }

  /** See `ClusterControl.events`. */
  subscribe(replay: boolean, on: (event: ClusterEvent) => void): () => void {
    if (replay) for (const event of this.#kept) on(event);
    const listener = (event: ClusterEvent) => on(event);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    this.#others?.stop();
  }

  /** Nodes of a cluster have proved who they are, and are of one version: what they tell is taken at its word. */
  #heard(body: Uint8Array): void {
    if (body.length > EVENT_MAX_BYTES) return;
    try {
      this.#add(decode(body) as ClusterEvent);
    } catch {
      // A message of another version, which nobody waits for.
    }
  }

  #add(event: ClusterEvent): void {
    this.#kept.push(event);
    if (this.#kept.length > EVENTS_KEPT_MAX) this.#kept.shift();
    for (const listener of this.#listeners) listener(event);
  }
}
