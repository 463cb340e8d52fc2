/** What nodes say to each other over links, as far as its shape is concerned. */

import * as v from "valibot";
import { failure } from "../errors.ts";

export const aboutPid = v.object({ pid: v.number() });
export const aboutMove = v.object({ migration: v.string(), reason: v.optional(v.string(), "") });
export const aboutHere = v.object({ pid: v.number(), epoch: v.number() });
export const aboutHome = v.object({ pid: v.number(), home: v.string(), epoch: v.number() });
export const toMove = v.object({ pid: v.number(), to: v.string() });
export const toPlan = v.object({ pid: v.number(), to: v.string(), leaving: v.array(v.string()) });
export const toRetrieve = v.object({ pid: v.number(), isForced: v.boolean() });
export const toAsk = v.object({ pid: v.number(), question: v.looseObject({ kind: v.string() }) });
export const toTell = v.looseObject({ op: v.string() });

/** @throws GodwitError EPROTO for what is not of that shape. */
export function parsed<S extends v.GenericSchema>(shape: S, body: unknown): v.InferOutput<S> {
  const checked = v.safeParse(shape, body);
  if (checked.success) return checked.output;
  throw failure("EPROTO", `a message between nodes is malformed: ${checked.issues[0].message}`);
}
