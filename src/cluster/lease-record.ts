/** What is written and said of leases: the record of one in the directory, and the beats of who holds some. */

import { decode, encode } from "cborg";
import * as v from "valibot";

import { LEASE_HOLDERS_MAX, LEASE_MIN_MS } from "../limits.ts";
import type { Entry, Holding } from "./engine.ts";

export interface LeaseRecord extends Holding {
  readonly ttlMs: number;
  /** Names the connection to the cluster that holds it. */
  readonly holder: string;
  /** Of the record as it was read: its holder writes it anew now and then, and its token stays. */
  readonly revision: number;
}

const id = v.pipe(v.string(), v.maxLength(64));
const time = v.pipe(v.number(), v.finite());
const place = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const RECORD = v.object({
  ttlMs: v.pipe(v.number(), v.minValue(LEASE_MIN_MS)),
  value: v.instance(Uint8Array),
  holder: id,
  /** Absent when it was first written: then it is that revision. */
  token: v.optional(place),
});

/** A record as it is to be written; without a token for the first time. */
export function encodeRecord(
  { ttlMs, value, holder }: Omit<LeaseRecord, "name" | "token" | "revision">,
  token?: number,
) {
  return encode(token === undefined ? { ttlMs, value, holder } : { ttlMs, value, holder, token });
}

/** A record as it was written; nothing for what is none. */
export function recordOf({ key, value, revision }: Entry): LeaseRecord | undefined {
  const checked = v.safeParse(RECORD, decoded(value));
  if (!checked.success) return undefined;
  const { token = revision, ...rest } = checked.output;
  return { ...rest, name: key, token, revision };
}

const BEAT = v.object({
  holder: id,
  /** By the holder's own clock, ms. */
  sentMs: time,
  /** How many hold leases, as far as the holder knows, and the greatest token among theirs. */
  voters: place,
  seen: place,
  /** Of others' beats the last that the holder has heard, by their clocks. */
  heard: v.pipe(v.array(v.tuple([id, time])), v.maxLength(LEASE_HOLDERS_MAX)),
});

/** Says that a holder lives, and whom it hears. */
export type Beat = v.InferOutput<typeof BEAT>;

export function encodeBeat(beat: Beat): Uint8Array {
  return encode(beat);
}

/** Nothing for what is none. */
export function beatOf(body: Uint8Array): Beat | undefined {
  const checked = v.safeParse(BEAT, decoded(body));
  return checked.success ? checked.output : undefined;
}

function decoded(bytes: Uint8Array): unknown {
  try {
    return decode(bytes);
  } catch {
    return undefined;
  }
}
