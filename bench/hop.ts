/**
 * What one hop costs: a program is stopped at a poll, captured, encoded, decoded, checked, materialised in a fresh
 * instance, and goes on there. The same program runs undisturbed and with a hop at every poll, turn by turn.
 */

import { loadEngine } from "../src/machine/load.ts";
import type { Extent, Group } from "./benchmark.ts";
import { LocalKernel } from "./local-kernel.ts";
import { rowOf } from "./row.ts";

const TURNS = 15;
const PROGRAM = `
class Account { #balance = 0; deposit(amount) { this.#balance += amount; return this; } get balance() { return this.#balance; } }
function visit(depth, account) { return depth === 0 ? account.deposit(1).balance : visit(depth - 1, account) + visit(depth - 1, account); }
let sum = 0;
for (let i = 0; i < 12; i++) sum += visit(12, new Account());
console.log(sum);`;

export async function measureHop({ quick }: Extent): Promise<Group[]> {
  const kernel = new LocalKernel(await loadEngine());
  const hops: number[] = [];
  const polls: number[] = [];
  for (let turn = quick ? 0 : -2; turn < (quick ? 1 : TURNS); turn++) {
    const plain = run(kernel, false);
    const stressed = run(kernel, true);
    if (stressed.output !== plain.output)
      throw new Error(`with hops the program printed ${stressed.output}, not ${plain.output}`);
    if (turn < 0) continue;
    hops.push(((stressed.tookMs - plain.tookMs) / stressed.polls) * 1000);
    polls.push(stressed.polls);
  }
  const rows = [rowOf("a hop to a fresh instance", "us", hops), rowOf("hops in a run", "hops", polls)];
  return [{ title: "A hop: stop, capture, encode, decode, materialise, go on", rows, goals: [], missing: [] }];
}

function run(kernel: LocalKernel, stress: boolean): { output: string; tookMs: number; polls: number } {
  let output = "";
  kernel.polls = 0;
  kernel.onPost = (message) => {
    if (message.op === "output") output += Buffer.from(message.bytes).toString();
  };
  const beganMs = performance.now();
  kernel.spawn(PROGRAM, stress ? { every: 1, at: "poll" } : undefined);
  kernel.settle();
  return { output, tookMs: performance.now() - beganMs, polls: kernel.polls };
}
