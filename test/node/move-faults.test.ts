/**
 * Every fault at every step of a move, on real nodes: whatever befalls, at most one node runs the process, it is lost only
 * with the node that had it, its answer is right, and nothing is left of the move. docs/migration-faults.md is made from this
 * table: `GODWIT_WRITE_DOCS=1 node --test dist/test/node/move-faults.test.js`.
 */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { MoveReport } from "../../src/abi/control.ts";
import { present } from "../../src/assert.ts";
import { failure } from "../../src/errors.ts";
import { LwpThread } from "../../src/node/lwp-thread.ts";
import { until, within } from "../cluster/condition.ts";
import { type TestCluster, withCluster } from "./bench-cluster.ts";
import { withMembers } from "./bench-members.ts";
import type { Started } from "./bench-node.ts";
import { moveOnFullDisk } from "./full-disk.ts";
import { Effects, MoveSteps, type Step, STEPS } from "./move-steps.ts";

/** Each line is an effect: one that is there twice was done twice. */
const PROGRAM = `
  let goesOn = true, sum = 0, n = 0;
  onSignal("SIGUSR1", () => { goesOn = false; });
  for (; goesOn; n++) { sum += n; console.log("tick", n); sleep(2); }
  console.log("sum", sum, "of", n);
`;
const FOR_A_WHILE_MS = 400;

/** Where a process is at home while it goes from node a to node b. */
const HOMES = { a: "the source", b: "the target", h: "a third node" } as const;
type Home = keyof typeof HOMES;

interface Fault {
  readonly what: string;
  /** Does it; returns what ends it. */
  readonly befall: (t: TestCluster, pid: number) => void | (() => void);
  /** A node that it takes away. */
  readonly kills?: "a" | "b";
  /** The two take each other for dead. */
  readonly cuts?: true;
  /** The process may be ended by it. */
  readonly ends?: true;
}

const FAULTS: readonly Fault[] = [
  { what: "the source dies", kills: "a", befall: (t) => void t.kill("a") },
  { what: "the target dies", kills: "b", befall: (t) => void t.kill("b") },
  { what: "their connection breaks and comes back", befall: (t) => t.blink("a", "b", 30) },
  { what: "their connection breaks for good", cuts: true, befall: (t) => t.sever("a", "b") },
  { what: "the directory is away for a while", befall: (t) => away(t, FOR_A_WHILE_MS) },
  { what: "the directory's next answer is lost", befall: answerLost },
  { what: "the target has no memory", befall: noMemory },
  { what: "the process is killed", ends: true, befall: (t, pid) => void killed(t, pid) },
  {
    what: "the move is given up",
    befall: (t, pid) =>
      void t
        .get("a")
        .cancelMove(pid)
        .catch(() => {}),
  },
];

let meddle: TestCluster["directory"]["meddle"] = () => undefined;

function away(_t: TestCluster, forMs: number): () => void {
  const untilMs = performance.now() + forMs;
  meddle = () => (performance.now() < untilMs ? { carryOut: false } : undefined);
  return () => (meddle = () => undefined);
}

function answerLost(): () => void {
  let isLost = false;
  meddle = () => {
    if (isLost) return undefined;
    isLost = true;
    return { carryOut: true };
  };
  return () => (meddle = () => undefined);
}

function noMemory(): () => void {
  const prototype = LwpThread.prototype as { prepare: (this: LwpThread, ...about: never[]) => Promise<void> };
  const prepare = prototype.prepare;
  prototype.prepare = () => Promise.reject(failure("ENOMEM", "the machine has no room"));
  return () => (prototype.prepare = prepare);
}

async function killed(t: TestCluster, pid: number): Promise<void> {
  for (const { node } of t.nodes.values()) if (node.table.find(pid) !== undefined) await node.signal(pid, "SIGKILL");
}

/** What became of the process, in a word. */
type Became = "moves" | "stays" | "is lost" | "ends" | "loses its home";

interface Cell {
  readonly started: Started;
  readonly report: MoveReport | string;
}

async function move(
  t: TestCluster,
  steps: MoveSteps,
  home: Home,
  step: Step,
  fault: Fault,
): Promise<Cell & { undo: () => void }> {
  const started = await t.test(home).start(PROGRAM);
  await started.printed("tick 2");
  if (home !== "a") assert.equal((await t.get(home).migrate(started.pid, "a")).outcome, "moved");
  let undo = () => {};
  steps.at(step, started.pid, "a", "b", () => (undo = fault.befall(t, started.pid) ?? undo));
  const moving = t
    .get("a")
    .migrate(started.pid, "b")
    .catch((error: unknown) => String(error));
  const gone = new Promise<string>((resolve) => {
    if (fault.kills === "a")
      void until("it is dead", () => !t.nodes.has("a")).then(() => resolve("the source is dead"));
  });
  const report = await within("the move is over", Promise.race([moving, gone]), 15_000);
  return { started, report, undo: () => undo() };
}

/** LWPs that know of a process. */
async function places(t: TestCluster, pid: number): Promise<string[]> {
  const found: string[] = [];
  for (const { node } of t.nodes.values())
    for (const lwp of node.lwps.all()) {
      const answer = await lwp.ask(pid, { kind: "summary" }).catch(() => undefined);
      if (answer !== undefined) found.push(`${node.name}, LWP ${lwp.index}`);
    }
  return found;
}

async function nothingLeft(t: TestCluster, pid: number): Promise<void> {
  const left = () =>
    [...t.nodes.values()].flatMap(({ node, hosting, moves }) => [
      ...(moves > 0 ? [`${moves} moves of ${node.name}`] : []),
      ...(hosting.find(pid) === undefined ? [] : [`${node.name} hosts it`]),
      ...(node.table.find(pid)?.held === undefined ? [] : [`it is held at ${node.name}`]),
    ]);
  await until("nothing is left of the move", () => left().length === 0, 3_000).catch(() =>
    assert.deepEqual(left(), []),
  );
  await until("no LWP has it", async () => (await places(t, pid)).length === 0, 3_000).catch(async () =>
    assert.deepEqual(await places(t, pid), []),
  );
}

/** Every effect once, and in order; whether it came to its end. */
function checkEffects(lines: readonly string[]): boolean {
  const isWhole = lines.at(-1)?.startsWith("sum") === true;
  const ticks = isWhole ? lines.slice(0, -1) : lines;
  assert.deepEqual(
    ticks,
    Array.from(ticks, (_, n) => `tick ${n}`),
    "each effect once, and in order",
  );
  const count = ticks.length;
  if (isWhole) assert.equal(lines.at(-1), `sum ${(count * (count - 1)) / 2} of ${count}`);
  return isWhole;
}

/** Ends a process that its home does not hear of any more. */
async function endOrphan(t: TestCluster, pid: number): Promise<boolean> {
  const found = await places(t, pid);
  assert.ok(found.length <= 1, `it is at ${found.join(" and at ")}`);
  for (const { node } of t.nodes.values())
    for (const lwp of node.lwps.all()) lwp.tell({ op: "end", pid, code: 137, reason: "its test is over" });
  return found.length === 1;
}

async function judge(
  t: TestCluster,
  effects: Effects,
  home: Home,
  { started, report }: Cell,
  fault: Fault,
): Promise<Became> {
  const { pid } = started;
  const hasMoved = (typeof report !== "string" && report.outcome === "moved") || fault.kills === "a";
  if (fault.kills === home) {
    const lives = await endOrphan(t, pid);
    checkEffects(effects.of(pid));
    await nothingLeft(t, pid);
    return lives ? "loses its home" : "is lost";
  }
  await t
    .get(home)
    .node.signal(pid, "SIGUSR1")
    .catch(() => {}); // it has ended
  const { status, stderr } = await within("its end", started.ended, 20_000);
  if (status.code === 0) {
    await nothingLeft(t, pid);
    assert.deepEqual([checkEffects(effects.of(pid)), stderr], [true, ""]);
    return hasMoved ? "moves" : "stays";
  }
  assert.equal(status.code, 137, stderr);
  const lives = fault.cuts === true && (await endOrphan(t, pid));
  checkEffects(effects.of(pid));
  await nothingLeft(t, pid);
  if (fault.ends === true) return "ends";
  if (lives) return "loses its home";
  assert.ok(fault.kills !== undefined, `it is lost only with a node: ${stderr}`);
  return "is lost";
}

const table = new Map<string, Became>();

const FULL_DISK = "the disk is full where its images are written";
await withMembers(["h", "a", "b"], (t) => {
  for (const home of Object.keys(HOMES) as Home[])
    for (const step of STEPS)
      test(`${step}: ${FULL_DISK}, at home at ${HOMES[home]}`, async () => {
        const lines = await moveOnFullDisk(t, home, step, PROGRAM);
        assert.equal(checkEffects(lines), true);
        table.set(`${home} ${FULL_DISK} ${step}`, "moves");
      });
});

await withCluster(
  ["h", "a", "b"],
  (t) => {
    t.directory.meddle = (pid, to) => meddle(pid, to);
    // Not before its turn: the suite above watches LWPs in the same place, and puts back what it found there.
    let steps: MoveSteps | undefined;
    before(() => void (steps = new MoveSteps(t)));
    const effects = new Effects();
    for (const name of t.nodes.keys()) effects.watch(t, name);
    for (const home of Object.keys(HOMES) as Home[])
      for (const fault of FAULTS)
        for (const step of STEPS) {
          test(`${step}: ${fault.what}, at home at ${HOMES[home]}`, async () => {
            const { undo, ...cell } = await move(t, present(steps, "steps"), home, step, fault);
            try {
              const became = await judge(t, effects, home, cell, fault);
              assert.ok(steps?.seen.has(step), "the step was reached");
              table.set(`${home} ${fault.what} ${step}`, became);
            } finally {
              undo();
              t.mend();
              for (const name of ["a", "b"])
                if (!t.nodes.has(name)) {
                  await t.add(name);
                  effects.watch(t, name);
                }
            }
          });
        }
    test("the page about it says the same", () => {
      const path = fileURLToPath(new URL("../../../docs/migration-faults.md", import.meta.url));
      const page = pageOf();
      if (process.env["GODWIT_WRITE_DOCS"] !== undefined) writeFileSync(path, page);
      assert.equal(readFileSync(path, "utf8"), page);
    });
  },
  1,
);

function pageOf(): string {
  const lines = [
    "# Faults during a move",
    "",
    "What becomes of a process when something fails while it goes from node a to node b. Made by `test/node/move-faults.test.ts`,",
    "which does each of these to real nodes and checks after each that at most one node runs the process, that each of its",
    "effects is there once and in order, that its answer is right, and that no node keeps anything of the move. The process is",
    "not durable: what is lost here comes back from its last image when it is. In the last line of each table it is durable, on",
    "the embedded engine with real links: there its images stay good, and new ones are made when there is room again.",
    "",
    "- **moves**: it runs at b.",
    "- **stays**: it runs at a, as if nothing had been.",
    "- **is lost**: it ended with the node that had it; its home says so, if it was not that node.",
    "- **ends**: it was killed, and its home has its status.",
    "- **loses its home**: it runs, and its home is dead or takes its host for dead: in a cluster the host adopts it.",
    "",
    "The steps: *offer*, the target is asked; *round*, pages are sent while it runs; *freeze*, it is stopped; *hand*, the record and the",
    "last pages are sent; *prepare*, it is put in place; *claim*, the directory is asked to make it the target's; *run*, it starts;",
    "*taken*, the source is told; *forward*, the source lets go of it.",
  ];
  for (const home of Object.keys(HOMES) as Home[]) {
    lines.push("", `## At home at ${HOMES[home]}`, "", row(["", ...STEPS]), row(["", ...STEPS].map(() => "---")));
    for (const what of [...FAULTS.map((fault) => fault.what), FULL_DISK])
      lines.push(row([what, ...STEPS.map((step) => table.get(`${home} ${what} ${step}`) ?? "?")]));
  }
  return `${lines.join("\n")}\n`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
