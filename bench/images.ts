/** Fork, capture and restore of a process with a heap of 16 MB: asked of a node, and the steps of it inside an LWP. */

import { assert } from "../src/assert.ts";
import { capture, materialise } from "../src/kernel/capture.ts";
import { ProcessTraps } from "../src/kernel/process-traps.ts";
import { checkRecord } from "../src/kernel/record-check.ts";
import { decodeImage, encodeImage } from "../src/machine/image.ts";
import { residentBytes } from "../src/machine/linear-memory.ts";
import { loadEngine } from "../src/machine/load.ts";
import { BenchNode, PRELUDE, samplesOf } from "./bench-node.ts";
import type { Extent, Group } from "./benchmark.ts";
import { LocalKernel } from "./local-kernel.ts";
import { type Row, rowOf } from "./row.ts";

const SAMPLES = 40;
const WARM_UP = 5;
/** Records that together make a heap of about 16 MB. */
const RECORDS = 55_000;

/** Objects, strings and arrays, as programs keep them; `fork()` is the program's own, from inside. */
const PROGRAM = `${PRELUDE}
const records = [];
for (let i = 0; i < ${RECORDS}; i++) records.push({ id: i, name: "customer " + i, balance: (i * 7919) % 10007, tags: ["t" + (i % 97), "u"] });
globalThis.keep = records;
console.log("built");
`;
const FORKING = (samples: number): string => `${PROGRAM}
const took = [];
for (let i = -${WARM_UP}; i < ${samples}; i++) {
  const began = godwit.monotonic();
  const child = godwit.fork();
  if (child === 0) godwit.exit(records[17].id - 17);
  if (i >= 0) took.push(godwit.monotonic() - began);
  godwit.wait(child);
}
console.log(JSON.stringify(took));`;
const IDLE = `${PROGRAM}setTimeout(() => {}, 1e9);`;

export async function measureImages({ quick }: Extent): Promise<Group[]> {
  const samples = quick ? 1 : SAMPLES;
  return [
    {
      title: "A process with a heap of 16 MB, through its node",
      rows: await throughNode(samples),
      goals: [],
      missing: [],
    },
    { title: "The same, steps inside the LWP", rows: await insideLwp(samples), goals: [], missing: [] },
  ];
}

async function throughNode(samples: number): Promise<Row[]> {
  const bench = await BenchNode.start();
  const { node } = bench;
  const forking = await bench.spawn(FORKING(samples));
  await forking.line();
  const forks = samplesOf(await forking.line());
  const idle = await bench.spawn(IDLE);
  await idle.line();
  const took = { fork: [] as number[], checkpoint: [] as number[], restore: [] as number[] };
  let sizeBytes = 0;
  for (let i = -WARM_UP; i < samples; i++) {
    const began = performance.now();
    const child = await node.fork(idle.pid);
    const forked = performance.now();
    const image = await node.checkpoint(idle.pid);
    const captured = performance.now();
    const restored = await node.restore(image);
    const ended = performance.now();
    sizeBytes = image.length;
    await Promise.all([bench.kill(child), bench.kill(restored)]);
    if (i < 0) continue;
    took.fork.push(forked - began);
    took.checkpoint.push(captured - forked);
    took.restore.push(ended - captured);
  }
  const heapBytes = (await node.list()).find((process) => process.pid === idle.pid)?.memoryBytes ?? 0;
  await bench.stop();
  return [
    rowOf("guest pages that are not zero", "MB", [heapBytes / 1e6]),
    rowOf("fork(), in the parent", "ms", forks),
    rowOf("node.fork", "ms", took.fork),
    rowOf("node.checkpoint, compressed", "ms", took.checkpoint),
    rowOf("its size", "MB", [sizeBytes / 1e6]),
    rowOf("node.restore of it", "ms", took.restore),
  ];
}

async function insideLwp(samples: number): Promise<Row[]> {
  const engine = await loadEngine();
  const kernel = new LocalKernel(engine);
  const pid = kernel.spawn(IDLE);
  kernel.settle();
  const process = kernel.processes.get(pid);
  assert(process?.processor !== undefined, "an idle process keeps its memory");
  const took = {
    capture: [] as number[],
    encode: [] as number[],
    deflate: [] as number[],
    decode: [] as number[],
    materialise: [] as number[],
  };
  for (let i = -WARM_UP; i < samples; i++) {
    const times = [performance.now()];
    const lap = <T>(result: T): T => (times.push(performance.now()), result);
    const image = lap(capture(kernel, process, performance.now()));
    const encoded = lap(encodeImage(image, { compress: false }));
    lap(encodeImage(image, { compress: true }));
    const decoded = lap(decodeImage(encoded));
    const state = checkRecord(decoded.state);
    lap(materialise(engine, { ...decoded, state }, performance.now(), (of) => new ProcessTraps(kernel, of)));
    if (i < 0) continue;
    Object.values(took).forEach((list, step) => list.push((times[step + 1] ?? 0) - (times[step] ?? 0)));
  }
  const heapBytes = residentBytes(process.processor.memory.buffer);
  return [
    rowOf("guest pages that are not zero", "MB", [heapBytes / 1e6]),
    rowOf("capture: pages copied", "ms", took.capture),
    rowOf("encode", "ms", took.encode),
    rowOf("encode, compressed", "ms", took.deflate),
    rowOf("decode and check", "ms", took.decode),
    rowOf("materialise: memory filled, instance made", "ms", took.materialise),
  ];
}
