/** Time on the processor: priorities, shares, slices, deadlines, timers, time to live. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { DeadlineQueue } from "../../src/kernel/deadline.ts";
import { receive } from "../../src/kernel/lwp.ts";
import { SLICE_MAX_MS } from "../../src/limits.ts";
import { World } from "./world.ts";

function runFor(world: World, ms: number): void {
  const untilMs = world.nowMs + ms;
  world.runUntil(() => world.nowMs >= untilMs);
}

test("a ready thread of higher priority runs first, and a spinning one of the highest does not starve the lowest", () => {
  const world = new World({ restless: true });
  const { pid } = world.spawn(`
    const order = [];
    const threads = [1, 5, 10, 3].map((priority) => Thread.create(() => order.push(priority), { priority }));
    for (const thread of threads) thread.join();
    console.log(order.join());
    let low = 0;
    Thread.create(() => { for (;;) low++; }, { priority: 1 });
    Thread.create(() => { for (;;); }, { priority: 10 });
    while (low < 3) sleep(1);
    console.log("low ran");
    exit(0);`);
  world.run();
  assert.equal(world.known.get(pid)?.stdout, "10,5,3,1\nlow ran\n");
});

test("threads share by priority, processes by their quota's weight", () => {
  const world = new World({ restless: true });
  const two = world.spawn(
    `const spin = () => { for (;;); }; Thread.create(spin, { priority: 7 }); Thread.create(spin, { priority: 5 }); sleep(1e9);`,
    { quotas: { cpuShare: 300 } },
  );
  const one = world.spawn(`for (;;);`, { quotas: { cpuShare: 100 } });
  runFor(world, 20_000);
  const share = world.process(two.pid).cpuMs / world.process(one.pid).cpuMs;
  assert.ok(share > 2.7 && share < 3.3, `${share} times the time for 3 times the share`);
  const [, high, low] = [...world.process(two.pid).threads.values()];
  const weight = (high?.cpuMs ?? 0) / (low?.cpuMs ?? 1);
  assert.ok(weight > 2.2 && weight < 2.9, `${weight} times the time for two steps of priority`);
});

test("a thread that is alone gives the LWP back in time, whatever it does to its priority", () => {
  const world = new World();
  const { pid } = world.spawn(`console.log("up"); Thread.self().priority = 6; for (;;);`);
  world.runUntil(() => world.known.get(pid)?.stdout === "up\n");
  for (let i = 0; i < 5; i++) {
    const before = world.nowMs;
    world.kernels[0]?.run(SLICE_MAX_MS);
    assert.ok(world.nowMs - before < 2 * SLICE_MAX_MS, `${world.nowMs - before} ms`);
  }
});

test("deadlines come in order, those for one moment in the order they were set, and given up ones do not pile up", () => {
  const queue = new DeadlineQueue();
  const fired: number[] = [];
  for (let n = 0; n < 3000; n++)
    queue.add({ atMs: (n * 7919) % 10, holds: () => n % 3 === 0, due: () => fired.push(n) });
  const expected = Array.from({ length: 1000 }, (_, i) => i * 3).sort(
    (a, b) => ((a * 7919) % 10) - ((b * 7919) % 10) || a - b,
  );
  assert.equal(queue.nextMs(), 0);
  queue.expire(10);
  assert.deepEqual(fired, expected);
  for (let n = 0; n < 100_000; n++) {
    let holds = true;
    queue.add({ atMs: 1e9, holds: () => holds, due: () => {} });
    holds = false;
  }
  assert.ok(queue.size < 3000, `${queue.size} entries are kept`);
});

test("waits that end before their timeout leave nothing in the kernel", () => {
  const world = new World();
  const { pid } = world.spawn(`
    const mutex = new Mutex();
    for (let i = 0; i < 5000; i++) clearTimeout(setTimeout(() => {}, 1e9));
    for (let i = 0; i < 300; i++) { mutex.lock(); const t = Thread.create(() => mutex.tryLock({ timeoutMs: 1e9 }) && mutex.unlock()); Thread.yield(); mutex.unlock(); t.join(); }
    console.log("done"); sleep(1e9);`);
  world.runUntil(() => world.known.get(pid)?.stdout === "done\n");
  assert.ok((world.kernels[0]?.deadlines.size ?? Infinity) < 3000);
  assert.equal(world.process(pid).futexes.size, 0);
  receive(world.kernels[0] as never, { op: "end", pid, code: 1, reason: "over" });
  assert.equal(world.kernels[0]?.nextMs(), Infinity, "nothing of an ended process is waited for");
});

test("timers: in order, repeating ones never pile up, and a late one goes on from now", () => {
  const world = new World();
  const { pid } = world.spawn(`
    const order = [];
    for (const ms of [30, 10, 20, 10]) setTimeout(() => order.push(ms), ms);
    let ticks = 0;
    const many = Array.from({ length: 1000 }, () => setInterval(() => ticks++, 1));
    sleep(500);
    setTimeout(() => { for (const one of many) clearInterval(one); console.log(order.join(), ticks); }, 0);`);
  let mostEvents = 0;
  world.run(() => {
    for (const process of world.kernels[0]?.processes.values() ?? [])
      mostEvents = Math.max(mostEvents, process.events.length);
  });
  assert.equal(world.known.get(pid)?.stdout, "10,10,20,30 1000\n");
  assert.ok(mostEvents <= 1005, `${mostEvents} events`);
});

test("time to live holds for a process that is moved at every call, and for what it forks", () => {
  for (const stress of [undefined, { every: 1, at: "call" as const }]) {
    const world = new World();
    world.spawn(`const child = fork(); for (;;) sleep(1)`, {
      quotas: { timeoutMs: 200 },
      ...(stress === undefined ? {} : { stress }),
    });
    world.run();
    assert.equal(world.known.size, 2);
    for (const { exit } of world.known.values()) assert.equal(exit?.code, 124);
    assert.ok(world.nowMs < 1000);
  }
});

test("a restored process's clocks go on from where they stood", async () => {
  const world = new World();
  const { pid } = world.spawn(`
    const before = performance.now();
    const sleeper = Thread.create(() => { sleep(100); return performance.now() - before; });
    setTimeout(() => { const now = performance.now() - before; console.log(now >= 150 && now < 250, sleeper.join() < 200); }, 150);`);
  world.runUntil(
    () => (world.kernels[0]?.deadlines.nextMs() ?? Infinity) < Infinity && world.kernels[0]?.scheduler.readyCount === 0,
  );
  let record: Extract<Awaited<ReturnType<World["ask"]>>, { kind: "release" }> | undefined;
  const released = world
    .ask(pid, { kind: "release" })
    .then((answer) => (answer.kind === "release" ? (record = answer) : undefined));
  world.runUntil(() => world.kernels[0]?.processes.size === 0);
  await released;
  assert.ok(record !== undefined);
  world.nowMs += 1e6;
  receive(world.kernels[0] as never, { op: "adopt", released: record });
  world.run();
  assert.equal(world.known.get(pid)?.stdout, "true true\n");
});
