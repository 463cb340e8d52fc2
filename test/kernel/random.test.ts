/** Random programs in random circumstances: the right answer, the same trace for the same seed, and invariants at every turn. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { seeded, World } from "./world.ts";

interface Program {
  readonly source: string;
  readonly answer: string;
}

/** Threads under a lock, with yields and sleeps between; children that send and exit; timers and promises at the end. */
function program(random: () => number): Program {
  const upTo = (most: number) => 1 + Math.floor(random() * most);
  const [threads, turns, children, timers, tokens] = [upTo(4), upTo(12), upTo(3) - 1, upTo(5), upTo(6)];
  const fork = random() < 0.5 ? "all" : "caller";
  const source = `
    const mutex = new Mutex(), changed = new Condition();
    let count = 0, fired = 0, turn = 0;
    const workers = Array.from({ length: ${threads} }, (_, n) => Thread.create(() => {
      for (let i = 0; i < ${turns}; i++) {
        mutex.lock();
        const before = count;
        if (i % 3 === n % 3) Thread.yield();
        if (i % 5 === 0) sleep(n);
        count = before + 1;
        mutex.unlock();
      }
      return n;
    }, { priority: 1 + n * 3 }));
    const players = [0, 1].map((mine) => Thread.create(() => {
      for (let i = 0; i < ${tokens}; i++) mutex.withLock(() => {
        while (turn % 2 !== mine) changed.wait(mutex);
        turn++;
        changed.notifyAll();
      });
    }));
    const pids = [];
    for (let c = 1; c <= ${children}; c++) {
      const pid = fork({ threads: "${fork}" });
      if (pid === 0) { sleep(c); send(self.parent, c * 10); exit(c); }
      pids.push(pid);
    }
    let sum = 0;
    for (const _ of pids) sum += receive().message;
    const codes = pids.map((pid) => wait(pid).code).join("+");
    const names = workers.map((worker) => worker.join()).join("");
    for (const player of players) player.join();
    for (let i = 0; i < ${timers}; i++) setTimeout(() => fired++, i * 3);
    const ticks = await new Promise((done) => { let n = 0; const every = setInterval(() => { if (++n === 3) { clearInterval(every); done(n); } }, 7); });
    await promises.sleep(1);
    while (fired < ${timers}) await new Promise((done) => setTimeout(done, 1));
    console.log(count, sum, codes, names, turn, fired, ticks);`;
  const codes = Array.from({ length: children }, (_, c) => c + 1);
  const names = Array.from({ length: threads }, (_, n) => n).join("");
  const sum = codes.reduce((total, code) => total + code * 10, 0);
  return { source, answer: `${threads * turns} ${sum} ${codes.join("+")} ${names} ${2 * tokens} ${timers} 3\n` };
}

/** Does one of the things that must make no difference to a program. */
function meddle(world: World, paused: Set<number>): void {
  const living = [...world.known.values()].filter(({ exit, held }) => exit === undefined && held === undefined);
  const one = living[Math.floor(world.random() * living.length)];
  if (one === undefined) return;
  const { pid } = one;
  const chance = world.random();
  if (chance < 0.3) world.handOver(pid);
  else if (chance < 0.4) {
    world.tell(pid, { op: "pause", pid, paused: true });
    paused.add(pid);
  } else if (chance < 0.5) world.tell(pid, { op: "signal", pid, signal: "SIGCONT" });
  else if (chance < 0.6) world.ask(pid, { kind: "capture" }).catch(() => {});
  else if (chance < 0.7) world.ask(pid, { kind: "inspect" }).catch(() => {});
}

function live(seed: number): { world: World; answer: string; stdout: string } {
  const choose = seeded(seed);
  const { source, answer } = program(choose);
  const world = new World({ seed, restless: true, swapAfterMs: choose() < 0.5 ? 20 : Infinity });
  const stress = choose() < 0.3 ? { every: 1 + Math.floor(choose() * 20), at: "call" as const } : undefined;
  const root = world.spawn(source, stress === undefined ? {} : { stress });
  const paused = new Set<number>();
  for (;;) {
    world.run(() => {
      if (world.random() < 0.2) meddle(world, paused);
    });
    if (paused.size === 0) break;
    for (const pid of paused) world.tell(pid, { op: "pause", pid, paused: false });
    paused.clear();
  }
  for (const { pid, exit, stderr } of world.known.values()) {
    assert.ok(exit !== undefined, `seed ${seed}: process ${pid} has ended`);
    assert.equal(stderr, "", `seed ${seed}: process ${pid}`);
  }
  for (const kernel of world.kernels) assert.equal(kernel.processes.size, 0);
  return { world, answer, stdout: root.stdout };
}

const SEEDS = 40;

test(
  `${SEEDS} random programs, handed over, paused, captured, inspected, swapped and stressed, have the right answer`,
  { timeout: 120_000 },
  () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { answer, stdout } = live(seed);
      assert.equal(stdout, answer, `seed ${seed}`);
    }
  },
);

test("the same seed gives the same trace, another seed another", () => {
  const traces = [7, 7, 8].map((seed) => live(seed).world.trace.join("\n"));
  assert.ok((traces[0]?.length ?? 0) > 1000);
  assert.equal(traces[0], traces[1]);
  assert.notEqual(traces[0], traces[2]);
});
