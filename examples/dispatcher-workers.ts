/**
 * A server built from a dispatcher and workers. The dispatcher puts each request into a bounded queue; idle workers
 * take them out. A worker blocks while it waits for its "disk" (a sleep), and only itself: plain sequential code, and
 * yet as many requests are under way as there are workers. The bound makes a fast dispatcher wait for slow workers.
 *
 *     npx godwit run examples/dispatcher-workers.ts
 *
 * prints
 *
 *     12 requests, answered by 4 workers
 *     at once under way: 4, waiting in the queue: at most 3
 *     index.html: 10 bytes, style.css: 9 bytes, logo.svg: 8 bytes, ...
 */

import { Condition, Mutex, sleep, Thread } from "godwit";

/** A queue that holds at most `capacity` items: `put` waits while it is full, `take` while it is empty. */
class BoundedQueue<T> {
  readonly #items: T[] = [];
  readonly #capacity: number;
  readonly #mutex = new Mutex();
  readonly #notFull = new Condition();
  readonly #notEmpty = new Condition();
  #closed = false;
  longest = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  put(item: T): void {
    this.#mutex.withLock(() => {
      while (this.#items.length === this.#capacity) this.#notFull.wait(this.#mutex);
      this.#items.push(item);
      this.longest = Math.max(this.longest, this.#items.length);
      this.#notEmpty.notify();
    });
  }

  /** The next item, or `undefined` once the queue is closed and empty. */
  take(): T | undefined {
    return this.#mutex.withLock(() => {
      while (this.#items.length === 0 && !this.#closed) this.#notEmpty.wait(this.#mutex);
      const item = this.#items.shift();
      this.#notFull.notify();
      return item;
    });
  }

  close(): void {
    this.#mutex.withLock(() => {
      this.#closed = true;
      this.#notEmpty.notifyAll();
    });
  }
}

interface Request {
  readonly number: number;
  readonly path: string;
}

const WORKERS = 4;
const DISK_MS = 30;
const PATHS = ["index.html", "style.css", "logo.svg"];
const requests: Request[] = Array.from({ length: 12 }, (_, number) => ({
  number,
  path: PATHS[number % PATHS.length] ?? "",
}));

const queue = new BoundedQueue<Request>(3);
const answers: string[] = [];
let underWay = 0;
let mostUnderWay = 0;

/** Threads are switched only at calls and at jumps back, so `underWay++` needs no lock. */
function work(): void {
  for (let request = queue.take(); request !== undefined; request = queue.take()) {
    underWay++;
    mostUnderWay = Math.max(mostUnderWay, underWay);
    sleep(DISK_MS); // a blocking read: this worker waits, the others go on
    answers[request.number] = `${request.path}: ${request.path.length} bytes`;
    underWay--;
  }
}

const workers = Array.from({ length: WORKERS }, (_, i) => Thread.create(work, { name: `worker-${i}` }));
for (const request of requests) queue.put(request);
queue.close();
for (const worker of workers) worker.join();

console.log(`${answers.length} requests, answered by ${WORKERS} workers`);
console.log(`at once under way: ${mostUnderWay}, waiting in the queue: at most ${queue.longest}`);
console.log(`${answers.slice(0, 3).join(", ")}, ...`);
