/**
 * Five philosophers at a round table, five chopsticks, two needed to eat. If each takes the left one first, all can
 * hold one and wait for ever for the other. Taking the lower-numbered one first breaks the ring.
 *
 *     npx godwit run examples/dining-philosophers.ts
 *
 * prints
 *
 *     Confucius ate 3 times
 *     Hypatia ate 3 times
 *     Kant ate 3 times
 *     Laozi ate 3 times
 *     Sappho ate 3 times
 *
 *     npx godwit run examples/dining-philosophers.ts --deadlock
 *
 * makes each take the left one and wait. The kernel sees that every thread waits for another, reports where each one
 * stands, line by line, and ends the process with an error.
 */

import { Mutex, self, sleep, Thread } from "godwit";

const NAMES = ["Confucius", "Hypatia", "Kant", "Laozi", "Sappho"];
const MEALS = 3;
const leftFirst = self.arguments.includes("--deadlock");

const chopsticks = NAMES.map(() => new Mutex());

function chopstick(index: number): Mutex {
  const found = chopsticks[index % chopsticks.length];
  if (found === undefined) throw new RangeError(`there is no chopstick ${index}`);
  return found;
}

/** A philosopher's life; returns how often they ate. */
function dine(seat: number): number {
  const left = chopstick(seat);
  const right = chopstick(seat + 1);
  const isLast = seat === NAMES.length - 1;
  const [first, second] = isLast && !leftFirst ? [right, left] : [left, right];
  let meals = 0;
  for (; meals < MEALS; meals++) {
    first.lock();
    sleep(5); // long enough for everyone to hold one
    second.lock();
    sleep(1); // eats
    second.unlock();
    first.unlock();
  }
  return meals;
}

const philosophers = NAMES.map((name, seat) => Thread.create(() => dine(seat), { name }));
for (const philosopher of philosophers) console.log(`${philosopher.name} ate ${philosopher.join()} times`);
