/** What a thread of a process costs, beside a POSIX thread in C and a Java thread: each in turn, several times over. */

import { BenchNode, PRELUDE, samplesOf } from "./bench-node.ts";
import type { Extent, Group } from "./benchmark.ts";
import { threadPrograms } from "./compare/threads.ts";
import { pooled, ratioOf, type Row, rowOf } from "./row.ts";

const ROUNDS = 3;
const CREATE = "godwit: create and join";
const SWITCH = "godwit: switch by condition variable";
const YIELD = "godwit: switch by yield";

export async function measureThreads({ quick }: Extent): Promise<Group[]> {
  const bench = await BenchNode.start();
  const compared = await threadPrograms();
  const rounds = quick ? 1 : ROUNDS;
  const rows: Row[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      rows.push(...(await godwitRows(bench, quick)));
      if (quick) continue;
      for (const program of compared.programs) rows.push(...(await program()));
    }
  } finally {
    await bench.stop();
    await compared.remove();
  }
  const names = [...new Set(rows.map(({ name }) => name))];
  const all = names.map((name) => pooled(rows.filter((row) => row.name === name)));
  return [{ title: "Threads", rows: [...all, ...ratios(all)], goals: [], missing: compared.missing }];
}

function ratios(rows: readonly Row[]): Row[] {
  const against = (mine: string, theirs: string): Row[] => {
    const row = rows.find(({ name }) => name === mine);
    const baselines = rows.filter(({ name }) => name.includes(theirs) && !name.startsWith("godwit"));
    return row === undefined ? [] : baselines.map((baseline) => ratioOf(`${mine}, to ${baseline.name}`, row, baseline));
  };
  return [...against(CREATE, "create and join"), ...against(SWITCH, "switch by condition")];
}

async function godwitRows(bench: BenchNode, quick: boolean): Promise<Row[]> {
  const [creates, turns] = quick ? [10, 2] : [4000, 200];
  const samples = async (source: string): Promise<number[]> => samplesOf(await bench.run(source));
  return [
    rowOf(CREATE, "us", await samples(createProgram(creates))),
    rowOf(SWITCH, "us", await samples(turnsProgram(turns))),
    rowOf(YIELD, "us", await samples(yieldProgram(turns))),
  ];
}

const createProgram = (samples: number): string => `${PRELUDE}
const took = [];
for (let i = -${Math.ceil(samples / 8)}; i < ${samples}; i++) {
  const began = godwit.monotonic();
  godwit.Thread.create(() => {}).join();
  if (i >= 0) took.push((godwit.monotonic() - began) * 1e3);
}
console.log(JSON.stringify(took));`;

/** The same as in \`compare/pthreads.c\`: even turns are the main thread's, odd ones the other's. */
const turnsProgram = (samples: number): string => `${PRELUDE}
const TURNS_PER_SAMPLE = 500, WARM_UP = ${Math.ceil(samples / 10)};
const mutex = new godwit.Mutex(), turnChanged = new godwit.Condition();
let turn = 0;
function takeTurns(first, end) {
  mutex.lock();
  for (let mine = first; mine < end; mine += 2) {
    while (turn !== mine) turnChanged.wait(mutex);
    turn++;
    turnChanged.notify();
  }
  mutex.unlock();
}
const other = godwit.Thread.create(() => takeTurns(1, (${samples} + WARM_UP) * TURNS_PER_SAMPLE));
const took = [];
for (let i = -WARM_UP; i < ${samples}; i++) {
  const first = (i + WARM_UP) * TURNS_PER_SAMPLE;
  const began = godwit.monotonic();
  takeTurns(first, first + TURNS_PER_SAMPLE);
  if (i >= 0) took.push(((godwit.monotonic() - began) / TURNS_PER_SAMPLE) * 1e3);
}
other.join();
console.log(JSON.stringify(took));`;

/** Each yield of the one lets the other run up to its own: two switches. */
const yieldProgram = (samples: number): string => `${PRELUDE}
const YIELDS_PER_SAMPLE = 250;
let done = false, others = 0;
const other = godwit.Thread.create(() => { while (!done) { others++; godwit.Thread.yield(); } });
const took = [];
for (let i = -10; i < ${samples}; i++) {
  const began = godwit.monotonic(), before = others;
  for (let k = 0; k < YIELDS_PER_SAMPLE; k++) godwit.Thread.yield();
  const switches = YIELDS_PER_SAMPLE + others - before;
  if (i >= 0) took.push(((godwit.monotonic() - began) / switches) * 1e3);
}
done = true;
other.join();
console.log(JSON.stringify(took));`;
