/**
 * A mobile agent: a program that goes from node to node by itself and gathers something on its way. What it has found is in a
 * local variable of a loop, and goes with it; on each node it works beside that node's data, and only it moves.
 *
 *     npx godwit up --detach --nodes 3
 *     PID=$(npx godwit run --detach --node n1 examples/mobility/agent.ts n2 n3 n1)
 *     npx godwit logs --follow $PID
 *
 * prints
 *
 *     n2: 2262 primes
 *     n3: 2262 primes
 *     n1: 2262 primes
 *     home again, all the same
 */

import { migrate, self } from "godwit";

/** Something to do that depends on where it is done: here only how long it takes does. */
function survey(): { found: number; tookMs: number } {
  const beganMs = performance.now();
  let found = 0;
  for (let n = 2; n < 20_000; n++) {
    let d = 2;
    while (d * d <= n && n % d !== 0) d++;
    if (d * d > n) found++;
  }
  return { found, tookMs: performance.now() - beganMs };
}

const results: { node: string; found: number; tookMs: number }[] = [];
for (const next of self.arguments) {
  const { node } = migrate(next); // it is called on one node, and returns on another
  results.push({ node, ...survey() });
}
for (const { node, found } of results) console.log(`${node}: ${found} primes`);
const isSame = results.every(({ found }) => found === results[0]?.found);
console.log(isSame ? "home again, all the same" : "home again, and they differ");
