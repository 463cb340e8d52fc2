import assert from "node:assert/strict";
import { test } from "node:test";
import type { StressMode } from "../../src/abi/control.ts";
import { NO_CAPABILITIES } from "../../src/kernel/capability.ts";
import { capture } from "../../src/kernel/capture.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { receive } from "../../src/kernel/lwp.ts";
import { quotasOf } from "../../src/kernel/quota.ts";
import { INSTANCE_IDLE_MS } from "../../src/limits.ts";
import { loadEngine } from "../../src/machine/load.ts";
import * as codec from "../../src/resources/codec.ts";
import { hostCrypto } from "../../src/resources/crypto.ts";
import { hostFiles } from "../../src/resources/file.ts";

const SWAP_AFTER_MS = 10_000;
const PID = 1;
const engine = await loadEngine();

/** A kernel whose clock stands still unless it is told to go on, with one process that answers each line of input. */
class Idling {
  nowMs = 0;
  output = "";
  readonly kernel = new Kernel(
    engine,
    {
      nodeName: "test",
      monotonicMs: () => this.nowMs,
      wallClockMs: () => this.nowMs,
      randomBytes: (into) => void into.fill(7),
      attention: () => false,
      post: (message) => {
        if (message.op === "output") this.output += Buffer.from(message.bytes).toString();
      },
      files: hostFiles,
      askNode: () => Promise.reject(new Error("there is no other node")),
      codec,
      crypto: hostCrypto(),
    },
    SWAP_AFTER_MS,
  );

  constructor(source: string, stress?: StressMode) {
    const program = { name: "program.js", source, sourceMap: "" };
    const [quotas, capabilities] = [quotasOf({}), NO_CAPABILITIES];
    const who = { pid: PID, parent: 0, program, arguments: [], environment: {}, workingDirectory: "/" };
    receive(this.kernel, { op: "spawn", birth: { ...who, quotas, capabilities, stress } });
    this.run();
  }

  get process() {
    const process = this.kernel.processes.get(PID);
    assert.ok(process !== undefined, this.output);
    return process;
  }

  /** How much of it there is. */
  get state(): string {
    const { memory, processor, swapped } = this.process;
    if (swapped !== undefined) return memory === undefined && processor === undefined ? "swapped" : "inconsistent";
    return processor === undefined ? "memory" : "instance";
  }

  run(): void {
    do this.kernel.run(1);
    while (this.kernel.scheduler.readyCount > 0);
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.run();
  }

  input(line: string): void {
    receive(this.kernel, { op: "input", pid: PID, bytes: Buffer.from(`${line}\n`) });
    this.run();
  }
}

const ANSWERS = `const { stdin } = globalThis.__godwit.exports;
let count = 0;
for (;;) console.log(stdin.readLine(), ++count);`;

test("an idle process gives up its instance, then its memory, and goes on from either", () => {
  const idling = new Idling(ANSWERS, { every: 1000, at: "call" });
  assert.equal(idling.state, "instance");
  idling.input("a");
  idling.pass(INSTANCE_IDLE_MS - 1);
  assert.equal(idling.state, "instance");
  idling.pass(1);
  assert.equal(idling.state, "memory");
  idling.input("b");
  assert.equal(idling.state, "instance");
  idling.pass(SWAP_AFTER_MS);
  assert.equal(idling.state, "swapped");
  idling.input("c");
  assert.equal(idling.output, "a 1\nb 2\nc 3\n");
  assert.equal(idling.process.processor?.pollEveryCall, true, "it is still stopped at every call");
});

test("a process that was looked at while it was swapped out is swapped out again", () => {
  const idling = new Idling(ANSWERS);
  idling.pass(SWAP_AFTER_MS);
  assert.equal(idling.state, "swapped");
  capture(idling.kernel, idling.process, idling.nowMs);
  assert.equal(idling.state, "memory");
  idling.pass(SWAP_AFTER_MS - 1);
  assert.equal(idling.state, "memory");
  idling.pass(1);
  assert.equal(idling.state, "swapped");
});

test("a process that runs now and then keeps what it needs, at one deadline's cost", () => {
  const idling = new Idling(ANSWERS);
  for (let i = 0; i < 10; i++) {
    idling.input(String(i));
    idling.pass(INSTANCE_IDLE_MS * 0.6);
    assert.equal(idling.state, "instance");
  }
  assert.equal(idling.kernel.letGo, 0);
});
