/**
 * `fork` in the middle of a recursion. Parent and child are alike down to the depth of their calls, and share nothing
 * from there on: each returns through its own copy of the same frames, and each changes its own copy of the heap.
 * A page of memory is copied when one of the two writes to it.
 *
 *     npx godwit run examples/fork-copy-on-write.ts
 *
 * prints
 *
 *     forked at depth 4, below 1 > 2 > 3 > 4
 *     child: spends 30 and returns 4 > 3 > 2 > 1 with 70 left
 *     parent: earns 50 and returns 4 > 3 > 2 > 1 with 150 left
 *     the child ended with code 70; the parent still has 150
 */

import { exit, fork, wait } from "godwit";

const account = { balance: 100 };
const returned: number[] = [];
let who = "parent";
let child = 0;

/** Goes down to the fork, and in both processes comes up again. */
function descend(depth: number, path: string): void {
  if (depth < 4) {
    descend(depth + 1, `${path} > ${depth + 1}`);
  } else {
    console.log(`forked at depth ${depth}, below ${path}`);
    child = fork();
    if (child === 0) {
      who = "child";
      account.balance -= 30;
    } else {
      account.balance += 50;
    }
  }
  returned.push(depth);
}

descend(1, "1");
if (child === 0) {
  console.log(`${who}: spends 30 and returns ${returned.join(" > ")} with ${account.balance} left`);
  exit(account.balance);
}
const { code } = wait(child);
console.log(`${who}: earns 50 and returns ${returned.join(" > ")} with ${account.balance} left`);
console.log(`the child ended with code ${code}; the parent still has ${account.balance}`);
