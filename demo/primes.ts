/**
 * What `godwit demo` moves about: four threads that find primes by trial division and add them up together, under a lock.
 * It keeps no file and talks to nobody: all that it knows is in its memory and in the local variables of its loops.
 */

import { Mutex, onSignal, self, Thread } from "godwit";

/** Where it stops; sooner, where it is, when it gets the signal SIGUSR1. */
let limit = Number(self.arguments[0] ?? 100_000);
/** Numbers that a thread takes at a time. */
const SHARE = 2000;

const mutex = new Mutex();
let next = 0;
let count = 0;
let sum = 0;

function isPrime(n: number): boolean {
  if (n % 2 === 0) return n === 2;
  for (let d = 3; d * d <= n; d += 2) if (n % d === 0) return false;
  return n > 1;
}

function work(): void {
  for (;;) {
    const from = mutex.withLock(() => (next += SHARE) - SHARE);
    if (from >= limit) return;
    let found = 0;
    let added = 0;
    for (let n = from; n < from + SHARE && n < limit; n++) {
      if (!isPrime(n)) continue;
      found++;
      added += n;
    }
    mutex.withLock(() => {
      count += found;
      sum += added;
    });
    if (from % 20_000 === 0) console.log(`progress ${from}`);
  }
}

onSignal("SIGUSR1", () =>
  mutex.withLock(() => {
    limit = Math.min(limit, next);
  }),
);
const threads = [1, 2, 3, 4].map((n) => Thread.create(work, { name: `finder ${n}` }));
for (const thread of threads) thread.join();
console.log(`answer ${limit} ${count} ${sum}`);
