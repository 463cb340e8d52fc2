/** Servers with threads: a dispatcher accepts, and hands each request to a worker, in which plain calls may block. */

import { POOL_WAITING_MAX } from "../../limits.ts";
import { part, reportError, sleep, syscall, Thread } from "../core.ts";
import { isFull } from "./event-driven.ts";
import type { Semaphore } from "./semaphore.ts";
import type { Organisation, Site } from "./site.ts";

const RETRY_MS = 50;

function semaphore(permits: number): Semaphore {
  return new (part("synchronise").Semaphore)(permits);
}

/** The request is over when this returns. */
function answer(site: Site, handle: number): void {
  const over = semaphore(0);
  site.answer(handle, () => over.release());
  // What follows an `await` of the handler's runs in the event loop; so may the response's body.
  over.acquire();
}

/** Accepts while `slots` has permits, and hands over what it accepted; until the server is stopped. */
function dispatch(site: Site, slots: Semaphore, hand: (handle: number) => void): void {
  for (;;) {
    slots.acquire();
    let handle: number;
    try {
      handle = syscall("channelAccept", site.handle, -1);
    } catch (error) {
      slots.release();
      if (!isFull(error)) return site.fail(error);
      sleep(RETRY_MS);
      continue;
    }
    site.began();
    hand(handle);
  }
}

/** A thread for each request, which ends with it. */
export class ThreadPerRequest implements Organisation {
  readonly #site: Site;
  readonly #slots: Semaphore;

  constructor(site: Site, atOnceMax: number) {
    this.#site = site;
    this.#slots = semaphore(atOnceMax);
  }

  begin(): void {
    Thread.create(() => dispatch(this.#site, this.#slots, this.#hand), { name: "dispatcher" });
  }

  readonly #hand = (handle: number): void => {
    const site = this.#site;
    const work = (): void => {
      answer(site, handle);
      site.over();
      this.#slots.release();
    };
    for (;;) {
      try {
        return void Thread.create(work, { name: `request ${handle}` });
      } catch (error) {
        // A thread that ends makes room; when there is none, nothing will.
        if (site.busy > 1) sleep(RETRY_MS);
        else return this.#refuse(handle, error);
      }
    }
  };

  #refuse(handle: number, error: unknown): void {
    reportError(error, "no thread for a request: ");
    part("fetch").closeChannel(handle);
    this.#site.over();
    this.#slots.release();
  }
}

/** So many threads, which take requests from the dispatcher's queue in order. */
export class ThreadPool implements Organisation {
  readonly #site: Site;
  readonly #threads: number;
  /** Accepted and not taken: at most POOL_WAITING_MAX. */
  readonly #queue: number[] = [];
  readonly #room = semaphore(POOL_WAITING_MAX);
  /** What there is to take, and at the end a permit for each worker. */
  readonly #ready = semaphore(0);

  constructor(site: Site, threads: number) {
    this.#site = site;
    this.#threads = threads;
  }

  begin(): void {
    try {
      for (let index = 1; index <= this.#threads; index++) Thread.create(this.#work, { name: `worker ${index}` });
      Thread.create(this.#dispatch, { name: "dispatcher" });
    } catch (error) {
      this.#ready.release(this.#threads);
      throw error;
    }
  }

  readonly #dispatch = (): void => {
    dispatch(this.#site, this.#room, (handle) => {
      this.#queue.push(handle);
      this.#ready.release();
    });
    this.#ready.release(this.#threads);
  };

  readonly #work = (): void => {
    for (;;) {
      this.#ready.acquire();
      const handle = this.#queue.shift();
      if (handle === undefined) return;
      this.#room.release();
      answer(this.#site, handle);
      this.#site.over();
    }
  };
}
