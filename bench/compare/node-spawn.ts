/**
 * From the call that starts it to the first statement of a program, for the ways there are in Node: a worker thread,
 * a child process, and a QuickJS of the package quickjs-wasi.
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

const PROGRAM = new URL("./first-statement.js", import.meta.url);
const CHILD_TIMEOUT_MS = 30_000;

/** A way to start a program: milliseconds from the call to its first statement. */
export interface Way {
  readonly name: string;
  /** Of so many turns, only one is this one's: some take long. */
  readonly every: number;
  start(): Promise<number>;
}

/** The ways that are not godwit's. */
export async function nodeWays(): Promise<Way[]> {
  // Compiled once for all: what is measured is a new machine on it, as a host of many would make them.
  const wasm = await WebAssembly.compile(
    await readFile(createRequire(import.meta.url).resolve("quickjs-wasi/quickjs.wasm")),
  );
  return [
    { name: "quickjs-wasi: create to first statement", every: 1, start: () => timed(() => startQuickJS(wasm)) },
    { name: "worker_threads: start to first statement", every: 8, start: () => timed(startWorker) },
    { name: "child_process: start to first statement", every: 16, start: () => timed(startChild) },
  ];
}

async function timed(start: () => Promise<bigint>): Promise<number> {
  const began = process.hrtime.bigint();
  return Number((await start()) - began) / 1e6;
}

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

async function startQuickJS(wasm: WebAssembly.Module): Promise<bigint> {
  let at = 0n;
  const vm = await QuickJS.create({ wasm });
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
