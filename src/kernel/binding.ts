/**
 * What becomes of a process's resources on a move, by how each is attached to its machine and how the process is bound to
 * it: it is moved (MV), copied (CP), bound anew to another of its type (RB), or used from afar, by a global reference (GR).
 */

import type { MoveAction as Action, MovePlan, MovePlanRow as PlanRow } from "../abi/move-plan.ts";
import { FILE_COPY_MAX_BYTES, SCRATCH_MAX_BYTES } from "../limits.ts";
import type { Attachment, Binding } from "./resource.ts";

/** In order of preference. */
export const BINDING_TABLE = {
  identifier: { unattached: ["MV", "GR"], fastened: ["GR", "MV"], fixed: ["GR"] },
  value: { unattached: ["CP", "MV", "GR"], fastened: ["GR", "CP"], fixed: ["GR"] },
  type: { unattached: ["RB", "MV", "GR"], fastened: ["RB", "GR", "CP"], fixed: ["RB", "GR"] },
} as const satisfies Record<Binding, Record<Attachment, readonly Action[]>>;

/** What a kind can do, and why each is what it is; the actions that are not there cannot be done. */
interface Kind {
  readonly can: Readonly<Partial<Record<Action, string>>>;
  /** The kind's own order, in place of the table's. */
  readonly prefers?: Readonly<Partial<Record<Binding, readonly Action[]>>>;
  /** What can be taken along, in bytes. */
  readonly maxBytes?: number;
  /** Bound to the home of the process, and not to where it runs. */
  readonly atHome?: boolean;
}

/** A request that is being answered is over soon: a home that goes away waits for it. */
const EXCHANGE: Kind = { can: { GR: "it goes on by way of its home" } };
const LISTENER: Kind = {
  can: { GR: "its home goes on to listen", RB: "it is opened anew" },
  prefers: { type: ["GR", "RB"] },
  atHome: true,
};
const CONNECTION: Kind = { can: { GR: "it goes on by way of its home" }, atHome: true };

export const KINDS: Readonly<Record<string, Kind>> = {
  cache: {
    can: { MV: "its content goes along", CP: "its content is copied", RB: "a new, empty one is made there" },
  },
  file: {
    can: {
      GR: "it stays, and is used from afar",
      CP: "its content is copied, and both go their own ways",
      RB: "the file of the same path there is opened",
    },
    // Who asks for the content is to have it, whatever becomes of the file.
    prefers: { value: ["CP", "GR"] },
    maxBytes: FILE_COPY_MAX_BYTES,
  },
  copy: { can: { MV: "it is the process's own, and goes along" }, maxBytes: FILE_COPY_MAX_BYTES },
  scratch: {
    can: {
      GR: "it stays, and is used from afar",
      MV: "its content goes along",
      CP: "its content is copied",
      RB: "a new, empty one is made there",
    },
    prefers: { value: ["CP", "GR"] },
    maxBytes: SCRATCH_MAX_BYTES,
  },
  device: { can: { GR: "it stays, and is used from afar" } },
  console: {
    can: { GR: "input and output go on at its home", RB: "that of the node where it runs takes its place" },
    prefers: { type: ["GR", "RB"] },
    atHome: true,
  },
  clock: { can: { RB: "every machine has one" } },
  randomness: { can: { RB: "every machine has some" } },
  listener: LISTENER,
  exchange: EXCHANGE,
  stream: CONNECTION,
  datagram: LISTENER,
  fetch: CONNECTION,
  socket: CONNECTION,
  session: { can: { GR: "its switch goes on with it, wherever its home is" } },
  lost: { can: { GR: "it is lost already, and stays so" } },
};

/** What is known of a resource when a move is planned. */
export interface ResourceFacts {
  readonly handle: number;
  readonly kind: string;
  readonly attachment: Attachment;
  readonly binding: Binding;
  readonly description: string;
  /** The node that has it. */
  readonly node: string;
  /** Of what would be taken along, where that is known. */
  readonly sizeBytes?: number;
  /** The handle of the scratch directory that it is in: it goes where that goes. */
  readonly within?: number;
}

export interface Circumstances {
  readonly source: string;
  readonly target: string;
  readonly home: string;
  /** Nodes that will not be there any more after the move: what they have is fetched from there before they go. */
  readonly leaving?: readonly string[];
  /** What can be neither taken along nor left does not keep the process: it is lost when its node goes away. */
  readonly isForced?: boolean;
}

/** The plan of a move: one row for each resource. Pure. */
export function planMove(resources: readonly ResourceFacts[], circumstances: Circumstances): MovePlan {
  const rows = new Map<number, PlanRow>();
  const outer = resources.filter(({ within }) => within === undefined);
  for (const facts of outer) rows.set(facts.handle, row(facts, circumstances));
  for (const facts of resources) {
    if (facts.within === undefined) continue;
    const folder = rows.get(facts.within);
    const why = `it is in the scratch directory with handle ${facts.within}, and goes where that goes`;
    rows.set(facts.handle, { ...brief(facts), ...(folder?.action && { action: folder.action }), why, refused: [] });
  }
  const all = [...rows.values()].sort((one, other) => one.handle - other.handle);
  const stuck = all.find(({ action }) => action === undefined);
  if (stuck === undefined) return { rows: all };
  const obstacle = `handle ${stuck.handle} (${stuck.kind}, ${stuck.description}) cannot come along: ${stuck.why}`;
  return { rows: all, obstacle };
}

function brief({ handle, kind, description, attachment, binding }: ResourceFacts): Omit<PlanRow, "why" | "refused"> {
  return { handle, kind, description, attachment, binding };
}

function row(facts: ResourceFacts, circumstances: Circumstances): PlanRow {
  const { kind, binding, attachment } = facts;
  const known = KINDS[kind];
  const refused: { action: Action; why: string }[] = [];
  for (const action of known?.prefers?.[binding] ?? BINDING_TABLE[binding][attachment]) {
    const obstacle = known === undefined ? "its kind is not known here" : refusal(action, known, facts, circumstances);
    if (obstacle !== undefined) refused.push({ action, why: obstacle });
    else return { ...brief(facts), action, why: reason(action, facts, circumstances), refused };
  }
  const why = refused.map((one) => `${one.action}: ${one.why}`).join("; ");
  if (circumstances.isForced === true) return { ...brief(facts), action: "GR", why: `it is lost: ${why}`, refused };
  return { ...brief(facts), why, refused };
}

function reason(action: Action, { kind, node }: ResourceFacts, { target, leaving = [] }: Circumstances): string {
  if (action === "GR" && node === target) return "it is there already";
  if ((action === "MV" || action === "CP") && node !== target && leaving.includes(node))
    return `${KINDS[kind]?.can[action] ?? ""}, before node ${node} goes away`;
  return KINDS[kind]?.can[action] ?? "";
}

function refusal(
  action: Action,
  kind: Kind,
  { kind: name, node, sizeBytes = 0 }: ResourceFacts,
  { source, home, leaving = [] }: Circumstances,
): string | undefined {
  if (kind.can[action] === undefined) return `a ${name} cannot be ${PARTICIPLES[action]}`;
  const place = kind.atHome === true ? home : node;
  if (action === "GR" && (name === "exchange" || name === "session")) return undefined;
  if (action === "GR") return leaving.includes(place) ? `node ${place}, which has it, goes away` : undefined;
  const isAfar = kind.atHome !== true && node !== source && !leaving.includes(node);
  if (action === "RB") return isAfar ? `it is on node ${node} already, and stays there` : undefined;
  if (isAfar) return `it is on node ${node}, and node ${source} can send only what it has itself`;
  const { maxBytes = Infinity } = kind;
  return sizeBytes > maxBytes ? `it has ${sizeBytes} bytes, and at most ${maxBytes} are taken along` : undefined;
}

const PARTICIPLES: Readonly<Record<Action, string>> = {
  MV: "moved",
  CP: "copied",
  RB: "bound to another of its type",
  GR: "used from afar",
};
