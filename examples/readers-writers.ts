/**
 * Readers and writers. Two accounts always hold 100 together; a writer moves money from one to the other in two steps
 * and sleeps between them, when the books are wrong. Readers may look together, but never while a writer is at work,
 * so no reader ever sees the wrong books. Without the lock (`--unsafe`) they do.
 *
 *     npx godwit run examples/readers-writers.ts
 *
 * prints
 *
 *     30 looks by 3 readers, 10 transfers by 2 writers
 *     readers at once: 3, writers at once: 1
 *     wrong books seen: 0
 *
 *     npx godwit run examples/readers-writers.ts --unsafe
 *
 * counts the wrong books that are seen when nobody locks.
 */

import { RwLock, self, sleep, Thread } from "godwit";

const READERS = 3;
const WRITERS = 2;
const unsafe = self.arguments.includes("--unsafe");

const lock = new RwLock();
const reading = unsafe ? (body: () => void) => body() : (body: () => void) => lock.withRead(body);
const writing = unsafe ? (body: () => void) => body() : (body: () => void) => lock.withWrite(body);

const books = { savings: 60, current: 40 };
const seen = { looks: 0, transfers: 0, wrong: 0 };

/** How many are at it now, and how many were at most. */
class Gauge {
  now = 0;
  most = 0;
  during(body: () => void): void {
    this.now++;
    this.most = Math.max(this.most, this.now);
    body();
    this.now--;
  }
}
const readers = new Gauge();
const writers = new Gauge();

function look(): void {
  if (books.savings + books.current !== 100) seen.wrong++;
  seen.looks++;
  sleep(2);
}

function transfer(amount: number): void {
  books.savings -= amount;
  sleep(2); // here the books are wrong
  books.current += amount;
  seen.transfers++;
}

function read(): void {
  for (let i = 0; i < 10; i++) reading(() => readers.during(look));
}

function write(): void {
  for (let i = 0; i < 5; i++) {
    writing(() => writers.during(() => transfer(i % 2 === 0 ? 10 : -10)));
    sleep(1);
  }
}

const threads = [
  ...Array.from({ length: READERS }, (_, i) => Thread.create(read, { name: `reader-${i}` })),
  ...Array.from({ length: WRITERS }, (_, i) => Thread.create(write, { name: `writer-${i}` })),
];
for (const thread of threads) thread.join();

console.log(`${seen.looks} looks by ${READERS} readers, ${seen.transfers} transfers by ${WRITERS} writers`);
console.log(`readers at once: ${readers.most}, writers at once: ${writers.most}`);
console.log(`wrong books seen: ${seen.wrong}`);
