/** Operations of the web platform, one at a time: in a process of godwit's, in the engine as it is shipped with the same library, in Node. */

import { runInThisContext } from "node:vm";
import { BareEngine } from "../test/guest/bare-engine.ts";
import { BenchNode, samplesOf } from "./bench-node.ts";
import type { Extent, Group } from "./benchmark.ts";
import { type Row, ratioOf, rowOf } from "./row.ts";

interface Operation {
  readonly name: string;
  /** An expression, made anew `count` times for a sample; `await`ed. */
  readonly source: string;
  readonly count: number;
}

/** What operations refer to. */
const SETTING = `
const kilobyte = "The quick brown fox, größer als 1 €. ".repeat(27).slice(0, 1000), megabyte = kilobyte.repeat(1000);
const encoder = new TextEncoder(), decoder = new TextDecoder();
const kilobytes = encoder.encode(kilobyte), megabytes = encoder.encode(megabyte);
const fields = { accept: "text/html", "accept-language": "en", cookie: "a=1; b=2", host: "example.com", "user-agent": "bench", "x-request-id": "7" };
async function piped(chunks) {
  const source = new ReadableStream({ pull(controller) { if (chunks-- > 0) controller.enqueue(kilobytes); else controller.close(); } });
  let length = 0;
  for await (const chunk of source.pipeThrough(new TransformStream())) length += chunk.length;
  return length;
}
`;

const CHUNKS = 100;
const OPERATIONS: readonly Operation[] = [
  { name: "UTF-8: encode 1 KB", source: "encoder.encode(kilobyte)", count: 200 },
  { name: "UTF-8: encode 1 MB", source: "encoder.encode(megabyte)", count: 2 },
  { name: "UTF-8: decode 1 KB", source: "decoder.decode(kilobytes)", count: 200 },
  { name: "UTF-8: decode 1 MB", source: "decoder.decode(megabytes)", count: 2 },
  { name: "URL: parse", source: `new URL("https://example.com:8080/a/b?x=1&y=2#z").pathname`, count: 100 },
  { name: "URL: search parameters", source: `new URLSearchParams("a=1&b=2&c=%C3%BC").get("c")`, count: 100 },
  { name: "Headers: six fields", source: "new Headers(fields)", count: 50 },
  { name: "Request", source: `new Request("https://example.com/a?b=1", { headers: fields })`, count: 50 },
  { name: "Response, and its JSON read", source: `Response.json({ a: 1, b: "two" }).json()`, count: 50 },
  { name: `streams: a chunk through a transform`, source: `piped(${CHUNKS})`, count: 1 },
];
const SAMPLES = 30;
const WARM_UP = 5;

/** Runs all operations `samples` times, turn by turn; microseconds of each, one list after the other, by `__taken`. */
function program(samples: number): string {
  const functions = OPERATIONS.map(
    ({ source, count }) => `async () => { for (let i = 0; i < ${count}; i++) await (${source}); }`,
  );
  return `{ ${SETTING}
  const operations = [${functions.join(",\n")}], taken = operations.map(() => []);
  (async () => {
    for (let turn = -${WARM_UP}; turn < ${samples}; turn++)
      for (let i = 0; i < operations.length; i++) {
        const began = performance.now();
        await operations[i]();
        if (turn >= 0) taken[i].push((performance.now() - began) * 1000);
      }
    __taken(taken.flat());
  })(); }`;
}

export async function measureOperations({ quick }: Extent): Promise<Group> {
  const samples = quick ? 1 : SAMPLES;
  const inGodwit = rowsOf("godwit", samples, await underGodwit(program(samples)));
  const inBare = rowsOf("quickjs-wasi with the same library", samples, await underBareEngine(program(samples)));
  const inNode = rowsOf("Node", samples, await underNode(program(samples)));
  const rows = inGodwit.flatMap((row, index) => {
    const name = OPERATIONS[index]?.name ?? "";
    const [bare = row, node = row] = [inBare[index], inNode[index]];
    return [row, bare, node, ratioOf(`${name}: to quickjs-wasi`, row, bare), ratioOf(`${name}: to Node`, row, node)];
  });
  return { title: "The web platform, by operation", rows, goals: [], missing: [] };
}

function rowsOf(where: string, samples: number, taken: readonly number[]): Row[] {
  return OPERATIONS.map(({ name, count, source }, index) => {
    const each = source.startsWith("piped") ? CHUNKS : count;
    const own = taken.slice(index * samples, (index + 1) * samples).map((us) => us / each);
    return rowOf(`${name}: ${where}`, "us", own);
  });
}

async function underGodwit(source: string): Promise<number[]> {
  const bench = await BenchNode.start();
  const print = "globalThis.__taken = (taken) => console.log(JSON.stringify(taken));\n";
  const line = await bench.run(print + source);
  await bench.stop();
  return samplesOf(line);
}

/** Its clock is not a system call: it is read as the engine reads it. */
async function underBareEngine(source: string): Promise<number[]> {
  const engine = await BareEngine.create();
  engine.run(
    "globalThis.performance = { now: () => Date.now() }; globalThis.__taken = (taken) => { globalThis.result = taken; };",
  );
  const now = engine.vm.newFunction("now", () => engine.vm.newNumber(performance.now()));
  engine.vm.setProp(engine.vm.global, "__now", now);
  engine.run("globalThis.performance = { now: __now };");
  engine.run(source);
  const taken = engine.evaluate("result");
  engine.dispose();
  return taken as number[];
}

function underNode(source: string): Promise<number[]> {
  return new Promise((resolve) => {
    runInThisContext(`(__taken) => {${source}}`)(resolve);
  });
}
