/** A node's way to the others that the same process has started: descriptors go by that process (`courier.ts`). */

import type { SendHandle } from "node:child_process";

import { type Descriptor, isDescriptor } from "../resources/descriptor.ts";
import type { Parcel, Siblings } from "../switch/handoff.ts";
import type { FromMember, ToMember } from "./member-process.ts";

export class ParentChannel implements Siblings {
  readonly #names: string[];
  onPassed: Siblings["onPassed"] = (_from, _parcel, descriptor) => descriptor?.close();
  onKept: Siblings["onKept"] = () => {};
  onSettled: Siblings["onSettled"] = () => {};
  onReturned: Siblings["onReturned"] = () => {};
  onDead: Siblings["onDead"] = () => {};

  constructor(names: readonly string[]) {
    this.#names = [...names];
  }

  get names(): readonly string[] {
    return this.#names;
  }

  pass(to: string, parcel: Parcel, descriptor: Descriptor): void {
    const message: FromMember = { op: "pass", to, parcel };
    const sent = (error: Error | null) => {
      if (error !== null) this.onReturned(parcel.id);
    };
    // Without its parent this process ends.
    process.send?.(message, descriptor as unknown as SendHandle, {}, sent);
  }

  keep(to: string, id: string, told: () => void): void {
    this.#say({ op: "keep", to, id }, told);
  }

  settle(to: string): void {
    this.#say({ op: "settle", to });
  }

  /**
   * Descriptors and messages arrive in the order in which they were sent. What is sent behind a descriptor waits in this process
   * until that has arrived, and ends with it. @param told when it does so no more.
   */
  #say(message: FromMember, told: () => void = () => {}): void {
    process.send?.(message, undefined, {}, () => told());
  }

  heard(
    message: Extract<ToMember, { op: "passed" | "kept" | "settled" | "returned" | "dead" | "sibling" }>,
    handle: unknown,
  ): void {
    if (message.op === "returned") this.onReturned(message.id);
    else if (message.op === "kept") this.onKept(message.from, message.id);
    else if (message.op === "settled") this.onSettled(message.from);
    else if (message.op === "dead") this.onDead(message.name);
    else if (message.op === "sibling") this.#met(message.name);
    else this.onPassed(message.from, message.parcel, isDescriptor(handle) ? handle : undefined);
  }

  /** One that is started again is known already. */
  #met(name: string): void {
    if (!this.#names.includes(name)) this.#names.push(name);
  }
}
