/**
 * A long computation whose whole progress is in the local variables of one loop: nothing is saved, nothing prepared,
 * and not one line knows that it may be stopped, copied or moved. It counts primes by trial division, then counts
 * them again by a sieve, and says whether both agree.
 *
 *     npx godwit run examples/primes.ts
 *
 * prints
 *
 *     below 100000: 9592 primes so far
 *     below 200000: 17984 primes so far
 *     below 300000: 25997 primes so far
 *     below 400000: 33860 primes so far
 *     below 500000: 41538 primes so far
 *     41538 primes below 500000, the largest 499979; a sieve finds as many: yes
 *
 * To stop it in the middle, throw it away and go on from where it was (`godwit up` runs in another terminal):
 *
 *     npx godwit run --detach examples/primes.ts 5000000     prints its process id, say 1
 *     npx godwit checkpoint 1 -o primes.image                while it computes
 *     npx godwit kill 1
 *     npx godwit restore primes.image                        goes on in the middle of the loop
 */

import { self } from "godwit";

const limit = Number(self.arguments[0] ?? 500_000);
if (!Number.isInteger(limit) || limit < 10) throw new RangeError("give a whole number from 10 on as the limit");

function countByDivision(): { found: number; largest: number } {
  let found = 1; // 2
  let largest = 2;
  let next = limit / 5;
  for (let candidate = 3; candidate < limit; candidate += 2) {
    let divisor = 3;
    while (divisor * divisor <= candidate && candidate % divisor !== 0) divisor += 2;
    if (divisor * divisor > candidate) {
      found++;
      largest = candidate;
    }
    if (candidate + 2 >= next) {
      console.log(`below ${Math.round(next)}: ${found} primes so far`);
      next += limit / 5;
    }
  }
  return { found, largest };
}

function countBySieve(): number {
  const composite = new Uint8Array(limit);
  let found = 0;
  for (let n = 2; n < limit; n++) {
    if (composite[n] === 1) continue;
    found++;
    for (let multiple = n * n; multiple < limit; multiple += n) composite[multiple] = 1;
  }
  return found;
}

const { found, largest } = countByDivision();
const agree = countBySieve() === found;
console.log(`${found} primes below ${limit}, the largest ${largest}; a sieve finds as many: ${agree ? "yes" : "NO"}`);
