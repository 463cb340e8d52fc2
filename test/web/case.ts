/**
 * Cases: expressions whose value, or whose error's name, must be the same in a guest as in Node. Both evaluate the same
 * source and describe the outcome by the same function, so that only what the expression does can differ.
 */

import vm from "node:vm";
import type { NodeControl, StressMode } from "../../src/abi/control.ts";

/** Where Node's own outcome is not what the standard says, or says nothing: what is right, and by which paragraph. */
export interface Ruling {
  readonly outcome: string;
  readonly paragraph: string;
}

export interface Table {
  /** What the cases are about. */
  readonly api: string;
  /** JavaScript expressions, which may use `await`. Each once. */
  readonly cases: readonly string[];
  /** By expression. */
  readonly rulings?: Readonly<Record<string, Ruling>>;
  /** Expressions whose outcome in guests is not the standard's, and why. */
  readonly known?: Readonly<Record<string, string>>;
}

type RulingText = readonly [source: string, outcome: string];

/** Rulings by one paragraph. */
export function ruled(paragraph: string, ...outcomes: readonly RulingText[]): Record<string, Ruling> {
  return Object.fromEntries(outcomes.map(([source, outcome]) => [source, { outcome, paragraph }]));
}

/** An expression that does not settle within this time is described as such. */
const PATIENCE_MS = 10_000;

/** Text of a function that takes expressions and returns a promise of their outcomes. */
const RUNNER = `async (cases) => {
  const evaluate = globalThis.eval, { setTimeout, clearTimeout } = globalThis;
  const quote = (text) => JSON.stringify(text).replace(/[\\u007f-\\uffff]/g, (c) => "\\\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const ATTRIBUTES = {
    URL: ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"],
    Request: ["method", "url", "redirect", "referrer", "mode", "credentials", "cache", "integrity", "keepalive", "bodyUsed"],
    Response: ["type", "url", "redirected", "status", "ok", "statusText", "bodyUsed"],
    Blob: ["size", "type"], File: ["size", "type", "name", "lastModified"],
    Event: ["type", "bubbles", "cancelable", "composed", "defaultPrevented", "eventPhase", "isTrusted"],
    CustomEvent: ["type", "bubbles", "cancelable", "detail"],
    AbortSignal: ["aborted", "reason"], DOMException: ["name", "code"],
    TextDecoder: ["encoding", "fatal", "ignoreBOM"],
    PerformanceMark: ["name", "entryType", "startTime", "duration", "detail"],
    PerformanceMeasure: ["name", "entryType", "startTime", "duration", "detail"],
    CryptoKey: ["type", "extractable", "algorithm", "usages"],
  };
  const ENTRIES = ["URLSearchParams", "Headers", "FormData", "Map", "Set"];
  const show = (root) => {
    const above = [];
    const text = (value) => {
      if (typeof value === "bigint") return value + "n";
      if (typeof value === "string") return quote(value);
      if (typeof value === "function") return "function " + value.name + "/" + value.length;
      if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value);
      if (above.includes(value)) return "#" + above.indexOf(value);
      above.push(value);
      const shown = object(value);
      above.pop();
      return shown;
    };
    const object = (value) => {
      const kind = Object.prototype.toString.call(value).slice(8, -1);
      if (value instanceof Error && kind !== "DOMException") return value.name + (value.cause === undefined ? "" : " by " + text(value.cause));
      if (kind === "Date") return "Date " + value.getTime();
      if (kind === "RegExp") return String(value);
      if (kind === "ArrayBuffer") return "ArrayBuffer " + hex(new Uint8Array(value));
      if (ArrayBuffer.isView(value)) return kind + " " + hex(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
      if (["Boolean", "Number", "String", "BigInt"].includes(kind)) return kind + " " + text(value.valueOf());
      if (ENTRIES.includes(kind)) return kind + " [" + [...value].map(text).join() + "]";
      const names = Object.hasOwn(ATTRIBUTES, kind) ? ATTRIBUTES[kind] : Object.keys(value).filter((key) => !Array.isArray(value) || !/^\\d+$/.test(key)).sort();
      const items = Array.isArray(value) ? Array.from(value, (item, index) => (index in value ? text(item) : "hole")) : [];
      const fields = names.map((name) => name + ": " + text(value[name]));
      return Array.isArray(value) ? "[" + [...items, ...fields].join() + "]" : kind + " {" + fields.join(", ") + "}";
    };
    return text(root);
  };
  const outcome = async (source) => {
    let timer;
    const never = new Promise((resolve) => { timer = setTimeout(() => resolve("never settles"), ${PATIENCE_MS}); });
    const settled = (async () => show(await evaluate("(async () => (" + source + "\\n))()")))().catch((error) =>
      error instanceof Error || Object.prototype.toString.call(error) === "[object DOMException]" ? "throws " + error.name : "throws " + show(error));
    const result = await Promise.race([settled, never]);
    clearTimeout(timer);
    return result;
  };
  const outcomes = [];
  for (const source of cases) outcomes.push(await outcome(source));
  return outcomes;
}`;

/** What the standard says of each case: Node's outcome, unless there is a ruling. */
export async function expectedOutcomes({ cases, rulings = {} }: Table): Promise<string[]> {
  const run = vm.runInThisContext(`(${RUNNER})`, { filename: "cases.js" }) as (
    cases: readonly string[],
  ) => Promise<string[]>;
  const asked = cases.filter((source) => !Object.hasOwn(rulings, source));
  const outcomes = await run(asked);
  const known = new Map(asked.map((source, index) => [source, outcomes[index] ?? ""]));
  return cases.map((source) => rulings[source]?.outcome ?? known.get(source) ?? "");
}

const TIMEOUT_MS = 120_000;

/** The outcomes in one process of a node. @throws if the process did not come to its end. */
export async function guestOutcomes(
  node: NodeControl,
  cases: readonly string[],
  stress?: StressMode,
): Promise<readonly string[]> {
  const pid = await node.spawn({
    name: "cases.js",
    source: `globalThis.__godwit.exports.stdout.write(JSON.stringify(await (${RUNNER})(${JSON.stringify(cases)})));`,
    quotas: { timeoutMs: TIMEOUT_MS },
    ...(stress === undefined ? {} : { stress }),
  });
  const pieces: Record<"stdout" | "stderr", Buffer[]> = { stdout: [], stderr: [] };
  node.output(pid, true, (stream, bytes) => void pieces[stream].push(Buffer.from(bytes)));
  const status = await node.wait(pid);
  const output = Buffer.concat(pieces.stdout).toString();
  if (status.code !== 0 || output === "")
    throw new Error(`the cases ended with ${JSON.stringify(status)}: ${Buffer.concat(pieces.stderr).toString()}`);
  return JSON.parse(output) as string[];
}
