/** The corpus on processes that move between nodes while they run: every program prints what it prints undisturbed. */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { MoveReport, StressMode } from "../../src/abi/control.ts";
import { connectNatsEngine } from "../../src/cluster/engines/nats.ts";
import { foundCluster } from "../../src/cluster/identity-authority.ts";
import type { ClusterNode } from "../../src/node/cluster-node.ts";
import { endChildren } from "../cluster/child.ts";
import { until } from "../cluster/condition.ts";
import { NatsServers, findNatsServer } from "../cluster/nats-server.ts";
import { withCluster } from "../node/bench-cluster.ts";
import { type TestMembers, withMembers } from "../node/bench-members.ts";
import type { TestNode } from "../node/bench-node.ts";
import { asFunction, corpus, type CorpusProgram, outputOf, PRELUDE, uncaughtOf } from "./program.ts";

const SEED = Number(process.env["GODWIT_MOVING_SEED"] ?? 1);
const AT_ONCE = 4;
/** Each seed takes another part of the corpus; GODWIT_MOVING_PARTS=1 takes all of it. */
const PARTS = Number(process.env["GODWIT_MOVING_PARTS"] ?? 6);
/** Where nodes are joined by real links. */
const LINKED_PARTS = Number(process.env["GODWIT_MOVING_PARTS"] ?? 18);
/** So that there is something to move in the middle of: most programs are over within a millisecond. */
const STRESS = { every: 90, at: "call" } as const;
/** A move over a real link takes longer. */
const LINKED_STRESS = { every: 15, at: "call" } as const;

/** A guest that runs a corpus program as the host's engines do, and says what it printed. */
function guestOf(program: CorpusProgram): string {
  const { name, source } = asFunction(program, 0);
  return `${PRELUDE}
const anyPromise = Promise, later = setTimeout, say = console.log.bind(console);
say("up");
try { (0, eval)(${JSON.stringify(`${source}\n//# sourceURL=${name}.js`)}); }
catch (error) { ${uncaughtOf(0)}(error); }
await new anyPromise((resolve) => later(resolve, 1));
say(${outputOf(0)});`;
}

/** Numbers below a limit, the same for a seed. */
function chance(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** Nodes between which processes move. */
interface Nodes {
  readonly names: readonly string[];
  readonly get: (name: string) => ClusterNode;
  readonly test: (name: string) => TestNode;
}

/** Runs of one program, until it has moved in one. */
const TRIES_MAX = 5;

/** Moves a process to one node after the other, at moments that a seed chooses, until it ends. */
async function wander(
  t: Nodes,
  home: string,
  pid: number,
  seed: number,
  ended: Promise<unknown>,
): Promise<MoveReport[]> {
  const below = chance(seed);
  const moves: MoveReport[] = [];
  let isOver = false;
  void ended.then(() => (isOver = true));
  let at = home;
  while (!isOver) {
    const rest = t.names.filter((name) => name !== at);
    const to = rest[below(rest.length)] ?? home;
    for (let turns = below(4); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    const report = await t
      .get(home)
      .migrate(pid, to)
      .catch((error: unknown) => error);
    if (!isReport(report)) {
      if (isCode(report, "ESRCH") || isCode(report, "EAGAIN")) continue;
      throw report;
    }
    if (report.outcome === "moved") {
      moves.push(report);
      at = to;
    } else assert.match(report.reason ?? "", /ended|has ended|still leaving/, `${pid} ${report.outcome}`);
  }
  return moves;
}

const isReport = (value: unknown): value is MoveReport =>
  typeof value === "object" && value !== null && "outcome" in value;
const isCode = (error: unknown, code: string) => error instanceof Error && "code" in error && error.code === code;

/** A part of the corpus, on processes that wander; each prints what it prints on one that stays. */
function corpusTest(t: Nodes, where: string, parts: number, stress: StressMode = STRESS): void {
  const title = `programs of the corpus, one in ${parts}, print the same when they move from node to node ${where}`;
  test(title, { timeout: 120_000 }, async (context) => {
    const waiting = corpus()
      .map((program, index) => ({ program, index }))
      .filter(({ index }) => index % parts === SEED % parts);
    const count = waiting.length;
    let moves = 0;
    let movedPrograms = 0;
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { program, index } = next;
        const still = await t.test("a").run(guestOf(program), { stress });
        // A short one may be over before it moves.
        let reports: MoveReport[] = [];
        for (let tries = 0; reports.length === 0 && tries < TRIES_MAX; tries++) {
          const started = await t.test("a").start(guestOf(program), { stress });
          reports = await wander(t, "a", started.pid, SEED + index + tries, started.ended);
          const { status, stdout, stderr } = await started.ended;
          assert.deepEqual(
            [status.code, stderr, stdout],
            [still.status.code, still.stderr, still.stdout],
            program.name,
          );
          assert.notEqual(stdout, "", `${program.name}: ${JSON.stringify(status)} ${stderr}`);
        }
        moves += reports.length;
        if (reports.length > 0) movedPrograms++;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    context.diagnostic(`${moves} moves of ${movedPrograms} of ${count} programs`);
    assert.ok(movedPrograms > count / 2, `${moves} moves of ${movedPrograms} programs`);
  });
}

const NODES = ["a", "b", "c"];

await withCluster(NODES, (cluster) => {
  const get = (name: string) => cluster.get(name);
  const t: Nodes = { names: NODES, get, test: (name) => cluster.test(name) };
  corpusTest(t, "through memory", PARTS);

  test("timers fire once, not early, and late only by the time that the process stood still", async (context) => {
    const source = `
      const beforeMs = Date.now(), ownMs = performance.now(), rows = [];
      await Promise.all(Array.from({ length: 40 }, (_, n) => new Promise((resolve) => {
        const delayMs = 20 + (n * 37) % 500;
        setTimeout(() => { rows.push([n, delayMs, Date.now() - beforeMs, performance.now() - ownMs]); resolve(); }, delayMs);
      })));
      const ticks = await new Promise((resolve) => { let n = 0; const timer = setInterval(() => { if (++n === 20) { clearInterval(timer); resolve(n); } }, 10); });
      console.log(JSON.stringify({ rows, ticks, tookMs: Date.now() - beforeMs }));`;
    const control = await t.test("a").start(source);
    const started = await t.test("b").start(source);
    const moves = await wander(t, "b", started.pid, SEED, started.ended);
    const [quiet, moved] = [await control.ended, await started.ended].map(({ stdout, stderr }) => {
      assert.equal(stderr, "");
      return JSON.parse(stdout) as { rows: [number, number, number, number][]; ticks: number };
    });
    assert.ok(quiet !== undefined && moved !== undefined);
    assert.deepEqual(
      moved.rows.map(([n]) => n).toSorted((a, b) => a - b),
      Array.from({ length: 40 }, (_, n) => n),
    );
    assert.equal(moved.ticks, 20);
    const latest = (rows: readonly [number, number, number, number][]) =>
      Math.max(...rows.map(([, delayMs, wallMs]) => wallMs - delayMs));
    const stoodStillMs = moves.reduce((sum, { downtimeMs }) => sum + downtimeMs, 0);
    for (const [n, delayMs, wallMs, ownMs] of moved.rows)
      assert.ok(
        wallMs >= delayMs - 1 && ownMs >= delayMs - 0.5,
        `timer ${n} of ${delayMs} ms: ${wallMs} ms, ${ownMs} ms its own`,
      );
    const boundMs = stoodStillMs + 3 * latest(quiet.rows) + 50;
    context.diagnostic(
      `${moves.length} moves, ${stoodStillMs.toFixed(0)} ms still; late by at most ${latest(moved.rows)} ms, ${latest(quiet.rows)} ms without moves`,
    );
    assert.ok(moves.length >= 3, `${moves.length} moves`);
    assert.ok(latest(moved.rows) <= boundMs, `${latest(moved.rows)} ms late, at most ${boundMs.toFixed(0)} ms`);
  });
});

function linked(members: TestMembers): Nodes {
  return { names: NODES, get: (name) => members.get(name).cluster, test: (name) => members.test(name) };
}

await withMembers(NODES, (members) =>
  corpusTest(linked(members), "over Unix sockets, on the embedded engine", LINKED_PARTS, LINKED_STRESS),
);

const authority = await foundCluster();
await withMembers(
  NODES,
  (members) => corpusTest(linked(members), "over TLS, on the embedded engine", LINKED_PARTS, LINKED_STRESS),
  {
    authority,
  },
);

const found = await findNatsServer();
if ("missing" in found) {
  console.error(`NOT TESTED: moves on the NATS engine: ${found.missing}`);
  test("programs of the corpus that move on the NATS engine", { skip: found.missing });
} else {
  const servers = await NatsServers.start(found.path, 1);
  const engine = () => connectNatsEngine({ servers: servers.urls, cluster: "moving", timeoutMs: 15_000 });
  await until(
    "JetStream",
    async () =>
      engine()
        .then((connected) => connected.close())
        .then(() => true),
    40_000,
  );
  await withMembers(
    NODES,
    (members) => corpusTest(linked(members), "over TLS, on the NATS engine", LINKED_PARTS, LINKED_STRESS),
    {
      engine,
      authority,
    },
  );
  after(async () => {
    await servers.stop();
    await endChildren();
  });
}
