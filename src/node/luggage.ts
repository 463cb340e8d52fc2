/**
 * What a process has beside its memory, on a move: planned by `kernel/binding.ts`, packed at the source once the process is
 * frozen, and looked through at the target before it is put in place.
 */

import { failure } from "../errors.ts";
import type { MovePlan } from "../abi/move-plan.ts";
import { type Circumstances, planMove, type ResourceFacts } from "../kernel/binding.ts";
import { channelBinding, type ChannelRecord, SESSION_PREFIX } from "../kernel/channel.ts";
import type { ProcessRecord } from "../kernel/process-record.ts";
import type { HandleRecord } from "../kernel/resource.ts";
import {
  type FileState,
  inScratch,
  type ResourceState,
  type ScratchState,
  wholeState,
} from "../kernel/resource-state.ts";
import { FILE_COPY_MAX_BYTES, SCRATCH_MAX_BYTES } from "../limits.ts";
import { hostFiles } from "../resources/file.ts";
import type { FileServer } from "./file-server.ts";

type Held = Pick<ProcessRecord, "handles" | "channels">;

/** How much there is of something on another node, in bytes. */
export type SizeAfar = (node: string, ticket: string) => Promise<number>;

/** What a process holds, for a plan. Sizes are those of what may be taken along: from here, and from nodes that go away. */
async function factsOf(
  { handles, channels }: Held,
  { source, home, leaving = [] }: Circumstances,
  sizeAfar: SizeAfar,
): Promise<ResourceFacts[]> {
  const sizeAt: SizeAfar = async (node, ticket) =>
    leaving.includes(node) && node !== source ? sizeAfar(node, ticket).catch(() => 0) : 0;
  const standard = ["stdin", "stdout", "stderr"].map((description, handle) => ({
    ...({ handle, kind: "console", attachment: "fixed", binding: "type", description, node: home } as const),
  }));
  const held = await Promise.all(handles.map((one) => handleFacts(one, source, sizeAt)));
  const places = new Map(held.map(({ handle, node }) => [handle, node]));
  const open = channels.filter(({ handle }) => handle !== 0).map((channel) => channelFacts(channel, home));
  // What stayed somewhere else than its directory is by itself.
  const inPlace = held.map(({ within, ...facts }) => {
    const goesWith = within !== undefined && (facts.node === source || places.get(within) === facts.node);
    return goesWith ? { ...facts, within } : facts;
  });
  return [...standard, ...inPlace, ...open];
}

function channelFacts({ id, handle, kind, description }: ChannelRecord, home: string): ResourceFacts {
  return {
    handle,
    kind: id.startsWith(SESSION_PREFIX) ? "session" : kind,
    description,
    attachment: "fixed",
    binding: channelBinding(kind),
    node: home,
  };
}

async function handleFacts(
  { handle, state: saved }: HandleRecord,
  source: string,
  sizeAt: SizeAfar,
): Promise<ResourceFacts> {
  const state = wholeState(saved);
  if (state === undefined) {
    const lost = { kind: "lost", attachment: "fixed", binding: "identifier", description: "damaged" } as const;
    return { handle, ...lost, node: source };
  }
  if (state.kind === "cache") {
    const description = `cache of ${state.entries.length} keys`;
    return {
      handle,
      kind: "cache",
      attachment: "unattached",
      binding: state.binding ?? "identifier",
      description,
      node: source,
    };
  }
  const node = state.ticket === "" ? source : state.node;
  const sizeBytes = state.ticket === "" ? await sizeOf(state) : await sizeAt(node, state.ticket);
  if (state.kind === "scratch") {
    const { binding = "type" } = state;
    return {
      handle,
      kind: "scratch",
      attachment: "fastened",
      binding,
      description: "scratch directory",
      node,
      sizeBytes,
    };
  }
  return { ...fileFacts(handle, state), node, sizeBytes };
}

function fileFacts(handle: number, state: FileState): Omit<ResourceFacts, "node"> {
  const { isCopy, device, path, position, request } = state;
  const attachment = device ? "fixed" : isCopy ? "unattached" : "fastened";
  const inside = inScratch(path);
  return {
    handle,
    kind: device ? "device" : isCopy ? "copy" : "file",
    attachment,
    binding: request.binding ?? "identifier",
    description: `${path} at ${position}`,
    ...(inside !== undefined && { within: inside.handle }),
  };
}

async function sizeOf(state: FileState | ScratchState): Promise<number> {
  if (state.kind === "file" && (state.device || inScratch(state.path) !== undefined)) return 0;
  return hostFiles.size(state.path).catch(() => 0);
}

/** What would become of all that a process holds. */
export async function planFor(
  held: Held,
  circumstances: Circumstances,
  sizeAfar: SizeAfar = async () => 0,
): Promise<MovePlan> {
  return planMove(await factsOf(held, circumstances, sizeAfar), circumstances);
}

/** Packed for a move that may still not take place. */
export interface Luggage {
  readonly record: ProcessRecord;
  /** Handles of what stays, and belongs to the process there as well. */
  readonly left: readonly number[];
  /** It does not move: nothing is left behind. */
  unpack(): void;
}

/** Packs at the source what a frozen process takes along. Throws EPERM when it cannot come along. */
export async function pack(record: ProcessRecord, circumstances: Circumstances, server: FileServer): Promise<Luggage> {
  const plan = await planFor(record, circumstances);
  if (plan.obstacle !== undefined) throw failure("EPERM", plan.obstacle);
  const actions = new Map(plan.rows.map(({ handle, action }) => [handle, action]));
  const tickets: string[] = [];
  const left: number[] = [];
  const folders = new Map<number, string>();
  for (const { handle, state } of record.handles) {
    const known = wholeState(state);
    if (known?.kind === "scratch") folders.set(handle, known.path);
  }
  const unpack = () => {
    for (const ticket of tickets) void server.redeem(record.pid, ticket).catch(() => {});
  };
  const one = async ({ handle, state: saved }: HandleRecord): Promise<HandleRecord> => {
    const state = wholeState(saved);
    if (state === undefined || state.kind === "cache" || state.ticket !== "") {
      left.push(handle);
      const empty = state?.kind === "cache" && actions.get(handle) === "RB";
      return { handle, state: empty ? { ...state, entries: [] } : saved };
    }
    if (actions.get(handle) !== "GR") return { handle, state: await taken(state, actions.get(handle)) };
    left.push(handle);
    const place = stayOf(state, record, folders);
    const owner = { pid: record.pid, name: record.program.name };
    const ticket = server.issue(owner, handle, place.holder, place.state, circumstances.target);
    tickets.push(ticket);
    return { handle, state: { ...state, node: circumstances.source, ticket } };
  };
  try {
    const handles = await Promise.all(record.handles.map(one));
    return { record: { ...record, handles }, left, unpack };
  } catch (error) {
    unpack();
    throw error;
  }
}

/** A file in a scratch directory stays with what that allows, not with what the process may do elsewhere. */
function stayOf(state: FileState | ScratchState, record: ProcessRecord, folders: ReadonlyMap<number, string>) {
  const inside = state.kind === "file" ? inScratch(state.path) : undefined;
  const folder = inside === undefined ? undefined : folders.get(inside.handle);
  if (inside === undefined || folder === undefined) return { holder: record, state };
  const holder = { workingDirectory: folder, capabilities: { read: [folder], write: [folder], run: [] } };
  return { holder, state: { ...state, path: inside.path } as FileState };
}

async function taken(state: FileState | ScratchState, action: string | undefined): Promise<ResourceState> {
  const isEmpty = action === "RB";
  if (state.kind === "scratch")
    return { ...state, path: "", content: isEmpty ? [] : await hostFiles.pack(state.path, SCRATCH_MAX_BYTES) };
  // Its directory's content has it.
  if (inScratch(state.path) !== undefined) return state;
  if (isEmpty) return { ...state, request: { ...state.request, node: "here" } };
  return { ...state, isCopy: true, content: await hostFiles.content(state.path, FILE_COPY_MAX_BYTES) };
}

/** Looks through what came from another node: only by a ticket is anything in it of this machine. */
export function received(record: ProcessRecord): ProcessRecord {
  const one = ({ handle, state: saved }: HandleRecord): HandleRecord => {
    const state = wholeState(saved);
    if (state === undefined || state.kind === "cache" || state.ticket !== "") return { handle, state: saved };
    if (state.kind === "scratch") return { handle, state: { ...state, isTwin: false, path: "" } };
    const content = state.isCopy ? (state.content ?? new Uint8Array()) : undefined;
    return { handle, state: { ...state, isTwin: false, content } };
  };
  return { ...record, handles: record.handles.map(one) };
}
