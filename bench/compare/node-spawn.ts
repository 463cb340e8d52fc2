/**
 * From the call that starts it to the first statement of a program, for the ways there are in Node: a worker thread,
 * a child process, and a QuickJS of the package quickjs-wasi. Prints one JSON object a line; times in milliseconds.
 *
 * `process.hrtime` is the system's monotonic clock, the same in every thread and process of a machine.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { QuickJS } from "quickjs-wasi";
import { rowOf } from "../row.ts";

const PROGRAM = new URL("./first-statement.js", import.meta.url);
const CHILD_TIMEOUT_MS = 30_000;
/** Compiled once for all: what is measured is a new machine on it, as a host of many would make them. */
const MODULE = await WebAssembly.compile(
  await readFile(createRequire(import.meta.url).resolve("quickjs-wasi/quickjs.wasm")),
);

const WAYS: readonly (readonly [name: string, samples: number, start: () => Promise<bigint>])[] = [
  ["worker_threads: spawn to first statement", 40, startWorker],
  ["child_process: spawn to first statement", 20, startChild],
  ["quickjs-wasi: create to first statement", 200, startQuickJS],
];

async function startWorker(): Promise<bigint> {
  const worker = new Worker(PROGRAM);
  const [at]: unknown[] = await once(worker, "message");
  await worker.terminate();
  return BigInt(String(at));
}

async function startChild(): Promise<bigint> {
  const child = spawn(process.execPath, [fileURLToPath(PROGRAM)], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: CHILD_TIMEOUT_MS,
  });
  const exited = once(child, "exit");
  const at = BigInt(await text(child.stdout));
  await exited;
  return at;
}

async function startQuickJS(): Promise<bigint> {
  let at = 0n;
  const vm = await QuickJS.create({ wasm: MODULE });
  const note = vm.newFunction("note", () => {
    at = process.hrtime.bigint();
    return vm.undefined;
  });
  vm.setProp(vm.global, "note", note);
  note.dispose();
  vm.evalCode("note()").dispose();
  vm.dispose();
  return at;
}

for (const [name, samples, start] of WAYS) {
  const times: number[] = [];
  for (let i = -2; i < samples; i++) {
    const began = process.hrtime.bigint();
    const at = await start();
    if (i >= 0) times.push(Number(at - began) / 1e6);
  }
  console.log(JSON.stringify(rowOf(name, "ms", times)));
}
