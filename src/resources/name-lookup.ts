/** Looking up the addresses of names: a few at a time, and owners take turns, so that none keeps the others waiting. */

import { lookup } from "node:dns/promises";

import { failure } from "../errors.ts";
import { LOOKUPS_AT_ONCE_MAX, LOOKUPS_WAITING_MAX } from "../limits.ts";

/** The addresses of a name, in order of preference. */
export type Resolve = (name: string) => Promise<readonly string[]>;

/** The system's way: its hosts file, its search list, DNS. */
const systemResolve: Resolve = async (name) => (await lookup(name, { all: true })).map(({ address }) => address);

interface Wait {
  readonly name: string;
  settle(addresses: Promise<readonly string[]>): void;
}

export class NameLookup {
  readonly #resolve: Resolve;
  #running = 0;
  /** Nobody's list is empty. The first in order is next, and goes to the end with the rest of its list. */
  readonly #waiting = new Map<object, Wait[]>();

  constructor(resolve: Resolve) {
    this.#resolve = resolve;
  }

  /** The addresses of `name`, for `owner`. Throws EAGAIN when it waits for too many, and what the resolver throws. */
  find(name: string, owner: object): Promise<readonly string[]> {
    const queue = this.#waiting.get(owner) ?? [];
    if (queue.length >= LOOKUPS_WAITING_MAX)
      return Promise.reject(
        failure("EAGAIN", `${name} cannot be looked up: ${queue.length} names wait for it; try again`),
      );
    return new Promise((settle) => {
      queue.push({ name, settle });
      this.#waiting.set(owner, queue);
      this.#next();
    });
  }

  #next(): void {
    if (this.#running === LOOKUPS_AT_ONCE_MAX) return;
    const [turn] = this.#waiting;
    if (turn === undefined) return;
    const [owner, queue] = turn;
    const wait = queue.shift();
    this.#waiting.delete(owner);
    if (queue.length > 0) this.#waiting.set(owner, queue);
    if (wait === undefined) return;
    this.#running++;
    const found = this.#resolve(wait.name);
    wait.settle(found);
    const done = () => {
      this.#running--;
      this.#next();
    };
    found.then(done, done);
  }
}

/** All processes of a node share it. */
export const systemLookup = new NameLookup(systemResolve);
