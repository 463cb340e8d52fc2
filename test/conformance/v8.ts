/** A corpus program in the engine of the host, as a second opinion on what ECMAScript says. */

import { createContext, Script } from "node:vm";
import { type CorpusProgram, outputOf, PRELUDE, uncaughtOf } from "./program.ts";

const TIMEOUT_MS = 10_000;
/** The one function of the corpus that is the host's to give; a context of its own does not have it. */
const QUEUE_MICROTASK = `{
  const then = Promise.prototype.then, resolved = Promise.resolve();
  globalThis.queueMicrotask = (job) => void then.call(resolved, () => { job(); });
}`;

/** Runs a program to the end of its job queue; returns its output, with an uncaught error's text and stack. */
export function runInV8(program: CorpusProgram): string {
  const context = createContext({}, { microtaskMode: "afterEvaluate" });
  const evaluate = (source: string, filename: string): unknown =>
    new Script(source, { filename }).runInContext(context, { timeout: TIMEOUT_MS });
  evaluate(QUEUE_MICROTASK + PRELUDE, "prelude.js");
  try {
    evaluate(program.source, `${program.name}.js`);
  } catch (error) {
    const report = evaluate(uncaughtOf(0), "output.js") as (error: unknown) => void;
    report(error);
  }
  return String(evaluate(outputOf(0), "output.js"));
}
