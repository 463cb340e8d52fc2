/** Threads that share a queue: one takes lines from standard input, the others work on them. */

import { Condition, Mutex, stdin, Thread } from "godwit";

const WORKERS = 3;
const QUEUE_MAX = 100;

const mutex = new Mutex();
const changed = new Condition();
const queue: string[] = [];
let finished = false;

/** The next line, or undefined when there will be none. */
function take(): string | undefined {
  return mutex.withLock(() => {
    changed.waitFor(mutex, () => queue.length > 0 || finished);
    const line = queue.shift();
    changed.notifyAll();
    return line;
  });
}

function put(line: string): void {
  mutex.withLock(() => {
    changed.waitFor(mutex, () => queue.length < QUEUE_MAX);
    queue.push(line);
    changed.notifyAll();
  });
}

function work(): number {
  let done = 0;
  for (let line = take(); line !== undefined; line = take()) {
    console.log(`${Thread.self().name}: ${line.toUpperCase()}`);
    done++;
  }
  return done;
}

const workers = Array.from({ length: WORKERS }, (_, index) => Thread.create(work, { name: `worker ${index + 1}` }));
for (const line of stdin.lines()) put(line);
mutex.withLock(() => {
  finished = true;
  changed.notifyAll();
});
const done = workers.map((worker) => worker.join()).reduce((sum, lines) => sum + lines, 0);
console.log(`${done} lines`);
