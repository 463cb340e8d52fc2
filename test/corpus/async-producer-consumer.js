// Async queues, a mutex and a semaphore written with promises; many tasks that interleave.
class Queue { #items = []; #waiting = []; put(v) { const w = this.#waiting.shift(); if (w) w(v); else this.#items.push(v); } take() { return this.#items.length ? Promise.resolve(this.#items.shift()) : new Promise((r) => this.#waiting.push(r)); } }
class Semaphore { #free; #waiting = []; constructor(n) { this.#free = n; } async run(f) { if (this.#free === 0) await new Promise((r) => this.#waiting.push(r)); else this.#free--; try { return await f(); } finally { const next = this.#waiting.shift(); if (next) next(); else this.#free++; } } }
const q = new Queue(), log = [];
const consumer = async (name) => { for (let v; (v = await q.take()) !== null; ) log.push(name + v); log.push(name + " end"); };
const producer = async () => { for (let i = 0; i < 6; i++) { q.put(i); if (i % 2) await null; } q.put(null); q.put(null); };
let running = 0, peak = 0;
const sem = new Semaphore(2);
const task = (i) => sem.run(async () => { peak = Math.max(peak, ++running); for (let k = 0; k < (i % 3) + 1; k++) await k; running--; return i * i; });
(async () => {
  await Promise.all([consumer("x"), consumer("y"), producer()]);
  print(log.join(" "));
  print((await Promise.all([1, 2, 3, 4, 5, 6].map(task))).join(), peak);
  const settled = await Promise.allSettled([1, 2, 3].map((i) => sem.run(() => { if (i === 2) throw new Error("task " + i); return i; })));
  print(settled.map((s) => s.status[0] + (s.value ?? s.reason.message)).join());
})();
