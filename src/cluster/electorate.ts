/**
 * Who holds leases, and which of them hear each other. Every beat says whose beats its sender has heard, with the times that
 * these had been sent at: so a holder learns from the others, by its own clock, that it was heard.
 *
 * A holder that a majority heard is not taken for dead: who wants to do that must hear from so many others that do not
 * hear it that no majority is left. Both count by what the holder itself has said of how many there are.
 */

import type { Beat, LeaseRecord } from "./lease-record.ts";

interface Voter {
  /** Its last beat that reached us, on any way: its own clock, ms. */
  heardMs: number;
  /** The last of our beats that it has heard: our clock, ms. */
  hearsUsMs: number;
  /** What it has said of how many there are; nothing before its first beat. */
  voters: number | undefined;
  seen: number;
  /** The least of its tokens. */
  token: number;
}

export class Electorate {
  /** This connection, as a holder. */
  readonly #self: string;
  readonly #voters = new Map<string, Voter>();
  /** The greatest token there is. */
  #seen = 0;

  constructor(self: string) {
    this.#self = self;
  }

  /** The leases that there are have changed. */
  update(records: Iterable<LeaseRecord>): void {
    const tokens = new Map<string, number>();
    for (const { holder, token } of records) {
      tokens.set(holder, Math.min(token, tokens.get(holder) ?? token));
      this.#seen = Math.max(this.#seen, token);
    }
    for (const holder of this.#voters.keys()) if (!tokens.has(holder)) this.#voters.delete(holder);
    for (const [holder, token] of tokens) {
      const known = this.#voters.get(holder);
      if (known !== undefined) known.token = token;
      else
        this.#voters.set(holder, {
          heardMs: -Infinity,
          hearsUsMs: -Infinity,
          voters: undefined,
          seen: Infinity,
          token,
        });
    }
  }

  /** This holder's beat of now. */
  beat(sentMs: number): Beat {
    const heard: [string, number][] = [];
    for (const [holder, { heardMs }] of this.#voters) if (heardMs > -Infinity) heard.push([holder, heardMs]);
    return { holder: this.#self, sentMs, voters: this.#voters.size, seen: this.#seen, heard };
  }

  /** Somebody's beat, at `nowMs`. Answers with the holders of whom it is news that they live. */
  hear({ holder, sentMs, voters, seen, heard }: Beat, nowMs: number): string[] {
    const sender = this.#voters.get(holder);
    if (sender === undefined) return []; // Its lease is over, or not known yet.
    sender.voters = voters;
    sender.seen = seen;
    for (const [whom, atMs] of heard)
      if (whom === this.#self && atMs <= nowMs) sender.hearsUsMs = Math.max(sender.hearsUsMs, atMs);
    return [[holder, sentMs] as const, ...heard].flatMap(([whom, atMs]) => (this.#isNews(whom, atMs) ? [whom] : []));
  }

  #isNews(whom: string, sentMs: number): boolean {
    const voter = this.#voters.get(whom);
    if (voter === undefined || sentMs <= voter.heardMs) return false;
    voter.heardMs = sentMs;
    return true;
  }

  /** When the last beat of ours was sent that a majority has heard, us included: our clock, ms. Nobody is a majority alone. */
  get supportedMs(): number {
    const others = [...this.#voters].filter(([holder]) => holder !== this.#self);
    const times = others.map(([, { hearsUsMs }]) => hearsUsMs).sort((a, b) => b - a);
    return times[othersNeeded(this.#voters.size) - 1] ?? -Infinity;
  }

  /**
   * Whether a holder of whom nothing was heard can have no majority either: those whom it would need are heard here, having
   * heard us since `freshMs`, and have not heard it.
   */
  isAbandoned(holder: string, freshMs: number): boolean {
    const { voters = this.#voters.size, seen = Infinity } = this.#voters.get(holder) ?? {};
    let against = 0;
    for (const [other, { token, hearsUsMs }] of this.#voters) {
      if (other === holder || token > seen) continue; // One that it does not know of is nobody whom it needs.
      if (other === this.#self || hearsUsMs >= freshMs) against++;
    }
    return against >= voters - othersNeeded(voters);
  }
}

/** How many others must hear one of `voters`, for a majority with itself. */
function othersNeeded(voters: number): number {
  return Math.max(1, Math.floor(voters / 2));
}
