/** What goes wrong on links without being anybody's call: counted, and logged as often as a person can read. */

import { GodwitError } from "../errors.ts";
import { LINK_FAULT_LOG_MS } from "../limits.ts";

/** How often each has happened. */
export interface LinkFaults {
  /** Connections of others that were not let in. */
  readonly refused: number;
  /** Connections in use that broke, or were closed for what came over them. */
  readonly broken: number;
  /** Messages that their receiver could not take. */
  readonly failed: number;
}

export class FaultLog {
  readonly #log: (line: string) => void;
  readonly #counts = { refused: 0, broken: 0, failed: 0 };
  /** When each kind was last logged, and how many came since. */
  readonly #logged = new Map<keyof LinkFaults, { readonly atMs: number; since: number }>();

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  get counts(): LinkFaults {
    return { ...this.#counts };
  }

  add(kind: keyof LinkFaults, what: string, error: unknown): void {
    this.#counts[kind]++;
    const last = this.#logged.get(kind);
    const nowMs = performance.now();
    if (last !== undefined && nowMs - last.atMs < LINK_FAULT_LOG_MS) return void last.since++;
    this.#logged.set(kind, { atMs: nowMs, since: 0 });
    const more = last === undefined || last.since === 0 ? "" : ` (and ${last.since} times before)`;
    this.#log(`${what}: ${reasonOf(error)}${more}`);
  }
}

/** What to tell people: our own errors are written for them, of others the stack is needed. */
export function reasonOf(error: unknown): string {
  if (error === undefined) return "the other side hung up";
  if (error instanceof GodwitError || (error instanceof Error && "code" in error)) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : "an unknown error";
}
