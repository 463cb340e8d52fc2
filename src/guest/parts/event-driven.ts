/** Servers whose event loop accepts: event-driven, iterative, and with a process for each request. */

import { REFORK_DELAY_MS } from "../../limits.ts";
import { exit, forkAs, hasCode, part, reportError, syscallThen, timerFunctions } from "../core.ts";
import type { Organisation, Site } from "./site.ts";

const RETRY_MS = 50;

/** Whether what is open or in flight has to become less first. */
export function isFull(error: unknown): boolean {
  return hasCode(error, "EMFILE") || hasCode(error, "EAGAIN");
}

/** A loop of events: accepts while it has less than so many requests, and hands each to `work`. */
export class EventLoop implements Organisation {
  readonly #site: Site;
  readonly #atOnceMax: number;
  readonly #work: (handle: number, over: () => void) => void;
  #accepting = false;

  constructor(site: Site, atOnceMax: number, work = (handle: number, over: () => void) => site.answer(handle, over)) {
    this.#site = site;
    this.#atOnceMax = atOnceMax;
    this.#work = work;
  }

  begin(): void {
    const site = this.#site;
    if (this.#accepting || site.stopped || site.busy >= this.#atOnceMax) return;
    this.#accepting = true;
    syscallThen("channelAccept", [site.handle, -1], this.#accepted, this.#notAccepted);
  }

  readonly #accepted = (handle: number): void => {
    this.#accepting = false;
    this.#site.began();
    this.begin();
    this.#work(handle, this.#over);
  };

  readonly #over = (): void => {
    this.#site.over();
    this.begin();
  };

  readonly #notAccepted = (error: unknown): void => {
    this.#accepting = false;
    // The next exchange that ends makes room, or the program does.
    if (isFull(error)) timerFunctions.setTimeout(() => this.begin(), RETRY_MS);
    else this.#site.fail(error);
  };
}

/** Each request is worked on by a child that is forked for it, is given the connection, and ends with it. */
export function processPerRequest(site: Site, atOnceMax: number): Organisation {
  const work = (handle: number, over: () => void): void => {
    let pid: number;
    try {
      pid = forkAs({ threads: "caller", gives: [handle], listeners: "leave", pending: "leave" });
    } catch (error) {
      // A child that ends makes room for this one; when there is none, nothing will.
      if (site.busy > 1) return void timerFunctions.setTimeout(() => work(handle, over), RETRY_MS);
      reportError(error, "no process for a request: ");
      part("fetch").closeChannel(handle);
      return over();
    }
    if (pid !== 0) return syscallThen("wait", [pid, -1], over, over);
    site.serveAsChild(() => exit(0), false);
    site.answer(handle, () => exit(0));
  };
  return new EventLoop(site, atOnceMax, work);
}

/** Children that were forked before there were requests accept at the server's address, each in its event loop. */
export class PreForked implements Organisation {
  readonly #site: Site;
  readonly #processes: number;
  readonly #atOnceMax: number;

  constructor(site: Site, processes: number, atOnceMax: number) {
    this.#site = site;
    this.#processes = processes;
    this.#atOnceMax = atOnceMax;
  }

  begin(): void {
    // From the event loop: children have what the program sets up after it serves, and nothing half done.
    timerFunctions.setTimeout(this.#fill, 0);
    const broken = (why: string): void => {
      if (why !== "") this.#site.fail(new Error(why));
    };
    syscallThen("channelBroken", [this.#site.handle], broken, () => {});
  }

  readonly #fill = (): void => {
    while (!this.#site.stopped && this.#site.busy < this.#processes) if (!this.#fork()) return;
  };

  /** Whether there is one more, and this is its parent. */
  #fork(): boolean {
    let pid: number;
    try {
      pid = forkAs({ threads: "caller", listeners: "share", pending: "leave" });
    } catch (error) {
      reportError(error, "no process to serve: ");
      timerFunctions.setTimeout(this.#fill, REFORK_DELAY_MS);
      return false;
    }
    const site = this.#site;
    if (pid === 0) {
      site.serveAsChild(() => exit(0), true);
      new EventLoop(site, this.#atOnceMax).begin();
      return false;
    }
    site.began();
    const ended = (): void => {
      site.over();
      // One that cannot live does not keep its parent busy.
      if (!site.stopped) timerFunctions.setTimeout(this.#fill, REFORK_DELAY_MS);
    };
    syscallThen("wait", [pid, -1], ended, ended);
    return true;
  }
}
