/**
 * What is left of a resource in a record: plain data from which it is made anew, here or on another machine. A record may
 * come from a hostile image or peer: what is in it grants nothing by itself.
 */

import * as v from "valibot";

import type { OpenRequest } from "../abi/records.ts";
import { failure, GodwitError } from "../errors.ts";
import { CACHE_ENTRIES_MAX, CACHE_MAX_BYTES, FILE_COPY_MAX_BYTES, HANDLES_MAX, SCRATCH_MAX_BYTES } from "../limits.ts";

const PATH_MAX_CHARS = 4096;
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const path = v.pipe(v.string(), v.maxLength(PATH_MAX_CHARS));
const name = v.pipe(v.string(), v.maxLength(200));
const bytes = (maxBytes: number) =>
  v.pipe(
    v.custom<Uint8Array>((value) => value instanceof Uint8Array),
    v.check((value) => value.length <= maxBytes, `at most ${maxBytes} bytes`),
  );
const binding = v.optional(v.picklist(["identifier", "value", "type"]));
/** Of one that stayed on another node: that node, and the ticket that it gave. */
const place = { node: v.optional(name, ""), ticket: v.optional(name, "") };
/** A process that was forked is to have one of its own. */
const isTwin = v.optional(v.boolean(), false);

const file = v.object({
  kind: v.optional(v.literal("file"), "file"),
  path,
  request: v.looseObject({}),
  position: count,
  device: v.optional(v.boolean(), false),
  /** Whether it is a copy of the process's own, which is removed with it; and what is in it, on a move. */
  isCopy: v.optional(v.boolean(), false),
  content: v.optional(bytes(FILE_COPY_MAX_BYTES)),
  isTwin,
  ...place,
});
const packed = v.object({ path, bytes: v.nullable(bytes(SCRATCH_MAX_BYTES)) });
const scratch = v.object({
  kind: v.literal("scratch"),
  binding,
  /** Empty for one that is still to be made. */
  path,
  content: v.optional(v.pipe(v.array(packed), v.maxLength(SCRATCH_MAX_BYTES / 4096))),
  isTwin,
  ...place,
});
const cache = v.object({
  kind: v.literal("cache"),
  binding,
  maxBytes: v.pipe(count, v.maxValue(CACHE_MAX_BYTES)),
  entries: v.pipe(v.array(v.tuple([v.string(), bytes(CACHE_MAX_BYTES)])), v.maxLength(CACHE_ENTRIES_MAX)),
});

type Known = v.InferOutput<typeof file>;
export type FileState = Omit<Known, "request" | "content"> & {
  readonly request: OpenRequest;
  readonly content?: Uint8Array | undefined;
};
/** A file, or a directory (`bytes` is null), by its path in the scratch directory. */
export type PackedFile = v.InferOutput<typeof packed>;
export type ScratchState = v.InferOutput<typeof scratch>;
export type CacheState = v.InferOutput<typeof cache>;
export type ResourceState = FileState | ScratchState | CacheState;

const FLAGS = ["read", "write", "append", "create", "exclusive", "truncate"] as const;
const BINDINGS = ["identifier", "value", "type"] as const;

/** A request from a guest or an image: its flags that are exactly true, its binding and node if they are any, and nothing else. */
export function openRequest(asked: { readonly [K in keyof OpenRequest]?: unknown }): OpenRequest {
  const bound = BINDINGS.find((known) => known === asked.binding);
  return {
    ...Object.fromEntries(FLAGS.map((flag) => [flag, asked[flag] === true])),
    ...(bound !== undefined && { binding: bound }),
    ...(asked.node === "here" && { node: "here" as const }),
  };
}

/** A resource of a record. Throws EIMAGE_CORRUPT. */
export function resourceState(state: unknown): ResourceState {
  const kind = typeof state === "object" && state !== null && "kind" in state ? state.kind : "file";
  const shape = kind === "scratch" ? scratch : kind === "cache" ? cache : file;
  const checked = v.safeParse(shape, state);
  if (!checked.success) throw failure("EIMAGE_CORRUPT", "the image's record of an open file or resource is damaged");
  const { output } = checked;
  return output.kind === "file" ? { ...output, request: openRequest(output.request) } : output;
}

/** `scratch:HANDLE` or a path below it: the handle of a scratch directory, and the path in it. */
export function inScratch(path: string): { readonly handle: number; readonly path: string } | undefined {
  const found = /^scratch:(\d{1,6})(?:\/(.*))?$/s.exec(path);
  const handle = Number(found?.[1]);
  if (found === null || handle > HANDLES_MAX) return undefined;
  return { handle, path: `./${found[2] ?? ""}` };
}

/** The same, or undefined for one that is damaged: whoever uses it is told. */
export function wholeState(state: unknown): ResourceState | undefined {
  try {
    return resourceState(state);
  } catch (error) {
    if (error instanceof GodwitError) return undefined;
    throw error;
  }
}

/** For a fork's child, which has files and scratch directories of its own from then on. */
export function stateOfTwin(state: unknown): unknown {
  const known = wholeState(state);
  if (known === undefined) return state;
  if (known.kind === "cache" || (known.kind === "file" && known.ticket === "" && !known.isCopy)) return known;
  return { ...known, isTwin: true };
}

/** Of an image: what it names of this machine or another is not its own. A scratch directory is made anew. */
export function stateOfImage(state: unknown): unknown {
  const known = wholeState(state);
  if (known === undefined || known.kind === "cache") return state;
  if (known.kind === "scratch") return { kind: "scratch", binding: known.binding, path: "" };
  const { path, request, position } = known;
  return { kind: "file", path, request, position };
}
