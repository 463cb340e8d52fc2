/**
 * Threads in the style of POSIX: two are created, both are joined, and all three say where they run. The threads
 * have ids of their own; the process they share is one.
 *
 *     npx godwit run examples/threads-pthreads.ts
 *
 * prints (with the process id of the run):
 *
 *     In thread 2 and process 1
 *     In thread 3 and process 1
 *     In thread 1 and process 1
 */

import { self, Thread } from "godwit";

function sayWhere(): void {
  console.log(`In thread ${Thread.self().id} and process ${self.pid}`);
}

const first = Thread.create(sayWhere);
const second = Thread.create(sayWhere);
first.join();
second.join();
sayWhere();
