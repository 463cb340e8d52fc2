/** A compiled program in the unmodified engine: what it prints, or the error that ends it with its unmapped stack. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { JSException, QuickJS } from "quickjs-wasi";
import type { Program } from "../../src/node/program.ts";

const wasm = await WebAssembly.compile(readFileSync(fileURLToPath(import.meta.resolve("quickjs-wasi/quickjs.wasm"))));

/** JS_EVAL_TYPE_MODULE. */
const MODULE = 1;

export interface Outcome {
  readonly output: string;
  /** "Name: message" and the stack, of the error that ended it. */
  readonly error: string | undefined;
}

export async function evaluate(program: Program, setting = ""): Promise<Outcome> {
  using vm = await QuickJS.create({ wasm });
  const lines: string[] = [];
  using print = vm.newFunction("print", (...values) => {
    lines.push(values.map((value) => value.toString()).join(" "));
    return vm.undefined;
  });
  vm.setProp(vm.global, "print", print);
  vm.evalCode(setting, "setting.js").dispose();
  try {
    using promise = vm.evalCode(program.source, program.name, MODULE);
    const settled = vm.resolvePromise(promise);
    vm.executePendingJobs();
    const result = await settled;
    if (!("error" in result)) return { output: lines.join("\n"), error: undefined };
    using error = result.error;
    using stack = error.getProp("stack");
    return { output: lines.join("\n"), error: stack.toString() };
  } catch (error) {
    const stack = error instanceof JSException ? error.stack : undefined;
    return { output: lines.join("\n"), error: stack ?? String(error) };
  }
}
