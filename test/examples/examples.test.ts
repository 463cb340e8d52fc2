/** Every example is run as its head says, and must print what its head says. */

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import { godwit, type Outcome } from "./command.ts";
import { promisesOf } from "./head.ts";
import { startNode, until } from "./node.ts";

const EXAMPLES = readdirSync("examples")
  .filter((name) => name.endsWith(".ts"))
  .map((name) => join("examples", name));

/** Heads whose output depends on the run, by example: what is checked instead. */
const VARYING: Readonly<Record<string, (outcome: Outcome) => void>> = {
  "threads-runnable.ts": ({ stdout }) => {
    // Which of two sleepers wakes first is the scheduler's business; what each does is not.
    for (const name of ["Thread-1", "Thread-2"]) {
      const its = (lines: readonly string[]): string[] => lines.filter((line) => line.includes(name));
      assert.deepEqual(its(linesOf(stdout)), its(promisesOf("examples/threads-runnable.ts")[0]?.output ?? []));
    }
    assert.ok(stdout.indexOf("Thread: Thread-2, 4") < stdout.indexOf("Thread-1 exiting"), "they run side by side");
  },
  "threads-pthreads.ts": ({ stdout }) => {
    const lines = [...stdout.matchAll(/^In thread (\d+) and process (\d+)$/gm)];
    assert.equal(lines.length, 3, stdout);
    assert.equal(new Set(lines.map(([, tid]) => tid)).size, 3, "three thread ids");
    assert.equal(new Set(lines.map(([, , pid]) => pid)).size, 1, "one process id");
    assert.equal(lines[2]?.[1], "1", "the main thread speaks last");
  },
};

const linesOf = (output: string): string[] => output.split("\n").slice(0, -1);

function assertAsPromised(file: string, outcome: Outcome): void {
  assert.equal(outcome.stderr, "");
  assert.equal(outcome.code, 0);
  const varying = VARYING[basename(file)];
  if (varying !== undefined) varying(outcome);
  else assert.deepEqual(linesOf(outcome.stdout), promisesOf(file)[0]?.output);
}

for (const file of EXAMPLES) {
  test(file, async () => {
    const [first] = promisesOf(file);
    assert.ok(first !== undefined && first.command[0] === "run", "its head says how to run it");
    assert.ok(first.command.includes(file), "its head runs this file");
    assert.ok(first.output.length > 0, "its head says what it prints");
    const input = first.input === "" ? "" : readFileSync(first.input, "utf8");
    assertAsPromised(file, await godwit(first.command, { input }));
  });
}

test("wrong books are seen without the lock", async () => {
  const { stdout, code } = await godwit(["run", "examples/readers-writers.ts", "--unsafe"]);
  assert.equal(code, 0);
  assert.match(stdout, /^wrong books seen: [1-9]\d*$/m);
});

test("philosophers who all take the left chopstick: the deadlock is reported, line by line", async () => {
  const { stdout, stderr, code } = await godwit(["run", "examples/dining-philosophers.ts", "--deadlock"]);
  assert.equal(stdout, "");
  assert.notEqual(code, 0);
  assert.match(stderr, /deadlock/i);
  const secondLock = readFileSync("examples/dining-philosophers.ts", "utf8")
    .split("\n")
    .findIndex((line) => line.includes("second.lock()"));
  for (const name of ["Confucius", "Hypatia", "Kant", "Laozi", "Sappho"]) assert.match(stderr, new RegExp(name));
  const waits = stderr.match(new RegExp(`examples/dining-philosophers\\.ts:${secondLock + 1}:`, "g")) ?? [];
  assert.equal(waits.length, 5, stderr);
});

describe("examples under stress print the same", () => {
  for (const name of ["fork-copy-on-write.ts", "threads-runnable.ts", "ping-pong.ts", "dispatcher-workers.ts"]) {
    test(name, async () => {
      const file = join("examples", name);
      assertAsPromised(file, await godwit(["run", "--stress", file]));
    });
  }
});

test("a prime search is checkpointed in the middle of its loop, killed, and goes on from the image", async (context) => {
  const node = await startNode(context);
  const started = await node.run("run", "--detach", "examples/primes.ts", "1500000");
  const pid = started.stdout.trim();
  assert.match(pid, /^\d+$/, started.stderr);
  await until("a part is done", async () => (await node.run("logs", pid)).stdout.includes("below 600000:"));
  const image = join(node.folder, "primes.image");
  const checkpointed = await node.run("checkpoint", pid, "-o", image);
  assert.equal(checkpointed.code, 0, checkpointed.stderr);
  const killed = await node.run("kill", pid);
  assert.equal(killed.code, 0, killed.stderr);
  await until("it has ended", async () => !(await node.run("ps")).stdout.includes("primes"));

  const { stdout, stderr, code } = await node.run("restore", image);
  assert.equal(code, 0, stderr);
  assert.ok(!stdout.includes("below 600000:"), "what was done is not done again");
  assert.equal(linesOf(stdout).at(-1), "114155 primes below 1500000, the largest 1499977; a sieve finds as many: yes");
});

describe("README", () => {
  const programs = [...readFileSync("README.md", "utf8").matchAll(/^```ts\n(.*?)^```/gms)]
    .map(([, program = ""]) => program)
    .filter((program) => program.includes(`from "godwit"`));
  const outputs = ["[ 1, 4, 9 ]\n", "before 7\n"];

  test("has programs, and each has its output here", () => assert.equal(programs.length, outputs.length));
  for (const [index, program] of programs.entries()) {
    test(`program ${index + 1} prints what it says`, async (context) => {
      const folder = mkdtempSync(join(tmpdir(), "godwit-readme-"));
      context.after(() => rmSync(folder, { recursive: true, force: true }));
      const file = join(folder, "program.ts");
      writeFileSync(file, program);
      const { stdout, stderr, code } = await godwit(["run", file]);
      assert.equal(stderr, "");
      assert.equal(code, 0);
      assert.equal(stdout, outputs[index]);
      assert.ok(program.includes(`// ${stdout.trim()}`), "its comment says so");
    });
  }
});
