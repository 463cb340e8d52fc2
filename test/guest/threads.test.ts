/**
 * Threads and what they synchronise with, on the kernel. Under stress calls and branches of the guest are switch
 * points, so each lock is tried at the interleavings least expected.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { StressMode } from "../../src/abi/control.ts";
import { type TestNode, withNode } from "../node/bench-node.ts";

interface Load {
  readonly name: string;
  readonly rounds: number;
  readonly stress?: StressMode;
}
const LOADS: readonly Load[] = [
  { name: "undisturbed", rounds: 300 },
  { name: "captured at every 13th call or branch", rounds: 6, stress: { every: 13, at: "call" } },
  { name: "captured at every 29th call or branch", rounds: 12, stress: { every: 29, at: "call" } },
];

/** Runs a program, which prints JSON, and returns what it printed. */
async function valueOf(t: TestNode, program: string, stress?: StressMode): Promise<unknown> {
  const { status, stdout, stderr } = await t.run(program, stress === undefined ? {} : { stress });
  assert.equal(stderr, "");
  assert.equal(status.code, 0);
  return JSON.parse(stdout);
}

const JOIN_ALL = `const joinAll = (count, body) => Array.from({ length: count }, (_, i) => Thread.create(() => body(i))).map((thread) => thread.join());`;
/** The code of the error that a function throws. */
const CODE_OF = `const codeOf = (body) => { try { body(); return "none"; } catch (error) { return error.code ?? error.name; } };`;

await withNode({ lwps: 1 }, (t) => {
  for (const { name, rounds, stress } of LOADS) {
    test(`a mutex lets one thread in, ${name}`, async () => {
      const program = `${JOIN_ALL}
        const mutex = new Mutex();
        let inside = 0, most = 0, total = 0;
        const results = joinAll(3, (i) => {
          for (let round = 0; round < ${rounds}; round++) {
            mutex.lock();
            inside = inside + 1;
            if (inside > most) most = inside;
            const seen = total;
            total = seen + 1;
            inside = inside - 1;
            mutex.unlock();
          }
          return i;
        });
        console.log(JSON.stringify([results, most, total, mutex.tryLock()]));`;
      assert.deepEqual(await valueOf(t, program, stress), [[0, 1, 2], 1, 3 * rounds, true]);
    });

    test(`a bounded buffer of conditions loses and repeats nothing, ${name}`, async () => {
      const program = `${JOIN_ALL}
        const mutex = new Mutex(), notEmpty = new Condition(), notFull = new Condition();
        const queue = [], taken = [];
        joinAll(4, (i) => {
          for (let round = 0; round < ${rounds}; round++) {
            mutex.lock();
            if (i < 2) {
              while (queue.length === 2) notFull.wait(mutex);
              queue.push(i * 1000 + round);
              notEmpty.notify();
            } else {
              while (queue.length === 0) notEmpty.wait(mutex);
              taken.push(queue.shift());
              notFull.notify();
            }
            mutex.unlock();
          }
        });
        console.log(JSON.stringify([taken.sort((a, b) => a - b), queue]));`;
      const expected = [0, 1000].flatMap((base) => Array.from({ length: rounds }, (_, round) => base + round));
      assert.deepEqual(await valueOf(t, program, stress), [expected, []]);
    });

    test(`a semaphore lets so many in, ${name}`, async () => {
      const program = `${JOIN_ALL}
        const semaphore = new Semaphore(2);
        let inside = 0, most = 0;
        joinAll(4, () => {
          for (let round = 0; round < ${rounds}; round++) {
            semaphore.acquire();
            inside += 1;
            most = Math.max(most, inside);
            Thread.yield();
            inside -= 1;
            semaphore.release();
          }
        });
        console.log(JSON.stringify([most === 1 || most === 2, semaphore.permits]));`;
      assert.deepEqual(await valueOf(t, program, stress), [true, 2]);
    });

    test(`a reader never sees half a write, ${name}`, async () => {
      const program = `${JOIN_ALL}
        const lock = new RwLock();
        let left = 0, right = 0, torn = 0, together = 0, reading = 0;
        joinAll(4, (i) => {
          for (let round = 0; round < ${Math.min(rounds, 100)}; round++) {
            if (i < 2) lock.withWrite(() => { left += 1; Thread.yield(); right += 1; if (reading > 0) torn += 1; });
            else lock.withRead(() => { reading += 1; together = Math.max(together, reading); if (left !== right) torn += 1; Thread.yield(); reading -= 1; });
          }
        });
        console.log(JSON.stringify([left, right, torn, together <= 2]));`;
      const writes = 2 * Math.min(rounds, 100);
      assert.deepEqual(await valueOf(t, program, stress), [writes, writes, 0, true]);
    });

    test(`each thread has its own value of a thread-local, ${name}`, async () => {
      const program = `${JOIN_ALL}
        const { ThreadLocal } = globalThis.__godwit.exports;
        const local = new ThreadLocal(() => 0);
        const sums = joinAll(3, (i) => {
          for (let round = 0; round < ${rounds}; round++) local.set(local.get() + i + 1);
          return local.get();
        });
        console.log(JSON.stringify([sums, local.get()]));`;
      assert.deepEqual(await valueOf(t, program, stress), [[rounds, 2 * rounds, 3 * rounds], 0]);
    });
  }

  test("misuse of a lock is an error that says so", async () => {
    const program = `${CODE_OF}
      const mutex = new Mutex(), lock = new RwLock(), condition = new Condition();
      const results = [codeOf(() => mutex.unlock()), codeOf(() => condition.wait(mutex)), codeOf(() => lock.unlock()), codeOf(() => Thread.self().join())];
      mutex.lock();
      results.push(codeOf(() => mutex.lock()), mutex.tryLock(), Thread.create(() => codeOf(() => mutex.unlock())).join(), mutex.isHeld);
      lock.lockRead();
      results.push(codeOf(() => lock.lockWrite()), codeOf(() => lock.lockRead()), lock.tryLockWrite());
      results.push(codeOf(() => new Semaphore(-1)), codeOf(() => new Semaphore(0).release(0)), codeOf(() => Thread.create(1)), codeOf(() => Thread.create(() => {}, { priority: 11 })));
      console.log(JSON.stringify(results));`;
    assert.deepEqual(await valueOf(t, program), [
      "EPERM",
      "EPERM",
      "EPERM",
      "EDEADLK",
      "EDEADLK",
      false,
      "EPERM",
      true,
      "EDEADLK",
      "EDEADLK",
      false,
      "RangeError",
      "EINVAL",
      "TypeError",
      "RangeError",
    ]);
  });

  test("waits end at their time, and locks are held again after it", async () => {
    const program = `${CODE_OF}
      const mutex = new Mutex(), condition = new Condition(), semaphore = new Semaphore(0);
      const release = new Semaphore(0);
      const holder = Thread.create(() => mutex.withLock(() => release.acquire()));
      while (mutex.tryLock()) { mutex.unlock(); Thread.yield(); }
      const results = [mutex.tryLock({ timeoutMs: 2 }), codeOf(() => holder.join({ timeoutMs: 2 })), semaphore.tryAcquire({ timeoutMs: 2 })];
      release.release();
      holder.join();
      mutex.lock();
      results.push(condition.wait(mutex, { timeoutMs: 2 }), mutex.isHeld, condition.waitFor(mutex, () => false, { timeoutMs: 2 }), condition.waitFor(mutex, () => true), mutex.isHeld);
      console.log(JSON.stringify(results));`;
    assert.deepEqual(await valueOf(t, program), [false, "ETIMEDOUT", false, false, true, false, true, true]);
  });

  test("join gives the result or the error, again and again; a promise as it is", async () => {
    const { stdout, stderr } = await t.run(`
      const ok = Thread.create(() => ({ a: 1 }), { name: "fine" });
      const bad = Thread.create(() => { throw new RangeError("thread's own"); }, { name: "failing" });
      const later = Thread.create(async () => { await promises.sleep(1); return 5; });
      const caught = [0, 1].map(() => { try { bad.join(); } catch (error) { return error.message; } });
      console.log(JSON.stringify([ok.join() === ok.join(), caught, await later.join(), await ok.joinAsync(), ok.isAlive, ok.name, ok.id > 1, Thread.self().name === Thread.self().name]));`);
    assert.deepEqual(JSON.parse(stdout), [
      true,
      ["thread's own", "thread's own"],
      5,
      { a: 1 },
      false,
      "fine",
      true,
      true,
    ]);
    assert.match(stderr, /^Uncaught in thread "failing": RangeError: thread's own\n {4}at .*program\.js/);
  });

  test("a mutex is given back when what it guards throws, and by using", async () => {
    const program = `${CODE_OF}
      const mutex = new Mutex();
      const results = [codeOf(() => mutex.withLock(() => { throw new TypeError("x"); })), mutex.isHeld];
      { using held = mutex.lock(); results.push(mutex.isHeld); }
      results.push(mutex.isHeld);
      console.log(JSON.stringify(results));`;
    assert.deepEqual(await valueOf(t, program), ["TypeError", false, true, false]);
  });
});
