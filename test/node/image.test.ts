/** Processes as images: checkpoints, restores, swapping, handing over, and images that lie. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { GodwitError } from "../../src/errors.ts";
import { decodeImage, encodeImage, type Image } from "../../src/machine/image.ts";
import { handOver } from "../../src/node/hand-over.ts";
import { withNode } from "./bench-node.ts";

/** Sums primes in local variables of one loop; says where it is; ends with the right answer or not. */
const PRIMES = `
  let sum = 0, count = 0;
  for (let n = 2; n < 60000; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) { prime = false; break; }
    if (prime) { sum += n; count++; if (count === 100) console.log("begun"); }
  }
  console.log(count, sum);`;
const PRIMES_ANSWER = `${primesBelow(60_000).length} ${primesBelow(60_000).reduce((sum, n) => sum + n, 0)}\n`;

/** By a sieve, not by the program's own way. */
function primesBelow(limit: number): number[] {
  const composite = new Uint8Array(limit);
  const primes: number[] = [];
  for (let n = 2; n < limit; n++) {
    if (composite[n] === 1) continue;
    primes.push(n);
    for (let multiple = n * n; multiple < limit; multiple += n) composite[multiple] = 1;
  }
  return primes;
}

await withNode({ lwps: 2, swapAfterMs: 50 }, (t) => {
  test("a loop is checkpointed in the middle, killed, and restored to the right answer, twice", async () => {
    const first = await t.start(PRIMES);
    await first.printed("begun");
    const image = await t.node.checkpoint(first.pid);
    await t.node.signal(first.pid, "SIGKILL");
    assert.equal((await first.ended).status.code, 137);
    for (const _ of [1, 2]) {
      const restored = t.watch(await t.node.restore(image));
      const { stdout, status } = await restored.ended;
      assert.equal(status.code, 0);
      assert.ok(stdout.endsWith(PRIMES_ANSWER), stdout);
    }
  });

  test("checkpoint() returns twice, and tells which", async () => {
    const file = join(t.folder, "self.image");
    const program = await t.run(
      `const before = performance.now(); let n = 41; const t = Thread.create(() => { while (n === 41) sleep(5); return n; });
       const { restored, epoch } = checkpoint({ file: ${JSON.stringify(file)} });
       n++;
       console.log(restored, epoch, n, t.join(), performance.now() - before < 5000);`,
      { capabilities: { write: [t.folder] } },
    );
    assert.equal(program.stdout, "false 0 42 42 true\n", program.stderr);
    const restored = await t.watch(await t.node.restore(readFileSync(file))).ended;
    assert.equal(restored.stdout, "true 1 42 42 true\n", restored.stderr);
  });

  test("what is in flight goes on: sleeps, timers, receives, joins, locks, open files", async () => {
    writeFileSync(join(t.folder, "lines.txt"), "one\ntwo\nthree\n");
    const program = await t.start(
      `const file = open("lines.txt"); const first = Buffer_take(file, 4);
       function Buffer_take(f, n) { return new TextDecoder().decode(f.read(n)); }
       const m = new Mutex(); m.lock();
       const locker = Thread.create(() => { m.lock(); m.unlock(); return "locked"; });
       const sleeper = Thread.create(() => { sleep(150); return "slept"; });
       const receiver = Thread.create(() => receive().message);
       setTimeout(() => console.log("timer"), 200);
       console.log("up");
       console.log(sleeper.join());
       m.unlock();
       console.log(first.trim(), Buffer_take(file, 4).trim(), locker.join(), receiver.join());`,
      { capabilities: { read: [t.folder] } },
    );
    await program.printed("up");
    const image = await t.node.checkpoint(program.pid);
    await t.node.signal(program.pid, "SIGKILL");
    await program.ended;
    const pid = await t.node.restore(image, { capabilities: { read: [t.folder] }, workingDirectory: t.folder });
    const restored = t.watch(pid);
    await t.run(`register("x")`);
    const { stdout, stderr } = await sendFromParent(pid, restored);
    assert.equal(stdout, "slept\none two locked letter\ntimer\n", stderr);

    const without = t.watch(await t.node.restore(image, { workingDirectory: t.folder }));
    const refused = await without.ended;
    assert.match(refused.stderr, /EACCES|read access/);
  });

  /** Messages reach a process from its own family only: the test's own way in is the node. */
  async function sendFromParent(pid: number, started: { readonly ended: Promise<{ stdout: string; stderr: string }> }) {
    const sender = await t.run(`try { send(${pid}, "letter") } catch (e) { console.log(e.code) }`);
    assert.equal(sender.stdout, "EPERM\n");
    const entry = t.node.table.get(pid);
    const made = await t.start(`sleep(1)`);
    await made.ended;
    await t.node.ask(entry, { kind: "deliver", from: 0, payload: await letter() });
    return started.ended;
  }

  /** The bytes that a guest makes of the message "letter". */
  async function letter(): Promise<Uint8Array> {
    const program = await t.start(`send(self.pid, "letter"); console.log("sent"); sleep(60000)`);
    await program.printed("sent");
    const { state } = decodeImage(await t.node.checkpoint(program.pid));
    await t.node.signal(program.pid, "SIGKILL");
    await program.ended;
    const { mailbox } = state as { mailbox: { payload: Uint8Array }[] };
    assert.ok(mailbox[0] !== undefined);
    return mailbox[0].payload;
  }

  test("an idle process is swapped out, and comes back when something arrives", async () => {
    const program = await t.start(
      `const big = Array.from({ length: 1000 }, (_, i) => i * i); register("sleeper"); const t = setInterval(() => {}, 1e6); onSignal("SIGUSR1", () => { console.log(big[999]); exit(0); })`,
    );
    let state = "";
    let memoryBytes = 0;
    while (state !== "swapped") {
      const info = (await t.node.list()).find(({ pid }) => pid === program.pid);
      state = info?.state ?? "";
      memoryBytes = info?.memoryBytes ?? 0;
    }
    assert.ok(memoryBytes < 150_000, `${memoryBytes} bytes are kept of it`);
    await t.node.signal(program.pid, "SIGUSR1");
    assert.equal((await program.ended).stdout, "998001\n");
  });

  test("a swapped process can be inspected, captured and forked", async () => {
    const program = await t.start(`function waits() { sleep(3600000); } console.log("up"); waits();`);
    await program.printed("up");
    while ((await t.node.list()).find(({ pid }) => pid === program.pid)?.state !== "swapped");
    assert.match((await t.node.inspect(program.pid)).threads[0]?.stack[0] ?? "", /waits/);
    while ((await t.node.list()).find(({ pid }) => pid === program.pid)?.state !== "swapped");
    assert.ok((await t.node.checkpoint(program.pid)).length > 0);
    const child = await t.node.fork(program.pid);
    for (const pid of [program.pid, child]) await t.node.signal(pid, "SIGKILL");
    await program.ended;
  });

  test("a process is handed from one LWP to the other while it runs, and loses nothing", async () => {
    const program = await t.start(`
      let ticks = 0; const every = setInterval(() => ticks++, 2);
      const child = fork(); if (child === 0) { sleep(250); exit(5); }
      const waiter = Thread.create(() => wait(child).code);
      console.log("up");
      let n = 0; const end = performance.now() + 300; while (performance.now() < end) n++;
      setTimeout(() => { clearInterval(every); console.log(ticks > 0, waiter.join()); }, 20);`);
    await program.printed("up");
    const entry = t.node.table.get(program.pid);
    let moves = 0;
    while (moves < 20 && entry.exit === undefined) {
      if (entry.held === undefined) await handOver(t.node, entry, t.node.lwps.otherThan(entry.lwp));
      moves++;
    }
    assert.equal((await program.ended).stdout, "up\ntrue 5\n");
    assert.ok(moves >= 10, `${moves} moves`);
  });

  test("output, exit code and errors under stress are those of an undisturbed run", async () => {
    const source = `
      const words = [..."the quick brown fox"].sort((a, b) => (a < b ? -1 : 1)).join("");
      const t = Thread.create(() => { let s = 0; for (let i = 0; i < 2000; i++) s += i; return s; });
      const child = fork(); if (child === 0) exit(3);
      console.log(words, t.join(), wait(child).code);
      setTimeout(() => { console.log("timer"); null.x; }, 5);`;
    const calm = await t.run(source);
    for (const stress of [
      { every: 1, at: "poll" },
      { every: 50, at: "call" },
    ] as const) {
      const moved = await t.run(source, { stress });
      assert.equal(moved.stdout, calm.stdout);
      assert.equal(moved.stderr, calm.stderr);
      assert.deepEqual({ ...moved.status, pid: 0 }, { ...calm.status, pid: 0 });
    }
  });

  test("an image opens nothing that the restored process was not given, whatever it asks for", async () => {
    const secret = join(t.folder, "secret.txt");
    writeFileSync(secret, "secret");
    writeFileSync(join(t.folder, "harmless.txt"), "harmless");
    const attempt = "(f) => { try { return String(f()) } catch (e) { return e.code } }";
    const program = await t.start(
      `const attempt = ${attempt}; const file = open("harmless.txt", { read: true, write: true }); console.log("up"); receive({ timeoutMs: 100 });
       console.log(attempt(() => new TextDecoder().decode(file.read(100))), attempt(() => file.write(new Uint8Array(3))))`,
      { capabilities: { read: [t.folder], write: [t.folder] } },
    );
    await program.printed("up");
    const image = decodeImage(await t.node.checkpoint(program.pid));
    await program.ended;
    const position = 0;
    const asked = [
      {},
      { read: true },
      { write: true },
      { append: true },
      { create: true },
      { truncate: true },
      { read: 1 },
      { write: 1, read: "x" },
      { read: false, append: false },
    ];
    for (const state of [
      ...asked.map((request) => ({ path: secret, position, request })),
      null,
      7,
      {},
      { path: secret },
      { path: 7, position, request: {} },
    ]) {
      const hostile = withValue(image.state, ["handles", 0, "state"], state);
      const restored = t.watch(
        await t.node.restore(encodeImage({ ...image, state: hostile }, { compress: false }), {
          workingDirectory: t.folder,
        }),
      );
      assert.match(
        (await restored.ended).stdout,
        /^(EACCES EACCES|EIMAGE_CORRUPT EIMAGE_CORRUPT)\n$/,
        JSON.stringify(state),
      );
    }
    assert.equal(readFileSync(secret, "utf8"), "secret");
  });

  test(
    "hostile images: every damaged record is refused, or ends its process and no other",
    { timeout: 240_000 },
    async () => {
      const program = await t.start(
        `writeFile("open.txt", "text"); open("open.txt"); Thread.create(() => sleep(100000)); setTimeout(() => {}, 100000); onSignal("SIGUSR1", () => {}); console.log("up"); sleep(100000)`,
        { capabilities: { read: [t.folder], write: [t.folder] } },
      );
      await program.printed("up");
      const good = decodeImage(await t.node.checkpoint(program.pid));
      const neighbour = await t.start(`console.log("up"); for (;;) sleep(1)`);
      await neighbour.printed("up");
      let refused = 0;
      let admitted = 0;
      await fc.assert(
        fc.asyncProperty(damage(good), async (image) => {
          let pid: number;
          try {
            pid = await t.node.restore(encodeImage(image, { compress: false }));
          } catch (error) {
            assert.ok(error instanceof GodwitError, String(error));
            refused++;
            return;
          }
          admitted++;
          if (t.node.table.get(pid).exit === undefined)
            await t.node.signal(pid, "SIGKILL").catch((error: unknown) => assert.ok(error instanceof GodwitError));
          await t.node.wait(pid);
        }),
        { numRuns: 1500 },
      );
      assert.ok(refused > 100 && admitted > 20, `${refused} refused, ${admitted} admitted`);
      assert.equal(t.node.table.get(neighbour.pid).exit, undefined, "the neighbour lives");
      for (const { pid } of [program, neighbour]) await t.node.signal(pid, "SIGKILL");
    },
  );
});

/** Images that differ from a good one in one value of the record, or in one word of memory. */
function damage(good: Image): fc.Arbitrary<Image> {
  const paths = pathsOf(good.state);
  const junk = fc.oneof(
    fc.constantFrom(null, -1, 0, 1, 2 ** 31, 2 ** 32 - 16, 2 ** 53, Number.NaN, "", "x", true, [], {}),
    fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    fc.uint8Array({ maxLength: 64 }),
  );
  const record = fc
    .tuple(fc.constantFrom(...paths), junk)
    .map(([path, value]) => ({ ...good, state: withValue(good.state, path, value) }));
  const page = fc
    .tuple(fc.nat(good.pages.length - 1), fc.nat(4092), fc.integer({ min: 0, max: 2 ** 32 - 1 }))
    .map(([index, offset, word]) => {
      const pages = good.pages.map((one, i) => {
        if (i !== index) return one;
        const bytes = Uint8Array.from(one.bytes);
        new DataView(bytes.buffer).setUint32(offset, word, true);
        return { ...one, bytes };
      });
      return { ...good, pages: pages.filter(({ bytes }) => bytes.some((byte) => byte !== 0)) };
    });
  return fc.oneof({ weight: 3, arbitrary: record }, { weight: 1, arbitrary: page });
}

function pathsOf(value: unknown, at: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return [at];
  return [
    at,
    ...Object.entries(value).flatMap(([key, inner]) =>
      pathsOf(inner, [...at, Array.isArray(value) ? Number(key) : key]),
    ),
  ];
}

function withValue(value: unknown, path: readonly (string | number)[], put: unknown): unknown {
  const [head, ...rest] = path;
  if (head === undefined) return put;
  if (Array.isArray(value)) return value.map((one: unknown, i) => (i === head ? withValue(one, rest, put) : one));
  const fields = value as Record<string, unknown>;
  return { ...fields, [head]: withValue(fields[head], rest, put) };
}
