/** The steps of a move, as they happen in real nodes: something can be done at the moment that one begins. */

import type { Question, ToLwp } from "../../src/kernel/protocol.ts";
import { LwpThread, type Told } from "../../src/node/lwp-thread.ts";
import type { TestCluster } from "./bench-cluster.ts";

export const STEPS = ["offer", "round", "freeze", "hand", "prepare", "claim", "run", "taken", "forward"] as const;
export type Step = (typeof STEPS)[number];

/** Watches the moves of one process. */
export class MoveSteps {
  readonly seen = new Set<Step>();
  #pid = 0;
  #from = "";
  #to = "";
  #step: Step | undefined;
  #action: () => void = () => {};
  #isFrozen = false;

  constructor(t: TestCluster) {
    const prototype = LwpThread.prototype as unknown as {
      ask: (pid: number, question: Question) => Promise<unknown>;
      tell: (message: ToLwp) => void;
      prepare: (released: { record: { pid: number } }) => Promise<void>;
    };
    const reached = (step: Step, pid: number, node: string) => {
      if (pid === this.#pid && node === (AT_SOURCE.has(step) ? this.#from : this.#to)) this.#reached(step);
    };
    const { ask, tell, prepare } = prototype;
    prototype.ask = function (this: LwpThread, pid, question) {
      if (question.kind === "freeze") reached("freeze", pid, this.nodeName);
      return ask.call(this, pid, question);
    };
    prototype.prepare = function (this: LwpThread, released) {
      reached("prepare", released.record.pid, this.nodeName);
      return prepare.call(this, released);
    };
    prototype.tell = function (this: LwpThread, message) {
      if (message.op === "start") reached("run", message.pid, this.nodeName);
      if (message.op === "depart") reached("forward", message.pid, this.nodeName);
      tell.call(this, message);
    };
    t.sent = (from, to, kind) => {
      if (kind === "move/offer" && from === this.#from && to === this.#to) this.#reached("offer");
      if (kind === "move/taken" && from === this.#to) this.#reached("taken");
    };
    t.piece = (from) => {
      if (from === this.#from) this.#reached(this.#isFrozen ? "hand" : "round");
    };
    const { meddle } = t.directory;
    t.directory.meddle = (pid, to) => {
      // Not what makes sure of the entry before a move, which changes nothing.
      if (pid === this.#pid && to.node === this.#to && to.epoch > 0) this.#reached("claim");
      return meddle(pid, to);
    };
  }

  /** From now on the next move of `pid` is watched; `action` is done as `step` begins. */
  at(step: Step, pid: number, from: string, to: string, action: () => void): void {
    this.seen.clear();
    this.#isFrozen = false;
    [this.#pid, this.#from, this.#to, this.#step, this.#action] = [pid, from, to, step, action];
  }

  #reached(step: Step): void {
    if (step === "freeze") this.#isFrozen = true;
    this.seen.add(step);
    if (step !== this.#step) return;
    this.#step = undefined;
    this.#action();
  }
}

const AT_SOURCE: ReadonlySet<Step> = new Set(["freeze", "forward"]);

/** What processes did, on whatever node, as their LWPs told it: also of those that nobody hears any more. */
export class Effects {
  readonly #lines = new Map<number, string>();

  watch(t: TestCluster, name: string): void {
    const cluster = t.get(name);
    const { node } = cluster;
    const { relay } = node;
    node.relay = (lwp, message: Told) => {
      if (message.op === "output" && message.stream === "stdout" && t.nodes.get(name) === cluster)
        this.#lines.set(message.pid, (this.#lines.get(message.pid) ?? "") + Buffer.from(message.bytes).toString());
      return relay(lwp, message);
    };
  }

  /** Lines of its output. */
  of(pid: number): string[] {
    return (this.#lines.get(pid) ?? "").split("\n").slice(0, -1);
  }
}
