/**
 * Three machines in miniature, in network namespaces: the demo among them, a link cut in the middle of a move, a plug pulled.
 *
 * @alone: three machines need the whole one
 */

import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { after, before, describe, test } from "node:test";
import type { ClusterEvent } from "../../src/abi/control.ts";
import type { NodeClient } from "../../src/client/node-client.ts";
import { show } from "../../src/cli/demo.ts";
import { compileProgram, guestExports } from "../../src/node/program.ts";
import { until } from "./condition.ts";
import { MACHINES, type Machine, NamespaceWorld, findMeans } from "./namespace-world.ts";

const means = await findMeans();
const skip = "missing" in means ? `NOT TESTED: ${means.missing}` : false;
if (skip !== false) console.error(skip);

const DEMO = fileURLToPath(new URL("../../../demo/primes.ts", import.meta.url));
const LIMIT = 50_000_000;
const START_MS = 120_000;
const DEADLINE_MS = 60_000;
/** The copy of the heap takes seconds at this rate, and the cut is shorter than a node's silence may be. */
const SLOW_MBIT = 100;
const CUT_AFTER_MS = 700;
const CUT_MS = 1000;

/** Counts aloud. */
const PLAIN_COUNTER = `
import { sleep } from "godwit";
for (let n = 1; ; n++) {
  console.log(n);
  sleep(20);
}
`;

/** Holds 32 MB, counts aloud, and checks its heap with each number. */
const COUNTER = `
import { sleep } from "godwit";
const heap = new Uint32Array(8 * 2 ** 20);
for (let i = 0, x = 1; i < heap.length; i++) heap[i] = x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
const sum = (from: number) => heap.subarray(from, from + 4096).reduce((all, one) => (all + one) >>> 0, 0);
const sums = Array.from({ length: heap.length / 4096 }, (_, part) => sum(part * 4096));
for (let n = 1; ; n++) {
  const part = n % sums.length;
  console.log(sum(part * 4096) === sums[part] ? n : "the heap is damaged at " + part);
  sleep(20);
}
`;

const leftBehind = () => readdirSync("/run/netns").filter((name) => name.startsWith(`gw${process.pid}`));

describe("three network namespaces, three NATS servers, three nodes", { skip }, () => {
  let world: NamespaceWorld;
  let control: NodeClient;
  const events: ClusterEvent[] = [];
  before(
    async () => {
      assert.ok("nats" in means);
      world = await NamespaceWorld.start(means.nats, ["--lwps", "1"]);
      await use("a");
    },
    { timeout: START_MS },
  );
  after(async () => {
    await world.stop();
    assert.deepEqual(leftBehind(), [], "every namespace is gone");
    assert.equal(existsSync(world.folder), false);
  });

  /** Sees the cluster from here from now on. What happens may be in `events` twice. */
  async function use(machine: Machine): Promise<void> {
    control = await world.control(machine);
    control.events(false, (event) => events.push(event));
  }

  /** The numbers that a process has printed; each once, in order, from 1. */
  async function counted(pid: number): Promise<number> {
    const bytes: Uint8Array[] = [];
    await control.keptOutput(pid, (_, some) => void bytes.push(some));
    const numbers = Buffer.concat(bytes).toString().trimEnd().split("\n").map(Number);
    for (const [index, number] of numbers.entries()) assert.equal(number, index + 1);
    return numbers.length;
  }

  async function start(program: string, node: string, ...flags: string[]): Promise<number> {
    const file = join(world.folder, "counter.ts");
    writeFileSync(file, program);
    const pid = Number(await world.godwit("a", "run", "--detach", "--node", node, ...flags, file));
    await until("it counts", async () => (await counted(pid)) > 1, DEADLINE_MS);
    return pid;
  }

  const placeOf = async (pid: number) =>
    (await control.list()).find((one) => one.pid === pid && one.state !== "ended")?.node;

  /** Whether a node runs a process, as it says itself. */
  async function atNode(machine: Machine, pid: number): Promise<boolean> {
    const own = await world.control(machine);
    return (await own.list()).some((one) => one.pid === pid && one.node === machine && one.state !== "ended");
  }

  async function goesOn(pid: number): Promise<void> {
    const before = await counted(pid);
    await until("it goes on", async () => (await counted(pid)) > before, DEADLINE_MS);
  }

  test("each machine's node is reached at its own address", { timeout: DEADLINE_MS }, async () => {
    const nodes = await control.nodes();
    assert.deepEqual(nodes.map(({ name }) => name).toSorted(), [...MACHINES]);
    for (const { name, addresses } of nodes)
      assert.match(addresses[0] ?? "", new RegExp(`^tls:10\\.213\\.\\d+\\.${MACHINES.indexOf(name as "a") + 1}:\\d+$`));
  });

  test("a link is cut in the middle of a move: the process goes on, once", { timeout: 2 * DEADLINE_MS }, async () => {
    const pid = await start(COUNTER, "a");
    await world.slow("a", SLOW_MBIT);
    const moving = control.migrate(pid, "b");
    await delay(CUT_AFTER_MS);
    assert.equal(await Promise.race([moving, Promise.resolve("under way")]), "under way");
    await world.part("a", "b");
    await delay(CUT_MS);
    await world.join("a", "b");
    const report = await moving;
    assert.ok(report.outcome === "moved" || report.outcome === "stayed", report.outcome);
    await until(
      "it is where the report says",
      async () => (await placeOf(pid)) === (report.outcome === "moved" ? "b" : "a"),
      DEADLINE_MS,
    );
    await goesOn(pid);
    // The next try is undisturbed.
    const next = await control.migrate(pid, "c");
    assert.equal(next.outcome, "moved", next.reason);
    await goesOn(pid);
    await world.godwit("a", "kill", String(pid));
  });

  for (const victim of ["leader", "follower"] as const)
    test(
      `a plug is pulled, of the machine whose server is the store's ${victim}: the durable process comes back, and the node too`,
      { timeout: 3 * DEADLINE_MS },
      async () => {
        const leader = await world.leader();
        const other = MACHINES.find((each) => each !== leader) ?? "a";
        const [machine, through] = victim === "leader" ? [leader, other] : [other, leader];
        await use(through);
        const pid = await start(PLAIN_COUNTER, machine, "--durable=500ms");
        const local = await start(PLAIN_COUNTER, machine);
        const bystander = await start(PLAIN_COUNTER, through);
        const { epoch = -1 } = (await control.list()).find((one) => one.pid === pid) ?? {};
        await delay(1500); // an image of it is there
        const heard = events.length;
        await world.cutOff(machine);
        const told = (kind: ClusterEvent["kind"]) => events.slice(heard).filter((each) => each.kind === kind);
        await until(
          "it is elsewhere",
          () => told("restored").some((each) => "pid" in each && each.pid === pid),
          DEADLINE_MS,
        );
        const found = (await control.list()).find((one) => one.pid === pid && one.state !== "ended");
        assert.ok(found !== undefined && found.node !== machine && found.epoch > epoch, JSON.stringify(found));
        assert.deepEqual([...new Set(told("died").map(({ node }) => node))], [machine], "no other was taken for dead");
        await goesOn(bystander);
        await world.plugIn(machine);
        await until("it is in the cluster again", async () => (await control.nodes()).length === 3, DEADLINE_MS);
        assert.ok(world.isUp(machine), "it is the same node");
        await goesOn(local);
        assert.equal(await placeOf(local), machine);
        assert.equal(await placeOf(pid), found.node);
        await until("its old copy is gone", async () => !(await atNode(machine, pid)), DEADLINE_MS);
        for (const each of [pid, local, bystander]) await control.signal(each, "SIGKILL");
      },
    );

  test(
    "the demo: moved about, one node drained, one killed, the answer right",
    { timeout: 3 * DEADLINE_MS },
    async () => {
      await use("a");
      const program = await compileProgram(DEMO, { guestExports: await guestExports() });
      const play = { limit: LIMIT, json: false, startMs: performance.now() };
      await show({ control, nodes: MACHINES, through: "a" }, program, play);
      const kinds = events.map(({ kind }) => kind);
      for (const kind of ["moved", "left", "died", "restored"] as const) assert.ok(kinds.includes(kind), kind);
    },
  );
});
