/** Pages that a target has are not sent to it again; and whatever is sent, the process's memory is the same afterwards. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { duplexPair } from "node:stream";
import { test } from "node:test";
import type { MoveReport } from "../../src/abi/control.ts";
import type { Link } from "../../src/cluster/link.ts";
import { MOVE_PAGES_MAX, PAGE_BYTES, WASM_PAGE_BYTES } from "../../src/limits.ts";
import { loadEngine } from "../../src/machine/load.ts";
import { pageDigest } from "../../src/machine/page.ts";
import { decodeAnswer, encodeAnswer, encodeQuestion } from "../../src/node/page-question.ts";
import { until } from "../cluster/condition.ts";
import { type TestCluster, withCluster } from "./bench-cluster.ts";
import type { Started } from "./bench-node.ts";

const HEAP_PAGES = 400;

/** A heap of numbers, whose step writes some words anywhere and tells a checksum of all. Runs here and in guests. */
function heapOf(pages: number, seed: number): (writes: number) => number {
  const heap = new Uint32Array(pages * 1024);
  let x = seed;
  const next = () => (x = (Math.imul(x, 1664525) + 1013904223) >>> 0);
  for (let i = 0; i < heap.length; i++) heap[i] = next();
  return (writes) => {
    for (let n = 0; n < writes; n++) {
      const at = next() % heap.length;
      // Now and then a page that becomes zero, and one that is as another was.
      if (n % 8 === 7) heap.fill(0, at & ~1023, (at & ~1023) + 1024);
      else if (n % 8 === 6) heap.copyWithin(at & ~1023, 0, 1024);
      else heap[at] = next();
    }
    let sum = 0;
    for (let i = 0; i < heap.length; i++) sum = (Math.imul(sum, 31) + (heap[i] ?? 0)) >>> 0;
    return sum;
  };
}

const WRITES = 60;

/** Does a step for each SIGUSR1; a fork of it for each SIGUSR2, in a process of its own. */
const program = (seed: number) => `
  const step = (${heapOf.toString()})(${HEAP_PAGES}, ${seed});
  let steps = 0;
  onSignal("SIGUSR1", () => { console.log("step", ++steps, step(${WRITES})); });
  console.log("step", steps, step(0));
  for (;;) receive();
`;

/** What the program says at its steps. */
function* expected(seed: number): Generator<string, never> {
  const step = heapOf(HEAP_PAGES, seed);
  for (let steps = 0; ; steps++) yield `step ${steps} ${step(steps === 0 ? 0 : WRITES)}\n`;
}

async function move(t: TestCluster, pid: number, from: string, to: string): Promise<MoveReport> {
  const report = await t.get(from).migrate(pid, to);
  assert.equal(report.outcome, "moved", report.reason);
  return report;
}

/** What has left a node is kept in the background. */
async function kept(t: TestCluster, node: string, atLeast = HEAP_PAGES): Promise<void> {
  await until(`node ${node} keeps what has left`, () => t.get(node).pages.size >= atLeast);
  let size = -1;
  await until("it has kept all", () => size === (size = t.get(node).pages.size));
}

async function end(t: TestCluster, { pid, ended }: Started): Promise<void> {
  await t.get("a").node.signal(pid, "SIGKILL");
  assert.equal((await ended).status.code, 137);
}

await withCluster(["a", "b", "c"], (t) => {
  test("a process that comes back brings what has changed since, and no more", async () => {
    const says = expected(11);
    const started = await t.test("a").start(program(11));
    await started.printed(says.next().value);
    const first = await move(t, started.pid, "a", "b");
    assert.ok(first.pages >= HEAP_PAGES && first.found === 0, JSON.stringify(first));
    await kept(t, "a");
    for (const [from, to] of [
      ["b", "a"],
      ["a", "b"],
      ["b", "a"],
    ] as const) {
      await t.get("a").node.signal(started.pid, "SIGUSR1");
      await started.printed(says.next().value);
      const again = await move(t, started.pid, from, to);
      // Each write may lie in a page of its own; beside them, what the engine has of its own.
      assert.ok(again.found >= HEAP_PAGES - 2 * WRITES, JSON.stringify(again));
      assert.ok(again.pages <= 2 * WRITES + 100, JSON.stringify(again));
      assert.ok(again.bytes < first.bytes / 2, JSON.stringify([first, again]));
      await t.get("a").node.signal(started.pid, "SIGUSR1");
      await started.printed(says.next().value);
    }
    await end(t, started);
  });

  test("by way of a third node its memory is the same too, whatever each still has of it", async () => {
    const says = expected(12);
    const started = await t.test("a").start(program(12));
    await started.printed(says.next().value);
    let at = "a";
    for (const to of ["b", "c", "a", "c", "b", "a", "c"]) {
      const report = await move(t, started.pid, at === "a" ? "a" : at, to);
      at = to;
      assert.ok(report.pages + report.found >= HEAP_PAGES / 2, JSON.stringify(report));
      await t.get("a").node.signal(started.pid, "SIGUSR1");
      await started.printed(says.next().value);
    }
    await end(t, started);
  });

  test("a child finds what its parent has brought, and each has its own memory", async () => {
    const says = [expected(13), expected(13)] as const;
    const started = await t.test("a").start(program(13));
    await started.printed(says[0].next().value);
    says[1].next();
    const child = t.test("a").watch(await t.get("a").node.fork(started.pid));
    const parents = await move(t, started.pid, "a", "b");
    assert.equal(parents.found, 0, JSON.stringify(parents));
    await t.get("a").node.signal(started.pid, "SIGUSR1");
    await started.printed(says[0].next().value);
    const childs = await move(t, child.pid, "a", "b");
    assert.ok(childs.found >= HEAP_PAGES && childs.pages < 150, JSON.stringify(childs));
    for (const [index, one] of [started, child].entries()) {
      await t.get("a").node.signal(one.pid, "SIGUSR1");
      await one.printed(says[index]?.next().value ?? "");
    }
    await end(t, started);
    await end(t, child);
  });

  test("pages of another program are not found, were they the same", async () => {
    const says = expected(14).next().value;
    const one = await t.test("a").start(program(14));
    await one.printed(says);
    await move(t, one.pid, "a", "b");
    const other = await t.test("a").start(`${program(14)}// another`);
    await other.printed(says);
    const report = await move(t, other.pid, "a", "b");
    assert.deepEqual([report.found, report.pages >= HEAP_PAGES], [0, true], JSON.stringify(report));
    await end(t, one);
    await end(t, other);
  });

  test("a process that stands still does not wait for questions: they are asked while it runs", async () => {
    const started = await t.test("a").start(program(15));
    await started.printed(expected(15).next().value);
    await move(t, started.pid, "a", "b");
    await kept(t, "a");
    const sent: string[] = [];
    t.sent = (from, _to, kind) => void (from === "b" && sent.push(kind));
    const report = await move(t, started.pid, "b", "a");
    t.sent = () => {};
    assert.ok(report.found >= HEAP_PAGES, JSON.stringify(report));
    const [asked, held] = [sent.lastIndexOf("move/pages"), sent.indexOf("home/hold")];
    assert.ok(asked >= 0 && asked < held, sent.join());
    await end(t, started);
  });
});

const { manifest } = await loadEngine();
const digest = pageDigest(Buffer.alloc(PAGE_BYTES, 1));
const question = (numbers: readonly number[], memoryBytes = manifest.memoryBytes) =>
  encodeQuestion({ program: digest, memoryBytes, pages: numbers.map((number) => ({ number, digest })) });

/** What a peer asks in place of what it may. */
const MALFORMED: Readonly<Record<string, object>> = {
  "about nothing": { program: Buffer.alloc(32), memoryBytes: manifest.memoryBytes, numbers: "", digests: "" },
  "a page outside of the memory": question([manifest.memoryBytes / PAGE_BYTES]),
  "a page twice": question([5, 5]),
  "pages in no order": question([6, 5]),
  "more pages than there may be": {
    ...question([1]),
    numbers: Buffer.alloc(4 * (MOVE_PAGES_MAX + 1)),
    digests: Buffer.alloc(32 * (MOVE_PAGES_MAX + 1)),
  },
  "a digest too few": { ...question([1, 2]), digests: Buffer.alloc(32) },
  "half a number": { ...question([1]), numbers: Buffer.alloc(6) },
  "no program": { ...question([1]), program: Buffer.alloc(0) },
  "an address space beyond its quota": question([1], 2 ** 30),
  "an address space of no whole pages": { ...question([1]), memoryBytes: manifest.memoryBytes + 1 },
  "a size that is no number": { ...question([1]), memoryBytes: "all" },
};

await withCluster(["b"], (t) => {
  /** A move to b that is under way. */
  async function underWay() {
    const heard: string[] = [];
    const link: Link = {
      peer: "evil",
      lost: new Promise<Error>(() => {}),
      tell: (kind) => void heard.push(kind),
      request: () => Promise.resolve(null),
      drained: () => Promise.resolve(),
    };
    const b = t.get("b");
    const migration = randomUUID();
    const about = { pid: 999_999, name: "evil.js", home: "evil", epoch: 3, engine: manifest.hash, durable: false };
    const room = { memoryBytes: manifest.memoryBytes, memoryQuotaBytes: 2 ** 24 };
    await b.asked(link, "move/offer", { migration, ...about, ...room });
    const [mine, theirs] = duplexPair();
    mine.on("error", () => {});
    const stream = () => b.bulk("evil", theirs, { migration });
    const over = async () => {
      b.told(link, "move/cancel", { migration });
      await until("it is let go", () => b.moves === 0);
      mine.destroy();
    };
    const ask = (body: object, from = link) => b.asked(from, "move/pages", { migration, ...body });
    return { link, stream, ask, over };
  }

  for (const [what, body] of Object.entries(MALFORMED))
    test(`a peer that asks about ${what} is refused`, async () => {
      const { stream, ask, over } = await underWay();
      stream();
      await assert.rejects(ask(body), { code: "EPROTO" });
      await over();
    });

  test("who asks too early, too late, or about another's move is refused", async () => {
    const { link, stream, ask, over } = await underWay();
    await assert.rejects(ask(question([1])), { code: "EPROTO" }, "there is no stream");
    stream();
    await assert.rejects(ask(question([1]), { ...link, peer: "other" }), { code: "EPROTO" });
    assert.deepEqual(decodeAnswer(await ask(question([1, 2])), 2), [false, false]);
    await over();
    await assert.rejects(ask(question([1])), { code: "EPROTO" }, "it is over");
  });

  test("a peer that goes on asking is refused in the end", async () => {
    const { stream, ask, over } = await underWay();
    stream();
    const numbers = Array.from({ length: MOVE_PAGES_MAX }, (_, number) => number);
    const asked = async () => {
      for (let turn = 0; turn < 1000; turn++) await ask(question(numbers));
    };
    await assert.rejects(asked, { code: "EPROTO", message: /more than any process has/ });
    await over();
  });

  test("a wrong digest finds nothing, and a right one the page as it was", async () => {
    const { stream, ask, over } = await underWay();
    stream();
    const store = t.get("b").pages;
    store.keep(digest, { digest, bytes: Buffer.alloc(PAGE_BYTES, 1) });
    const near = Buffer.from(digest, "latin1");
    near[31] = (near[31] ?? 0) ^ 1;
    const pages = [
      { number: 1, digest },
      { number: 2, digest: near.toString("latin1") },
    ];
    const of = (program: string) =>
      ask(encodeQuestion({ program, memoryBytes: manifest.memoryBytes + WASM_PAGE_BYTES, pages }));
    assert.deepEqual(decodeAnswer(await of(digest), 2), [true, false]);
    assert.deepEqual(decodeAnswer(await of(near.toString("latin1")), 2), [false, false], "of another program");
    assert.equal(store.size, 1, "asking keeps nothing");
    await over();
  });
});

test("an answer about any number of pages is read as it was written, and about another number is refused", () => {
  for (const count of [1, 7, 8, 9, MOVE_PAGES_MAX]) {
    const here = Array.from({ length: count }, (_, index) => index % 3 === 0);
    assert.deepEqual(decodeAnswer(encodeAnswer(here), count), here);
    assert.throws(() => decodeAnswer(encodeAnswer(here), count + 8), { code: "EPROTO" });
  }
  for (const answer of [null, {}, { here: "all" }, { here: [255] }])
    assert.throws(() => decodeAnswer(answer, 8), { code: "EPROTO" });
});
