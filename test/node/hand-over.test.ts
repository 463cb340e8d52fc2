/** Processes on their way from one LWP to the other, in the middle of everything. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { STUCK_AFTER_MS } from "../../src/limits.ts";
import { handOver } from "../../src/node/hand-over.ts";
import { type Started, withNode } from "./bench-node.ts";

await withNode({ lwps: 2, swapAfterMs: 20 }, (t) => {
  /** Hands a process to and fro until it ends; returns how often. */
  async function juggle({ pid }: Started): Promise<number> {
    const entry = t.node.table.get(pid);
    let moves = 0;
    while (entry.exit === undefined) {
      if (entry.held === undefined && (await handOver(t.node, entry, t.node.lwps.otherThan(entry.lwp)))) moves++;
      // It is to get somewhere on its way.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return moves;
  }

  test("a process that sends to itself", async () => {
    const program = await t.start(
      `let sum = 0; for (let i = 0; i < 2000; i++) { send(self.pid, i); sum += receive().message; } console.log(sum);`,
    );
    assert.ok((await juggle(program)) > 20);
    assert.equal((await program.ended).stdout, "1999000\n");
  });

  test("two that send to each other, both on the move", async () => {
    const program = await t.start(`
      const child = fork();
      const other = child === 0 ? self.parent : child;
      let sum = 0;
      for (let i = 0; i < 1000; i++) { send(other, i); sum += receive().message; }
      console.log(sum);
      if (child === 0) exit(0); else wait(child);`);
    const child = await (async () => {
      for (;;) {
        const found = t.node.table.find(program.pid + 1);
        if (found !== undefined) return t.watch(found.pid);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const [first, second] = await Promise.all([juggle(program), juggle(child)]);
    assert.ok(first > 10 && second > 10, `${first} and ${second} moves`);
    assert.equal((await child.ended).stdout, "499500\n");
  });

  test("waits that run out, and waits that are answered", async () => {
    const program = await t.start(`
      let late = 0, codes = 0;
      for (let i = 0; i < 30; i++) {
        const child = fork({ threads: "caller" });
        if (child === 0) { sleep(4); exit(2); }
        while (true) { const status = wait(child, { timeoutMs: 1 }); if (status === undefined) { late++; continue; } codes += status.code; break; }
      }
      console.log(codes, late > 0);`);
    assert.ok((await juggle(program)) > 20);
    assert.equal((await program.ended).stdout, "60 true\n");
  });

  test("waits for nobody", async () => {
    const program = await t.start(
      `let n = 0; for (let i = 0; i < 3000; i++) try { wait(); } catch (e) { if (e.code === "ECHILD") n++; } console.log(n);`,
    );
    assert.ok((await juggle(program)) > 20);
    assert.equal((await program.ended).stdout, "3000\n");
  });

  test("open files, timers, input and output", async () => {
    writeFileSync(join(t.folder, "numbers"), Array.from({ length: 300 }, (_, i) => `${i}\n`.padStart(8)).join(""));
    const program = await t.start(
      `const file = open("numbers"); const decoder = new TextDecoder();
       let sum = 0, ticks = 0; const every = setInterval(() => { ticks++; console.log("x".repeat(500)); }, 1);
       for (let i = 0; i < 300; i++) { sum += Number(decoder.decode(file.read(8))); sleep(0.2); }
       setTimeout(() => { clearInterval(every); console.log("sum", sum, ticks > 0, [...stdin.lines()].join()); }, 50);`,
      { capabilities: { read: [t.folder] } },
    );
    const juggling = juggle(program);
    for (let i = 0; i < 50; i++) await t.node.input(program.pid, Buffer.from(`${i}\n`));
    await t.node.input(program.pid, null);
    assert.ok((await juggling) > 5);
    const { stdout, stderr } = await program.ended;
    const last = stdout.trim().split("\n").at(-1);
    assert.equal(last, `sum 44850 true ${Array.from({ length: 50 }, (_, i) => i).join()}`, stderr);
  });

  test("killed, stopped, forked, captured and inspected on the way", async () => {
    for (let i = 0; i < 15; i++) {
      const program = await t.start(`console.log("up"); let n = 0; for (;;) n++;`);
      await program.printed("up");
      const juggling = juggle(program);
      await t.node.signal(program.pid, "SIGSTOP");
      const [image, child, inspection] = await Promise.all([
        t.node.checkpoint(program.pid),
        t.node.fork(program.pid),
        t.node.inspect(program.pid),
      ]);
      assert.ok(image.length > 0);
      assert.equal(inspection.process.state, "paused");
      await t.node.signal(program.pid, "SIGCONT");
      const asked = t.node.checkpoint(program.pid).then(
        () => "captured",
        (error: { code: string }) => error.code,
      );
      await t.node.signal(program.pid, "SIGKILL");
      await t.node.signal(child, "SIGKILL");
      assert.match(await asked, /captured|ESRCH/);
      await Promise.all([juggling, t.node.wait(child)]);
      assert.equal((await program.ended).status.code, 137);
    }
  });

  test("a sleep of years costs nothing", async () => {
    const program = await t.start(
      `console.log("up"); Thread.create(() => wait.length && receive({ timeoutMs: 2 ** 45 }), { daemon: true }); sleep(2 ** 40)`,
    );
    await program.printed("up");
    await new Promise((resolve) => setTimeout(resolve, 100));
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { user, system } = process.cpuUsage(before);
    assert.ok(user + system < 250_000, `${(user + system) / 1000} ms of 500`);
    await t.node.signal(program.pid, "SIGKILL");
    await program.ended;
  });

  test("a guest that never lets its stack be told cannot keep its LWP", async () => {
    for (const trap of [
      `Error.prepareStackTrace = () => { for (;;); };`,
      `Error.prepareStackTrace = () => { new Array(1e9).join("x"); };`,
    ]) {
      const program = await t.start(`${trap} console.log("up"); sleep(1e9);`);
      await program.printed("up");
      const started = performance.now();
      await t.node.inspect(program.pid).catch((error: { code: string }) => assert.equal(error.code, "ESRCH"));
      // A loop of the guest's own is interrupted long before the guard against native ones ends it.
      if (trap.includes("for (;;)")) assert.ok(performance.now() - started < STUCK_AFTER_MS);
      assert.equal((await t.run(`console.log("beside it")`)).stdout, "beside it\n");
      await t.node.signal(program.pid, "SIGKILL").catch(() => {});
      await program.ended;
    }
  });
});
