/**
 * Processes that run here and have their home elsewhere. What their home tells them is passed on to the LWP that has them,
 * and what they tell is passed on to their home, in order.
 */

import type { Link } from "../cluster/link.ts";
import { present } from "../assert.ts";
import { failure } from "../errors.ts";
import type { Answer, Question, ToLwp } from "../kernel/protocol.ts";
import { RECORD_HELD_MAX } from "../limits.ts";
import type { LwpThread, Told } from "./lwp-thread.ts";
import type { Node } from "./node.ts";

export interface Hosted {
  readonly pid: number;
  readonly name: string;
  /** Another one once its home has moved. */
  home: Link;
  readonly lwp: LwpThread;
  readonly memoryQuotaBytes: number;
  /** What its home has told it before it starts here, as one that is restored; absent once it has. */
  early?: ToLwp[] | undefined;
  /** Its home is about to move: until it has, it does not. */
  isStill?: boolean;
  /** Resolves when it is frozen for that, whether that is wanted still or not. */
  freezing?: Promise<Extract<Answer, { kind: "freeze" }>> | undefined;
}

/** What a home may tell a process of its own; the rest is between a node and its workers. */
export const FROM_HOME: ReadonlySet<ToLwp["op"]> = new Set([
  "fork",
  "signal",
  "pause",
  "end",
  "input",
  "outputTaken",
  "complete",
  "incoming",
  "frame",
  "room",
  "broken",
  "ping",
  "keep",
]);
/** What a home may ask of one. */
const QUESTIONS: ReadonlySet<Question["kind"]> = new Set([
  "inspect",
  "summary",
  "program",
  "capture",
  "fork",
  "deliver",
]);

export class Hosting {
  readonly #node: Node;
  readonly #hosted = new Map<number, Hosted>();

  constructor(node: Node) {
    this.#node = node;
    node.relay = (lwp, message) => this.#relay(lwp, message);
  }

  find(pid: number): Hosted | undefined {
    return this.#hosted.get(pid);
  }

  all(): Hosted[] {
    return [...this.#hosted.values()];
  }

  /** @throws GodwitError EEXIST: what comes is what other nodes say. */
  add(hosted: Hosted): void {
    if (this.#hosted.has(hosted.pid))
      throw failure("EEXIST", `process ${hosted.pid} is on node ${this.#node.name} already`);
    this.#hosted.set(hosted.pid, hosted);
    hosted.lwp.processes++;
  }

  /** It stands still for nobody, if its parent does. */
  #addChild({ name, home, lwp, memoryQuotaBytes }: Hosted, pid: number): void {
    this.add({ pid, name, home, lwp, memoryQuotaBytes });
  }

  remove(pid: number): void {
    const hosted = this.#hosted.get(pid);
    if (hosted === undefined) return;
    this.#hosted.delete(pid);
    hosted.lwp.processes--;
  }

  // ---- From here to the home

  /** What an LWP tells of a process; false when its home is here. */
  #relay(lwp: LwpThread, message: Told): boolean {
    const hosted = this.#hosted.get(message.op === "ended" ? message.status.pid : pidOf(message));
    if (hosted === undefined || hosted.lwp !== lwp) return false;
    hosted.home.tell("told", message);
    if (message.op === "ended") this.remove(message.status.pid);
    if (message.op === "unborn") this.remove(message.child);
    return true;
  }

  // ---- From the home to here

  /** A home tells one of its processes something. */
  told(link: Link, message: ToLwp): void {
    if (message.op === "spawn") return this.#spawn(link, message);
    const hosted = "pid" in message ? this.#hosted.get(message.pid) : undefined;
    // It may just have ended, or moved on: its home hears of that on the way.
    if (hosted === undefined || hosted.home.peer !== link.peer || !FROM_HOME.has(message.op)) return;
    // A child is hosted where its parent is, from before it says its first word.
    if (message.op === "fork") this.#addChild(hosted, message.child);
    if (hosted.early === undefined) return hosted.lwp.tell(message);
    if (hosted.early.length >= RECORD_HELD_MAX)
      throw failure("EPROTO", `node ${link.peer} tells process ${hosted.pid} more than can be on its way`);
    hosted.early.push(message);
  }

  /** It has started: what it was told before reaches it. */
  started(pid: number): void {
    const hosted = this.#hosted.get(pid);
    for (const message of hosted?.early ?? []) hosted?.lwp.tell(message);
    if (hosted !== undefined) hosted.early = undefined;
  }

  #spawn(home: Link, message: Extract<ToLwp, { op: "spawn" }>): void {
    const { pid, program, quotas } = message.birth;
    const lwp = this.#node.lwps.leastLoaded();
    this.add({ pid, name: program.name, home, lwp, memoryQuotaBytes: quotas.memoryBytes });
    lwp.tell({ ...message, birth: { ...message.birth, hosted: true } });
  }

  async asked(link: Link, pid: number, question: Question): Promise<Answer> {
    const hosted = this.#hosted.get(pid);
    if (hosted === undefined || hosted.home.peer !== link.peer)
      throw failure("ESRCH", `process ${pid} is not on node ${this.#node.name}`);
    if (!QUESTIONS.has(question.kind)) throw failure("EPERM", `a home does not ask for ${question.kind}`);
    if (question.kind !== "fork") return hosted.lwp.ask(pid, question);
    this.#addChild(hosted, question.child);
    try {
      return await hosted.lwp.ask(pid, question);
    } catch (error) {
      this.remove(question.child);
      throw error;
    }
  }

  async restore(home: Link, message: Omit<Extract<ToLwp, { op: "restore" }>, "request">): Promise<{ name: string }> {
    const { pid, quotas } = message.rebirth;
    const lwp = this.#node.lwps.leastLoaded();
    this.add({ pid, name: "", home, lwp, memoryQuotaBytes: quotas.memoryBytes });
    try {
      return await lwp.restore({ ...message, rebirth: { ...message.rebirth, hosted: true } });
    } catch (error) {
      this.remove(pid);
      throw error;
    }
  }

  /** Its home is about to move: from when this resolves nothing is told of it, until `rehomed`. */
  async still(link: Link, pid: number): Promise<void> {
    const hosted = this.ofHomeOf(link, pid);
    hosted.isStill = true;
    hosted.freezing ??= hosted.lwp.ask(pid, { kind: "freeze" }).finally(() => (hosted.freezing = undefined));
    try {
      const { record } = await hosted.freezing;
      // Its home did not wait for that, as long as it took, and has it go on.
      if (!hosted.isStill) hosted.lwp.tell({ op: "thaw", pid, epoch: record.epoch });
    } catch (error) {
      hosted.isStill = false;
      throw error;
    }
  }

  /** Its home is another one now, or the one that it had all the same: it goes on. False when it does already. */
  rehomed(pid: number, home: Link, epoch: number): boolean {
    const hosted = this.#hosted.get(pid);
    if (hosted?.isStill !== true) return false;
    hosted.home = home;
    hosted.isStill = false;
    if (hosted.freezing === undefined) hosted.lwp.tell({ op: "thaw", pid, epoch });
    return true;
  }

  /** Its home is here from now on: it is hosted no more. Undefined when it has ended. */
  takeHome(pid: number): LwpThread | undefined {
    const hosted = this.#hosted.get(pid);
    this.remove(pid);
    return hosted?.lwp;
  }

  /** @throws GodwitError ESRCH when it is not here, or not that home's. */
  ofHomeOf(link: Link, pid: number): Hosted {
    const hosted = this.#hosted.get(pid);
    if (hosted?.home.peer === link.peer) return hosted;
    throw failure("ESRCH", `process ${pid} of node ${link.peer} is not on node ${this.#node.name}`);
  }

  /** Processes of a home that is gone. */
  ofHome(peer: string): Hosted[] {
    return this.all().filter(({ home }) => home.peer === peer);
  }

  /** The one with this pid, which is known to be here. */
  get(pid: number): Hosted {
    return present(this.#hosted.get(pid), "a hosted process");
  }
}

/** Whom a message is about: of a child that is there, or will not come, the child. */
function pidOf(message: Exclude<Told, { op: "ended" }>): number {
  return message.op === "unborn" ? message.child : message.pid;
}
