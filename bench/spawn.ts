/** From a program's start to its first statement, beside the other ways there are; all turn by turn in one run. */

import { loadEngine } from "../src/machine/load.ts";
import { BenchNode } from "./bench-node.ts";
import type { Extent, Group } from "./benchmark.ts";
import { nodeWays, type Way } from "./compare/node-spawn.ts";
import { LocalKernel } from "./local-kernel.ts";
import { ratioOf, rowOf } from "./row.ts";

const TURNS = 320;
const WARM_UP_TURNS = 80;
/** Its first statement is a system call that the node hears of: the end. */
const PROGRAM = "globalThis.__godwit.exports.exit(0);";
const PRINTING = 'console.log("first");';
const GOAL = "godwit: node.spawn to first statement";

export async function measureSpawn({ quick }: Extent): Promise<Group[]> {
  const bench = await BenchNode.start();
  const kernel = new LocalKernel(await loadEngine());
  const ways: Way[] = [
    { name: GOAL, every: 1, start: () => untilEnd(bench) },
    { name: "godwit: node.spawn to first line of console.log", every: 1, start: () => untilPrinted(bench) },
    { name: "godwit: the LWP's part alone", every: 1, start: () => untilCall(kernel) },
    ...(await nodeWays()),
  ];
  const samples = new Map(ways.map(({ name }): [string, number[]] => [name, []]));
  const [warmUpTurns, turns] = quick ? [1, 2] : [WARM_UP_TURNS, TURNS];
  for (let turn = -warmUpTurns; turn < turns; turn++) {
    for (const way of ways) {
      if (turn % way.every !== 0) continue;
      const tookMs = await way.start();
      if (turn >= 0) samples.get(way.name)?.push(tookMs);
    }
  }
  await bench.stop();
  const rows = [...samples].map(([name, values]) => rowOf(name, "ms", values));
  const [spawned, ...others] = rows;
  if (spawned === undefined) throw new RangeError("godwit was not measured");
  const ratios = others.slice(2).map((row) => ratioOf(`godwit to ${row.name.split(":", 1)[0]}`, spawned, row));
  return [
    { title: "Spawn to first statement", rows: [...rows, ...ratios], goals: [{ row: GOAL, atMost: 1 }], missing: [] },
  ];
}

/** To the news of the first statement: the way back from the LWP counts, too. */
async function untilEnd({ node }: BenchNode): Promise<number> {
  const beganMs = performance.now();
  await node.wait(await node.spawn({ name: "program.js", source: PROGRAM }));
  return performance.now() - beganMs;
}

async function untilPrinted({ node }: BenchNode): Promise<number> {
  let printedMs = 0;
  const beganMs = performance.now();
  const pid = await node.spawn({ name: "program.js", source: PRINTING });
  node.output(pid, true, () => void (printedMs ||= performance.now()));
  await node.wait(pid);
  return printedMs - beganMs;
}

/** To its first system call, as on an LWP that had the time to get ready. */
async function untilCall(kernel: LocalKernel): Promise<number> {
  let calledMs = 0;
  kernel.nursery.prepare();
  kernel.onPost = () => void (calledMs ||= performance.now());
  const beganMs = performance.now();
  kernel.spawn(PROGRAM);
  kernel.settle();
  return calledMs - beganMs;
}
