/** Entries of the directory: where a service is exposed, how it is started, and who has started it. */

import { decode, encode } from "cborg";
import * as v from "valibot";

import type { PassOn } from "../abi/pass-on.ts";
import type { Entry } from "../cluster/engine.ts";
import { GodwitError } from "../errors.ts";
import { POLICY_MAX_CHARS, SERVICE_IDLE_MIN_MS } from "../limits.ts";
import { frontAddress } from "./front-address.ts";
import { isPolicy } from "./policy.ts";

export const EXPOSURES = "exposures/";
export const STARTS = "starts/";
export const RUNS = "runs/";

const nodes = v.union([v.literal("all"), v.array(v.string())]);
const passOn = v.picklist(["auto", "handoff", "relay"] as const satisfies readonly PassOn[]);
const EXPOSURE = v.object({
  policy: v.pipe(v.string(), v.maxLength(POLICY_MAX_CHARS), v.check(isPolicy)),
  passOn,
  at: nodes,
  secret: v.nullable(v.string()),
  careOf: v.nullable(v.string()),
});

/** A service is exposed at an address: key `exposures/SERVICE/ADDRESS`. */
export interface Exposure extends v.InferOutput<typeof EXPOSURE> {
  readonly service: string;
  readonly address: string;
  readonly revision: number;
}

const idleMs = v.pipe(v.number(), v.minValue(SERVICE_IDLE_MIN_MS));
const START = v.object({ program: v.string(), idleMs, secret: v.string() });

/** A program that is run when a service is wanted and has no process: key `starts/SERVICE`. `secret`: in the vault. */
export interface Start extends v.InferOutput<typeof START> {
  readonly service: string;
  readonly revision: number;
}

const RUN = v.object({
  starter: v.string(),
  token: v.number(),
  id: v.string(),
  pid: v.nullable(v.number()),
  idleMs,
});

/**
 * The one process that was started for a service, or is being started by a node, whose lease as a member has this token: key
 * `runs/SERVICE`. Who creates the entry has it started, at whatever node; that one writes the pid, as long as the start with this
 * id is the entry's.
 */
export interface Run extends v.InferOutput<typeof RUN> {
  readonly service: string;
  readonly revision: number;
}

export function exposureKey(service: string, address: string): string {
  return `${EXPOSURES}${service}/${encodeURIComponent(address)}`;
}

export function exposureValue({
  policy,
  passOn,
  at,
  secret,
  careOf,
}: Omit<Exposure, "service" | "address" | "revision">): Uint8Array {
  return encode({ policy, passOn, at, secret, careOf });
}

export function startValue({ program, idleMs, secret }: Omit<Start, "service" | "revision">): Uint8Array {
  return encode({ program, idleMs, secret });
}

export function runValue({ starter, token, id, pid, idleMs }: Omit<Run, "service" | "revision">): Uint8Array {
  return encode({ starter, token, id, pid, idleMs });
}

/** Undefined for what is none: whoever can write in the directory may have written it. So with the others. */
export function exposureOf({ key, value, revision }: Entry): Exposure | undefined {
  const [service = "", written = ""] = key.slice(EXPOSURES.length).split("/");
  const address = addressOf(written);
  const known = checked(EXPOSURE, value);
  return known === undefined || address === undefined ? undefined : { service, address, revision, ...known };
}

/** The address of a key, written as it is here: each has one key. */
function addressOf(written: string): string | undefined {
  try {
    const address = decodeURIComponent(written);
    const { scheme, place } = frontAddress(address);
    return address === `${scheme}://${place}` && encodeURIComponent(address) === written ? address : undefined;
  } catch {
    return undefined;
  }
}

export function startOf({ key, value, revision }: Entry): Start | undefined {
  const known = checked(START, value);
  return known === undefined ? undefined : { service: key.slice(STARTS.length), revision, ...known };
}

export function runOf({ key, value, revision }: Entry): Run | undefined {
  const known = checked(RUN, value);
  return known === undefined ? undefined : { service: key.slice(RUNS.length), revision, ...known };
}

function checked<S extends v.GenericSchema>(shape: S, value: Uint8Array): v.InferOutput<S> | undefined {
  try {
    const result = v.safeParse(shape, decode(value));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

/** Somebody else wrote the key meanwhile. */
export function isRace(error: unknown): boolean {
  return error instanceof GodwitError && (error.code === "ESTALE" || error.code === "EEXIST");
}
