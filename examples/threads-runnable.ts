/**
 * Threads in the style of Java: an object that can be run, and a thread that runs it. Each counts down from 4 and
 * sleeps between two numbers; a thread that sleeps leaves the processor to the other, so the two counts interleave.
 *
 *     npx godwit run examples/threads-runnable.ts
 *
 * prints
 *
 *     Creating Thread-1
 *     Starting Thread-1
 *     Creating Thread-2
 *     Starting Thread-2
 *     Running Thread-1
 *     Thread: Thread-1, 4
 *     Running Thread-2
 *     Thread: Thread-2, 4
 *     Thread: Thread-1, 3
 *     Thread: Thread-2, 3
 *     Thread: Thread-1, 2
 *     Thread: Thread-2, 2
 *     Thread: Thread-1, 1
 *     Thread: Thread-2, 1
 *     Thread Thread-1 exiting.
 *     Thread Thread-2 exiting.
 */

import { Thread } from "godwit";

interface Runnable {
  run(): void;
}

class Countdown implements Runnable {
  readonly #name: string;
  #thread: Thread | undefined;

  constructor(name: string) {
    this.#name = name;
    console.log(`Creating ${name}`);
  }

  start(): void {
    console.log(`Starting ${this.#name}`);
    if (this.#thread !== undefined) throw new Error(`${this.#name} has been started already`);
    this.#thread = Thread.create(() => this.run(), { name: this.#name });
  }

  run(): void {
    console.log(`Running ${this.#name}`);
    for (let i = 4; i > 0; i--) {
      console.log(`Thread: ${Thread.self().name}, ${i}`);
      Thread.sleep(50);
    }
    console.log(`Thread ${this.#name} exiting.`);
  }
}

new Countdown("Thread-1").start();
new Countdown("Thread-2").start();
// The main thread ends here; the process ends with its last thread.
