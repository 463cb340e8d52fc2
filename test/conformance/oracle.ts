/** The undisturbed run: a corpus program in the unmodified engine, through that engine's own wrapper. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { JSException, QuickJS } from "quickjs-wasi";
import { prepareV8 } from "../../src/machine/v8.ts";
import { type CorpusProgram, outputOf, PRELUDE, uncaughtOf } from "./program.ts";

/** The guest's stack: small enough that its overflow is the guest's own error and not the host's. */
export const STACK_BYTES = 64 * 1024;

prepareV8();
const engine = WebAssembly.compile(readFileSync(createRequire(import.meta.url).resolve("quickjs-wasi/quickjs.wasm")));

/** Runs a program to the end of its job queue; returns its output, with an uncaught error's text and stack. */
export async function runOracle(program: CorpusProgram): Promise<string> {
  const vm = await QuickJS.create({ wasm: await engine, maxStackSize: STACK_BYTES });
  try {
    vm.evalCode(PRELUDE, "prelude.js").dispose();
    try {
      vm.evalCode(program.source, `${program.name}.js`).dispose();
    } catch (error) {
      if (!(error instanceof JSException)) throw error;
      const report = vm.evalCode(uncaughtOf(0), "output.js");
      vm.callFunction(report, vm.undefined, error.handle).dispose();
      report.dispose();
    }
    vm.executePendingJobs();
    return vm.evalCode(outputOf(0), "output.js").consume((value) => value.toString());
  } finally {
    vm.dispose();
  }
}
