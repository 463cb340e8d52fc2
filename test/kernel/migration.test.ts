/**
 * The migration protocol, explored whole: every order of events, every message lost, late or repeated, every answer of the
 * directory lost, either side dead at any moment, a third node that takes the process over.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  SOURCE_START,
  type SourceAction,
  type SourceEvent,
  sourceStep,
  type SourceState,
  TARGET_START,
  type TargetAction,
  type TargetEvent,
  targetStep,
  type TargetState,
} from "../../src/kernel/migration.ts";
import { MIGRATION_ROUNDS_MAX } from "../../src/limits.ts";

/** Everything there is, as plain data: worlds that print alike are one. */
interface Model {
  readonly source: SourceState;
  readonly target: TargetState;
  /** Whether the process executes at the source, at the target. */
  readonly sourceRuns: boolean;
  readonly targetRuns: boolean;
  readonly sourceAlive: boolean;
  readonly targetAlive: boolean;
  /** Whose the process is in the directory; it changes once from `source`. */
  readonly owner: "source" | "source, next epoch" | "target" | "third";
  /** Messages that were sent: each may come at any time, again, or never. */
  readonly sent: readonly ("handed" | "cancelled" | "taken" | "declined")[];
  /** Operations under way. */
  readonly pending: readonly ("copy" | "freeze" | "reclaim" | "prepare" | "claim")[];
}

const START: Model = {
  source: SOURCE_START,
  target: TARGET_START,
  sourceRuns: true,
  targetRuns: false,
  sourceAlive: true,
  targetAlive: true,
  owner: "source",
  sent: [],
  pending: [],
};

function add<T extends string>(list: readonly T[], item: T): readonly T[] {
  return list.includes(item) ? list : [...list, item].sort();
}
function without<T>(list: readonly T[], item: T): readonly T[] {
  return list.filter((one) => one !== item);
}

function atSource(model: Model, event: SourceEvent): Model {
  const { state, actions } = sourceStep(model.source, event);
  return actions.reduce(doAtSource, { ...model, source: state });
}

function doAtSource(model: Model, action: SourceAction): Model {
  switch (action.do) {
    case "copy":
    case "freeze":
    case "reclaim":
      return { ...model, pending: add(model.pending, action.do) };
    case "hand":
      return { ...model, sent: add(model.sent, "handed") };
    case "cancel":
      return { ...model, sent: add(model.sent, "cancelled") };
    case "thaw":
      // A node that is cut off does not hear of a third one's taking over: its lease stops it, moving or not.
      if (action.epoch === "same") assert.ok(model.owner === "source" || model.owner === "third");
      else assert.equal(model.owner, "source, next epoch", "a source goes on only under the epoch that it has");
      return { ...model, sourceRuns: true };
    case "forward":
    case "discard":
      return { ...model, sourceRuns: false };
    default:
      return assert.fail("an action that no model has");
  }
}

function atTarget(model: Model, event: TargetEvent): Model {
  const { state, actions } = targetStep(model.target, event);
  return actions.reduce(doAtTarget, { ...model, target: state });
}

function doAtTarget(model: Model, action: TargetAction): Model {
  switch (action.do) {
    case "prepare":
    case "claim":
      return { ...model, pending: add(model.pending, action.do) };
    case "run":
      assert.equal(model.owner === "target" || model.owner === "third", true, "a target runs what it has won");
      return { ...model, targetRuns: true };
    case "tellTaken":
      return { ...model, sent: add(model.sent, "taken") };
    case "tellDeclined":
      return { ...model, sent: add(model.sent, "declined") };
    case "drop":
      return { ...model, targetRuns: false };
    default:
      return assert.fail("an action that no model has");
  }
}

/** A compare-and-set from the source's entry; the answer is heard or lost. */
function compareAndSet(
  model: Model,
  to: "source, next epoch" | "target",
  won: (model: Model) => Model,
  lost: (model: Model) => Model,
  unknown: (model: Model) => Model,
): Model[] {
  const owner = model.owner === "source" ? to : model.owner;
  const after = { ...model, owner };
  // One that is made again after its answer was lost finds its own doing in the entry.
  return [owner === to ? won(after) : lost(after), unknown(after), unknown(model)];
}

const lostPeer = { kind: "peerLost", reason: "silence" } as const;

function next(model: Model): Model[] {
  const models: Model[] = [];
  const { pending, sent } = model;
  if (model.sourceAlive) models.push(...nextOfSource(model));
  if (model.targetAlive) {
    const done = (what: (typeof pending)[number]) => ({ ...model, pending: without(pending, what) });
    if (sent.includes("handed")) models.push(atTarget(model, { kind: "handed" }));
    if (sent.includes("cancelled")) models.push(atTarget(model, { kind: "cancelled" }));
    models.push(atTarget(model, lostPeer), atTarget(model, { kind: "malformed", reason: "bits" }));
    if (pending.includes("prepare")) {
      models.push(atTarget(done("prepare"), { kind: "prepared" }));
      models.push(atTarget(done("prepare"), { kind: "prepareFailed", reason: "no memory" }));
    }
    if (pending.includes("claim")) {
      const event = (kind: "claimed" | "claimLost" | "claimUnknown") => (after: Model) => atTarget(after, { kind });
      const before = done("claim");
      models.push(...compareAndSet(before, "target", event("claimed"), event("claimLost"), event("claimUnknown")));
    }
    models.push({
      ...model,
      targetAlive: false,
      targetRuns: false,
      pending: without(done("claim").pending, "prepare"),
    });
  }
  // A third node brings the process back when its owner is silent: dead, or only cut off.
  if (model.owner === "source") models.push({ ...model, owner: "third" });
  return models;
}

function nextOfSource(model: Model): Model[] {
  const models: Model[] = [];
  const { pending, sent, source } = model;
  const done = (what: (typeof pending)[number]) => ({ ...model, pending: without(pending, what) });
  if (source.kind === "offering" && model.targetAlive) {
    models.push(atSource(model, { kind: "accepted" }), atSource(model, { kind: "refused", reason: "no room" }));
  }
  if (pending.includes("copy")) {
    for (const pages of [1, 1000, 10_000]) models.push(atSource(done("copy"), { kind: "copied", pages }));
  }
  if (pending.includes("freeze")) {
    models.push(atSource({ ...done("freeze"), sourceRuns: false }, { kind: "frozen" }));
    models.push(atSource(done("freeze"), { kind: "freezeFailed", reason: "busy" }));
  }
  if (pending.includes("reclaim")) {
    const lost = (after: Model) => atSource(after, { kind: after.owner === "third" ? "superseded" : "reclaimLost" });
    const won = (after: Model) => atSource(after, { kind: "reclaimed" });
    const unknown = (after: Model) => atSource(after, { kind: "reclaimUnknown" });
    models.push(...compareAndSet(done("reclaim"), "source, next epoch", won, lost, unknown));
  }
  if (sent.includes("taken")) models.push(atSource(model, { kind: "taken" }));
  if (sent.includes("declined")) models.push(atSource(model, { kind: "declined", reason: "no" }));
  models.push(atSource(model, lostPeer), atSource(model, { kind: "cancelled" }));
  const left = pending.filter((one) => one === "prepare" || one === "claim");
  models.push({ ...model, sourceAlive: false, sourceRuns: false, pending: left });
  return models;
}

function check(model: Model): void {
  assert.ok(!(model.sourceRuns && model.targetRuns), "never two that execute");
  if (model.targetRuns) assert.equal(model.owner, "target", "a target that executes is the owner");
  if (model.sourceRuns && model.owner === "target") assert.fail("a source does not execute what the target owns");
}

/** Both have come to their ends, and no crash or third node is to blame: somebody has it. */
function checkEnd(model: Model): void {
  if (!model.sourceAlive || !model.targetAlive || model.owner === "third" || model.pending.length > 0) return;
  const overAtSource = ["moved", "stayed"].includes(model.source.kind);
  const overAtTarget = ["running", "dropped"].includes(model.target.kind);
  if (overAtSource && overAtTarget) assert.ok(model.sourceRuns || model.targetRuns, "never none that executes");
}

test("in every order of events at most one node executes the process, and one does when both are done", () => {
  const seen = new Map<string, Model>();
  const queue: Model[] = [START];
  const ends = new Set<string>();
  for (let model = queue.pop(); model !== undefined; model = queue.pop()) {
    const key = JSON.stringify(model, (_key, value: unknown) => (value === Infinity ? "all" : value));
    if (seen.has(key)) continue;
    seen.set(key, model);
    check(model);
    checkEnd(model);
    ends.add(`${model.source.kind} and ${model.target.kind}`);
    queue.push(...next(model));
  }
  assert.ok(seen.size > 500, `${seen.size} states were explored`);
  for (const end of ["moved and running", "stayed and dropped", "superseded and dropped", "stayed and receiving"])
    assert.ok(ends.has(end), `"${end}" was reached`);
});

test("a third node's taking over is never undone", () => {
  const taken: Model = {
    ...START,
    owner: "third",
    sourceRuns: false,
    source: { kind: "reclaiming", reason: "" },
    pending: ["reclaim"],
  };
  const after = atSource({ ...taken, pending: [] }, { kind: "superseded" });
  assert.deepEqual([after.source.kind, after.sourceRuns], ["superseded", false]);
});

test("rounds go on while they shrink, and end when few pages are left, when they do not, or when there were many", () => {
  const roundsOf = (pages: (round: number) => number): number => {
    let step = sourceStep(SOURCE_START, { kind: "accepted" });
    let rounds = 0;
    while (step.actions[0]?.do === "copy") step = sourceStep(step.state, { kind: "copied", pages: pages(++rounds) });
    assert.deepEqual(step.actions, [{ do: "freeze" }]);
    return rounds;
  };
  assert.equal(
    roundsOf(() => 3),
    1,
    "a small process is stopped after one round",
  );
  assert.equal(
    roundsOf((round) => 100_000 / 4 ** round),
    6,
  );
  assert.equal(
    roundsOf(() => 5000),
    2,
    "as much dirt in each round",
  );
  assert.equal(
    roundsOf((round) => 10_000_000 / 2.1 ** round),
    MIGRATION_ROUNDS_MAX,
  );
});
