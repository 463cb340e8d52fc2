/** Where a service is served: a socket that is open, and what is done with what comes. */

import type { Service } from "./service.ts";

export interface Post {
  /** What it is open at, for people: with the real port. */
  readonly address: string;
  readonly service: Service;
  /** The service is another from the next client on, at the same socket. */
  update(service: Service): void;
  /** Stops listening: those that are being served are served on. Resolves when the address is free. */
  close(): Promise<void>;
  /** Breaks off those that are served here. Programs of the host have their clients to themselves, and go on. */
  abandon(): void;
}

/** Takes a line about what somebody should know of. */
export type Log = (line: string) => void;

/** What went wrong, in words. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
