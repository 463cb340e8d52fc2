/** Carries descriptors of connections between the nodes that this process has started. Nothing of a connection is read here. */

import type { ChildProcess, SendHandle } from "node:child_process";

import { HANDOFF_QUEUE_MAX } from "../limits.ts";
import { type Descriptor, isDescriptor } from "../resources/descriptor.ts";
import type { FromMember, ToMember } from "./member-process.ts";

/** A descriptor that is on its way. */
interface Carried {
  readonly id: string;
  readonly giver: ChildProcess;
  readonly descriptor: Descriptor;
}

export class Courier {
  readonly #children: ReadonlyMap<string, ChildProcess>;
  /** What goes to each node and is not sent yet; at most HANDOFF_QUEUE_MAX. */
  readonly #waiting = new Map<ChildProcess, Set<Carried>>();

  /** @param children the nodes that live, by name. */
  constructor(children: ReadonlyMap<string, ChildProcess>) {
    this.#children = children;
  }

  /** Takes what a node gives away, from now on. */
  serve(name: string, child: ChildProcess): void {
    this.#waiting.set(child, new Set());
    child.on("message", (message: FromMember, handle: unknown) => {
      if (message.op === "pass") this.#carry(name, child, message, handle);
      else if (message.op === "keep") this.#tell(message.to, { op: "kept", from: name, id: message.id });
      else if (message.op === "settle") this.#tell(message.to, { op: "settled", from: name });
    });
    child.once("exit", () => {
      const waiting = this.#waiting.get(child) ?? [];
      this.#waiting.delete(child);
      for (const carried of waiting) this.#bringBack(carried);
    });
    // Not before all that it has said is heard: what it kept is not to be taken for a dead one's.
    child.once("close", () => {
      for (const other of this.#waiting.keys()) tell(other, { op: "dead", name });
    });
  }

  /** Says something of connections behind the descriptors that were passed before. */
  #tell(to: string, message: ToMember): void {
    const taker = this.#children.get(to);
    if (taker !== undefined) tell(taker, message);
  }

  #carry(
    from: string,
    giver: ChildProcess,
    { to, parcel }: Extract<FromMember, { op: "pass" }>,
    handle: unknown,
  ): void {
    const { id } = parcel;
    // The system did not let it through, as when too many files are open.
    if (!isDescriptor(handle)) return returned(giver, id);
    const carried = { id, giver, descriptor: handle };
    const taker = this.#children.get(to);
    const waiting = taker === undefined ? undefined : this.#waiting.get(taker);
    if (taker?.connected !== true || waiting === undefined || waiting.size >= HANDOFF_QUEUE_MAX)
      return this.#bringBack(carried);
    waiting.add(carried);
    const message: ToMember = { op: "passed", from, parcel };
    taker.send(message, handle as unknown as SendHandle, {}, (error) => {
      if (!waiting.delete(carried)) return;
      if (error === null) handle.close();
      else this.#bringBack(carried);
    });
  }

  #bringBack({ id, giver, descriptor }: Carried): void {
    descriptor.close();
    returned(giver, id);
  }
}

function returned(giver: ChildProcess, id: string): void {
  tell(giver, { op: "returned", id });
}

function tell(child: ChildProcess, message: ToMember): void {
  if (child.connected) child.send(message, () => {});
}
