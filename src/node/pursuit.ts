/**
 * Processes that are waited for, or whose output is read, from anywhere in the cluster: followed when their home changes, by a
 * drain or since it died, again and again. Who reads on at the new home is told all that came since what it was told last, and nothing twice.
 */

import { setTimeout as delay } from "node:timers/promises";

import type { ClusterControl, Replay, Stream } from "../abi/control.ts";
import type { ExitStatus } from "../abi/records.ts";
import type { ProcessEntry } from "../cluster/process-directory.ts";
import { type ErrorCode, failure, GodwitError } from "../errors.ts";
import { HOME_LOOK_MS, HOME_NEWS_MAX_MS, INPUT_CHUNK_MAX_BYTES } from "../limits.ts";
import type { ClusterView } from "./cluster-view.ts";

type Output = (stream: Stream, bytes: Uint8Array) => void | Promise<void>;

interface Reader {
  readonly on: Output;
  /** From where it is told at the next home: once it has been told something, from there. */
  replay: Replay;
  stop: () => void;
}

/** One that is followed, until it ends or is gone for good. */
interface Followed {
  readonly readers: Set<Reader>;
  /** Where it is at home, as far as is known. */
  home: ClusterControl | undefined;
  ended: Promise<ExitStatus>;
}

/** Said by a home that has a process no more, or by the way to one that is no more. */
const ELSEWHERE: ReadonlySet<ErrorCode> = new Set(["EREMOTE", "ESRCH", "ENONODE"]);
const LOST_SIGHT: ReadonlySet<ErrorCode> = new Set([...ELSEWHERE, "ENODE", "ECONNRESET", "EPIPE", "ETIMEDOUT"]);

export class Pursuit {
  readonly #view: ClusterView;
  readonly #at: (node: string) => ClusterControl;
  readonly #all = new Map<number, Followed>();
  /** The last input of each that is under way. */
  readonly #inputs = new Map<number, Promise<void>>();

  /** @param at the control of a node; throws ENONODE. */
  constructor(view: ClusterView, at: (node: string) => ClusterControl) {
    this.#view = view;
    this.#at = at;
  }

  /** @throws GodwitError ESRCH when it is gone for good, and how it ended is not known. */
  wait(pid: number): Promise<ExitStatus> {
    return this.#follow(pid).ended;
  }

  output(pid: number, replay: Replay, on: Output): () => void {
    const followed = this.#follow(pid);
    const reader: Reader = { on, replay, stop: () => {} };
    followed.readers.add(reader);
    if (followed.home !== undefined) read(pid, reader, followed.home);
    return () => {
      followed.readers.delete(reader);
      reader.stop();
    };
  }

  /** Asks a process's home, which may just be changing: what did not get there is asked of the next one. */
  async there<T>(pid: number, ask: (home: ClusterControl) => Promise<T>): Promise<T> {
    const untilMs = performance.now() + HOME_NEWS_MAX_MS;
    for (;;) {
      const home = await this.#homeOf(pid);
      try {
        return await ask(this.#at(home));
      } catch (error) {
        if (!isOf(ELSEWHERE, error) || performance.now() > untilMs) throw error;
        const entry = await this.#look(pid);
        const isThere = entry?.home === home && this.#view.membership.find(home) !== undefined;
        if (entry === undefined || isThere) throw error;
        await pause();
      }
    }
  }

  /**
   * Input in the order of the calls, in pieces that one home takes whole or not at all: what is left when the home has moved is the
   * next one's.
   */
  input(pid: number, bytes: Uint8Array | null): Promise<void> {
    const before = this.#inputs.get(pid) ?? Promise.resolve();
    const own = before.catch(() => {}).then(() => this.#sendInput(pid, bytes));
    this.#inputs.set(pid, own);
    const forget = () => (this.#inputs.get(pid) === own ? this.#inputs.delete(pid) : undefined);
    own.then(forget, forget);
    return own;
  }

  async #sendInput(pid: number, bytes: Uint8Array | null): Promise<void> {
    if (bytes === null) return this.there(pid, (home) => home.input(pid, null));
    for (let start = 0; start < bytes.length; start += INPUT_CHUNK_MAX_BYTES)
      await this.there(pid, (home) => home.input(pid, bytes.subarray(start, start + INPUT_CHUNK_MAX_BYTES)));
  }

  #follow(pid: number): Followed {
    const known = this.#all.get(pid);
    if (known !== undefined) return known;
    const followed: Followed = { readers: new Set(), home: undefined, ended: new Promise(() => {}) };
    this.#all.set(pid, followed);
    followed.ended = this.#chase(pid, followed).finally(() => this.#all.delete(pid));
    followed.ended.catch(() => {}); // heard by those who wait
    return followed;
  }

  async #chase(pid: number, followed: Followed): Promise<ExitStatus> {
    let home = this.#view.homeOf(pid) ?? (await this.#homeOf(pid));
    let lostMs = -Infinity;
    for (;;) {
      const fromMs = performance.now();
      try {
        const control = this.#at(home);
        followed.home = control;
        for (const reader of followed.readers) read(pid, reader, control);
        return await control.wait(pid);
      } catch (error) {
        if (!isOf(LOST_SIGHT, error)) throw error;
        followed.home = undefined;
        const nowMs = performance.now();
        if (nowMs - fromMs > HOME_NEWS_MAX_MS || lostMs < 0) lostMs = nowMs;
        const next = await this.#nextHome(pid, home, error, lostMs + HOME_NEWS_MAX_MS);
        if (next !== home) lostMs = performance.now();
        home = next;
      }
    }
  }

  /** Where a process is at home that was lost sight of; perhaps where it was. @throws GodwitError ESRCH, or `error`. */
  async #nextHome(pid: number, home: string, error: GodwitError, untilMs: number): Promise<string> {
    for (let looks = 1; ; looks++) {
      const entry = await this.#look(pid).catch(() => null);
      const next = entry?.home ?? this.#view.homeOf(pid) ?? home;
      const isUp = this.#view.membership.find(next) !== undefined;
      if (isUp && next !== home) return next;
      // What has no entry never moved, or is over: once more, since news of it may be on their way.
      if (entry === undefined && looks > 1 && (!isUp || error.code === "ESRCH")) throw isUp ? error : gone(pid, next);
      if (performance.now() > untilMs) throw isUp ? error : gone(pid, next);
      await pause();
      if (isUp && looks > 1) return next;
    }
  }

  #look(pid: number): Promise<ProcessEntry | undefined> {
    return this.#view.directory.find(pid);
  }

  /** @throws GodwitError ESRCH. */
  async #homeOf(pid: number): Promise<string> {
    if (this.#view.homeOf(pid) === undefined) await this.#view.blocks.look(pid);
    const home = this.#view.homeOf(pid);
    if (home !== undefined) return home;
    throw failure("ESRCH", `there is no process ${pid} in this cluster: see \`godwit ps --all\``);
  }
}

function read(pid: number, reader: Reader, home: ClusterControl): void {
  reader.stop();
  reader.stop = home.output(pid, reader.replay, reader.on, (after) => (reader.replay = { after }));
}

function isOf(codes: ReadonlySet<ErrorCode>, error: unknown): error is GodwitError {
  return error instanceof GodwitError && codes.has(error.code);
}

function gone(pid: number, home: string): GodwitError {
  return failure("ESRCH", `process ${pid} had its home on node ${home}, which is gone, and it with that node`);
}

/** It keeps nobody from ending. */
function pause(): Promise<void> {
  return delay(HOME_LOOK_MS, undefined, { ref: false });
}
