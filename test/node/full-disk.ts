/** A durable process that moves between members of a cluster while there is no room for images of it, from a step on. */

import assert from "node:assert/strict";
import { failure } from "../../src/errors.ts";
import type { Question, ToLwp } from "../../src/kernel/protocol.ts";
import { LwpThread } from "../../src/node/lwp-thread.ts";
import { until, within } from "../cluster/condition.ts";
import type { TestMembers } from "./bench-members.ts";
import type { Step } from "./move-steps.ts";

/** Its images are taken so often that some fall into any move. */
const INTERVAL_MS = 20;

/** No member can store anything, until the returned function is called. */
function fill(t: TestMembers): () => void {
  const undo = t.names.map((name) => {
    const { blobs } = t.get(name).view.engine;
    const put = blobs.put.bind(blobs);
    const full = () => Promise.reject(failure("ENOSPC", "the disk is full"));
    Object.assign(blobs, { put: full });
    return () => Object.assign(blobs, { put });
  });
  return () => undo.forEach((free) => free());
}

/** Tells of the steps of the next move of a process from node a to node b, once each. */
function watchSteps(t: TestMembers, pid: number, reached: (step: Step) => void): () => void {
  const seen = new Set<Step>();
  const reach = (step: Step) => {
    if (!seen.has(step)) reached(step);
    seen.add(step);
  };
  const [a, b] = [t.get("a"), t.get("b")];
  const { directory } = b.view;
  const told = a.cluster.told.bind(a.cluster);
  const [asked, bulk] = [b.cluster.asked.bind(b.cluster), b.cluster.bulk.bind(b.cluster)];
  const claim = directory.claim.bind(directory);
  a.cluster.told = (link, kind, body) => {
    if (kind === "move/taken") reach("taken");
    told(link, kind, body);
  };
  b.cluster.asked = (link, kind, body) => {
    if (kind === "move/offer") reach("offer");
    return asked(link, kind, body);
  };
  b.cluster.bulk = (peer, stream, header) => {
    reach("round");
    bulk(peer, stream, header);
  };
  directory.claim = (...about) => {
    reach("claim");
    return claim(...about);
  };
  const unwatch = watchLwps(pid, reach);
  return () => {
    Object.assign(a.cluster, { told });
    Object.assign(b.cluster, { asked, bulk });
    Object.assign(directory, { claim });
    unwatch();
  };
}

function watchLwps(pid: number, reach: (step: Step) => void): () => void {
  const prototype = LwpThread.prototype as unknown as {
    ask: (pid: number, question: Question) => Promise<unknown>;
    tell: (message: ToLwp) => void;
    prepare: (released: { record: { pid: number } }) => Promise<void>;
  };
  const { ask, tell, prepare } = prototype;
  prototype.ask = async function (this: LwpThread, of, question) {
    const isFreeze = of === pid && question.kind === "freeze";
    if (isFreeze) reach("freeze");
    const answer = await ask.call(this, of, question);
    if (isFreeze) reach("hand");
    return answer;
  };
  prototype.prepare = function (this: LwpThread, released) {
    if (released.record.pid === pid) reach("prepare");
    return prepare.call(this, released);
  };
  prototype.tell = function (this: LwpThread, message) {
    if (message.op === "start" && message.pid === pid && this.nodeName === "b") reach("run");
    if (message.op === "depart" && message.pid === pid && this.nodeName === "a") reach("forward");
    tell.call(this, message);
  };
  return () => Object.assign(prototype, { ask, tell, prepare });
}

/**
 * Moves a durable process from node a to node b; the disk is full from `step` on. It goes on as if nothing had been, what it
 * had is still good, the fault is told where it runs, and when there is room again so are images.
 */
export async function moveOnFullDisk(t: TestMembers, home: string, step: Step, program: string): Promise<string[]> {
  const imported = "const { onSignal } = globalThis.__godwit.exports;\n";
  const pid = await t.start(home, imported + program, INTERVAL_MS);
  const watched = t.test(home).watch(pid);
  await watched.printed("tick 2");
  const { own, cluster } = t.get(home);
  if (home !== "a") assert.equal((await cluster.migrate(pid, "a")).outcome, "moved");
  const target = t.get("b");
  const { directory } = target.view;
  let free: (() => void) | undefined;
  const unwatch = watchSteps(t, pid, (at) => {
    if (at === step) free = fill(t);
  });
  try {
    const { outcome, reason } = await within("the move", t.get("a").cluster.migrate(pid, "b"));
    assert.deepEqual([outcome, reason], ["moved", undefined]);
    assert.ok(free !== undefined, "the step was reached");
    const unsaved = () => t.events.some((event) => event.kind === "unsaved" && event.pid === pid && event.node === "b");
    await until("it is told that nothing is saved", unsaved);
    const { chains = [] } = (await directory.find(pid))?.durable ?? {};
    const recovered = await target.cluster.durability?.images.recover(pid, chains);
    assert.deepEqual([recovered?.image, recovered?.problems], [chains[0]?.at(-1), []]);
    free();
    await until("an image of it", () => (target.cluster.durability?.savedCount(pid)?.images ?? 0) > 0);
    assert.equal((await directory.find(pid))?.node, "b");
  } finally {
    free?.();
    unwatch();
  }
  await own.signal(pid, "SIGUSR1");
  const { status, stderr, stdout } = await within("its end", watched.ended);
  assert.deepEqual([status.code, stderr], [0, ""]);
  const { blobs } = target.view.engine;
  await until("its images' end", async () => (await blobs.list(`image/${pid}/`)).length === 0);
  return stdout.split("\n").slice(0, -1);
}
