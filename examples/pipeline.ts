/**
 * A pipeline of processes: each stage takes a value from its mailbox, does its part, and sends the result on. The
 * stages run side by side, so while one sentence is counted the next is already being split. A mailbox is bounded:
 * a stage that is too fast finds it full (`ENOSPC`) and waits a little.
 *
 *     npx godwit run examples/pipeline.ts
 *
 * prints
 *
 *     "a thread blocks alone": 4 words, longest "thread"
 *     "a process moves while it runs": 6 words, longest "process"
 *     "an image goes on anywhere": 5 words, longest "anywhere"
 */

import { exit, fork, receive, self, send, sleep, wait } from "godwit";

type Stage = (input: unknown) => unknown;

const split: Stage = (sentence) => ({ sentence, words: String(sentence).split(" ") });
const measure: Stage = (input) => {
  const { sentence, words } = input as { sentence: string; words: string[] };
  const longest = words.reduce((best, word) => (word.length > best.length ? word : best));
  return { sentence, count: words.length, longest };
};
const describe: Stage = (input) => {
  const { sentence, count, longest } = input as { sentence: string; count: number; longest: string };
  return `"${sentence}": ${count} words, longest "${longest}"`;
};

/** Starts a process that applies `stage` to all it receives and sends the results to `next`; `null` ends the line. */
function start(stage: Stage, next: number): number {
  const pid = fork();
  if (pid !== 0) return pid;
  for (;;) {
    const { message } = receive();
    pass(next, message === null ? null : stage(message));
    if (message === null) exit(0);
  }
}

/** Sends, and waits while the receiver's mailbox is full. */
function pass(to: number, message: unknown): void {
  for (;;) {
    try {
      send(to, message);
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== "ENOSPC") throw error;
      sleep(1);
    }
  }
}

// From the last stage to the first, as each must know its successor.
const stages: number[] = [];
for (const stage of [describe, measure, split]) stages.unshift(start(stage, stages[0] ?? self.pid));

const [first = self.pid] = stages;
for (const sentence of ["a thread blocks alone", "a process moves while it runs", "an image goes on anywhere"]) {
  pass(first, sentence);
}
pass(first, null);
for (let { message } = receive(); message !== null; { message } = receive()) console.log(message);
for (const pid of stages) wait(pid);
