/**
 * What the asynchronous calls of a process hold, in flight or completed and not yet taken by its program: counted as they
 * come and go, so that asking whether there is room for one more costs the same however many there are.
 */

import { assert } from "../assert.ts";
import type { SyscallName } from "../abi/syscalls.ts";
import { CALLS_IN_FLIGHT_MAX, CALLS_IN_FLIGHT_MAX_BYTES, RESULTS_WAITING_MAX_BYTES } from "../limits.ts";
import type { Call } from "./call.ts";
import type { ProcessEvent } from "./process-record.ts";

/** How long the texts of JSON arguments were. Those of calls that come from an image are bounded by the image. */
const jsonChars = new WeakMap<object, number>();

/** Notes what an argument that came as JSON takes. */
export function noteJson(value: object, textChars: number): void {
  jsonChars.set(value, textChars);
}

/** Calls that make room, or whose results wait for it elsewhere: however much there is, they are no more. */
const WITHOUT_BYTES: ReadonlySet<SyscallName> = new Set(["channelReceive", "close"]);

export class Backlog {
  #count = 0;
  #sizeBytes = 0;
  /** Of those, results that wait for the event loop. */
  #waitingBytes = 0;

  /** Why one more asynchronous call would be too much, if it would be. */
  refusal(name: SyscallName, args: readonly unknown[]): string | undefined {
    if (this.#count >= CALLS_IN_FLIGHT_MAX) return `${CALLS_IN_FLIGHT_MAX} calls are in flight: await some first`;
    if (WITHOUT_BYTES.has(name)) return undefined;
    const sizeBytes = this.#sizeBytes + sizeOf(args);
    return sizeBytes > CALLS_IN_FLIGHT_MAX_BYTES
      ? `calls with ${sizeBytes} bytes are in flight: await some first`
      : undefined;
  }

  /** Whether one more result of so many bytes may wait. One may always. */
  hasRoomFor(sizeBytes: number): boolean {
    return this.#waitingBytes === 0 || this.#waitingBytes + sizeBytes <= RESULTS_WAITING_MAX_BYTES;
  }

  callBegan(call: Call): void {
    this.#add(callBytes(call), 1);
  }

  callEnded(call: Call): void {
    this.#add(callBytes(call), -1);
  }

  eventCame(event: ProcessEvent): void {
    this.#waitingBytes += eventBytes(event) ?? 0;
    this.#add(eventBytes(event), 1);
  }

  eventTaken(event: ProcessEvent): void {
    this.#waitingBytes -= eventBytes(event) ?? 0;
    this.#add(eventBytes(event), -1);
  }

  #add(sizeBytes: number | undefined, sign: 1 | -1): void {
    if (sizeBytes === undefined) return;
    this.#count += sign;
    this.#sizeBytes += sign * sizeBytes;
    assert(this.#count >= 0 && this.#sizeBytes >= 0, "what is let go was held");
  }
}

/** Undefined for one that a thread blocks in. A read holds what it asks for, too. */
function callBytes({ callId, name, arguments: args }: Call): number | undefined {
  if (callId === 0) return undefined;
  return sizeOf(args) + (name === "read" ? Number(args[1]) : 0);
}

/** Undefined for one that completes no call. */
function eventBytes(event: ProcessEvent): number | undefined {
  if (event.kind !== "completion") return undefined;
  return event.outcome.ok ? sizeOf([event.outcome.value]) : 0;
}

function sizeOf(values: readonly unknown[]): number {
  return values.reduce((sum: number, value) => {
    if (typeof value === "string" || value instanceof Uint8Array) return sum + value.length;
    return typeof value === "object" && value !== null ? sum + (jsonChars.get(value) ?? 0) : sum;
  }, 0);
}
