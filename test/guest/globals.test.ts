/** What the library puts into a process's global scope, and what the kernel calls in it. */

import assert from "node:assert/strict";
import { Console } from "node:console";
import { Writable } from "node:stream";
import { afterEach, beforeEach, test } from "node:test";
import vm from "node:vm";
import { bundleLibrary } from "../../scripts/guest-library.ts";
import { GUEST_ENTRY_POINTS } from "../../src/abi/records.ts";
import { BareEngine } from "./bare-engine.ts";

let engine: BareEngine;
beforeEach(async () => {
  engine = await BareEngine.create();
});
afterEach(() => engine.dispose());

test("there is every entry point, and every export of the module once it is read", () => {
  const missing = engine.evaluate(
    `${JSON.stringify(GUEST_ENTRY_POINTS)}.filter((name) => typeof __godwit.entryPoints[name] !== "function")`,
  );
  assert.deepEqual(missing, []);
  assert.deepEqual(engine.evaluate(`Object.keys(godwit).filter((name) => godwit[name] === undefined)`), []);
  assert.equal(
    engine.evaluate(
      `Object.keys(godwit).filter((name) => typeof godwit[name] === "function" && godwit[name].name !== name).join()`,
    ),
    "",
  );
  assert.equal(engine.evaluate(`typeof __godwit_host + typeof process`), "undefinedundefined");
});

test("no part is loaded by a program that only prints text", () => {
  engine.run(`console.log("plain", 1, "text")`);
  assert.equal(engine.takeOutput(1), "plain 1 text\n");
  assert.equal(engine.loads.length, 0);
  engine.run(`console.log({}); console.log({})`);
  assert.deepEqual(engine.loads, ["inspect"]);
});

/** Parts that are a package's code, and are loaded by few programs. */
const LARGE: Readonly<Record<string, number>> = { fetch: 24_000, compression: 36_000, streams: 66_000 };

test("the library is small: a process pays for every byte of it", async () => {
  const { boot, parts } = await bundleLibrary();
  assert.ok(boot.length < 32_000, `boot script of ${boot.length} bytes`);
  for (const [name, source] of Object.entries(parts))
    assert.ok(source.length < (LARGE[name] ?? 16_000), `part ${name} of ${source.length} bytes`);
});

test("console methods print what Node's print", (context) => {
  const code = `
    console.log("a", { b: 1 }); console.info("%d%%", 5); console.debug(); console.error("err"); console.warn(null);
    console.group("g"); console.log("in\\nside"); console.group(); console.dir({ a: { b: { c: {} } } }, { depth: 0 }); console.groupEnd(); console.groupEnd(); console.groupEnd();
    console.count(); console.count("x"); console.count(); console.countReset(); console.count();
    console.assert(true, "no"); console.assert(false, "yes %s", 1); console.assert(0);
    console.table([{ a: 1, b: "x" }, { a: { deep: 1 }, c: true }]); console.table([[1, 2], [3]]); console.table(new Map([["k", 1]])); console.table(new Set([1])); console.table(5);
    console.table([{ a: 1, b: 2 }], ["b"]); console.table({ r: { c: 1 }, s: 2 }); console.log("100%"); console.log("%s"); console.log(-0, [-0]); console.log(""); console.dirxml({ a: 1 });
    console.countReset("nope"); console.timeEnd("nope");`;
  const expected = { out: "", err: "" };
  const sink = (name: "out" | "err") =>
    new Writable({
      write: (chunk: Buffer, _encoding: string, done: () => void) => ((expected[name] += chunk.toString()), done()),
    });
  const nodeConsole: unknown = new Console({ stdout: sink("out"), stderr: sink("err") });
  context.mock.method(process, "emitWarning", (text: string) => (expected.err += `Warning: ${text}\n`));
  vm.runInNewContext(code, { console: nodeConsole, Map, Set });
  engine.run(code);
  assert.equal(engine.takeOutput(1), expected.out);
  assert.equal(engine.takeOutput(2), expected.err);
});

test("console.time measures, trace shows where", () => {
  engine.run(
    `console.time("t"); console.timeLog("t", "extra"); console.timeEnd("t"); (function here() { console.trace("why"); })()`,
  );
  assert.match(engine.takeOutput(1), /^t: [0-9.]+ms extra\nt: [0-9.]+ms\n$/);
  assert.match(engine.takeOutput(2), /^Trace: why\n[^]* at here \(test\.js:1:\d+\)/);
});

test("timers start, fire, repeat and stop", () => {
  engine.run(`globalThis.log = []; const a = setTimeout((x) => log.push("a" + x), 5, 1); globalThis.b = setInterval(() => log.push("b"), 7.9); setImmediate(() => log.push("i"));
    globalThis.c = setTimeout(() => log.push("never")); clearTimeout(c); clearTimeout(c); clearTimeout(undefined); clearInterval("x"); setTimeout(() => {}, 2 ** 40);`);
  assert.deepEqual(
    engine.calls.map(({ name, arguments: args }) => [name, ...args]),
    [
      ["timerStart", 1, 5, 0],
      ["timerStart", 2, 7, 1],
      ["timerStart", 3, 1, 0],
      ["timerStart", 4, 1, 0],
      ["timerStop", 4],
      ["timerStart", 5, 1, 0],
    ],
  );
  engine.run(
    `for (const id of [3, 1, 2, 2, 4, 1, 99]) __godwit.entryPoints.dispatchTimer(id); clearInterval(b); __godwit.entryPoints.dispatchTimer(2);`,
  );
  assert.deepEqual(engine.evaluate("log"), ["i", "a1", "b", "b"]);
  assert.equal(engine.evaluate(`(() => { try { setTimeout("code"); } catch (e) { return e.name; } })()`), "TypeError");
});

test("asynchronous calls settle by their completions, errors with their code", () => {
  engine.run(`globalThis.log = []; godwit.promises.stat("/f").then((s) => log.push(s.sizeBytes)); godwit.promises.stat("/g").catch((e) => log.push(e.code + ": " + e.message));
    godwit.promises.readFile("/h", "utf-8").then((t) => log.push(t));`);
  const ids = engine.calls.map(({ callId }) => callId);
  assert.deepEqual(
    engine.calls.map(({ name }) => name),
    ["stat", "stat", "open"],
  );
  engine.run(
    `const d = __godwit.entryPoints.dispatchCompletion; d(${ids[0]}, 1, '{"sizeBytes":7}'); d(${ids[1]}, 0, "ENOENT", "no /g"); d(${ids[2]}, 1, 9); d(12345, 1, 0);`,
  );
  for (const value of ["new Uint8Array([0xc3])", "new Uint8Array([0xa4])", "new Uint8Array(0)", "undefined"]) {
    const { callId } = engine.calls.at(-1) ?? assert.fail("no call in flight");
    engine.run(`__godwit.entryPoints.dispatchCompletion(${callId}, 1, ${value})`);
  }
  assert.deepEqual(engine.evaluate("log"), [7, "ENOENT: no /g", "ä"]);
  assert.deepEqual(
    engine.calls.slice(2).map(({ name }) => name),
    ["open", "read", "read", "read", "close"],
  );
});

test("rejections are told once, unless somebody handles them first", () => {
  const { reportRejection, unhandledRejection } = {
    reportRejection: "__godwit.entryPoints.reportRejection",
    unhandledRejection: "__godwit.entryPoints.unhandledRejection",
  };
  engine.run(
    `globalThis.p = new Promise(() => {}); globalThis.q = new Promise(() => {}); ${reportRejection}(p, 1, 0); ${reportRejection}(q, new TypeError("left"), 0); ${reportRejection}(p, 1, 1);`,
  );
  assert.match(engine.evaluate(`${unhandledRejection}()`) as string, /^Unhandled rejection: TypeError: left\n {4}at /);
  assert.equal(engine.evaluate(`${unhandledRejection}()`), "");
});

test("describeError describes whatever is thrown, and never throws", () => {
  const describe = (expression: string) =>
    engine.evaluate(`__godwit.entryPoints.describeError(${expression})`) as string;
  assert.match(
    describe(`(function f() { return new Error("m", { cause: "c" }); })()`),
    /^Error: m\n {4}at f \(test\.js:.*\n[^]*\[cause\]: 'c'\n\}$/,
  );
  assert.equal(describe(`"text"`), "Uncaught 'text'");
  assert.equal(describe(`undefined`), "Uncaught undefined");
  assert.equal(describe(`{ a: 1 }`), "Uncaught { a: 1 }");
  for (const hostile of [
    `new Proxy({}, { get() { throw 1; }, ownKeys() { throw 2; }, getPrototypeOf() { throw 3; } })`,
    `Object.defineProperty(new Error("x"), "stack", { get() { throw new Error("y"); } })`,
    `Object.defineProperty(new Error("x"), "message", { get() { throw new Error("y"); } })`,
    `Object.setPrototypeOf(new Error("x"), null)`,
    `{ [Symbol.for("nodejs.util.inspect.custom")]() { throw 1; } }`,
    `{ get [Symbol.toStringTag]() { throw 1; } }`,
    `(() => { let o = {}; for (let i = 0; i < 1e5; i++) o = { o }; return o; })()`,
  ])
    assert.equal(typeof describe(hostile), "string", hostile);
  engine.run(
    `globalThis.Map = globalThis.JSON = globalThis.Object.keys = undefined; Error.prototype.toString = () => { throw 1; };`,
  );
  assert.equal(engine.vm.evalCode(`typeof __godwit.entryPoints.describeError(new Error("x"))`).toString(), "string");
});

test("backtrace shows the program's frames only", () => {
  engine.run(
    `globalThis.trace = (function outer() { return [1].map(function inner() { return __godwit.entryPoints.backtrace(); })[0]; })()`,
  );
  const frames = (engine.evaluate("trace") as string).split("\n");
  assert.match(frames[0] ?? "", /at inner \(test\.js/);
  assert.ok(frames.some((frame) => frame.includes("at outer (test.js")));
  assert.ok(frames.every((frame) => !frame.includes("godwit:guest")));
});

const SHAPES = [
  "structuredClone",
  "setTimeout",
  "clearInterval",
  "queueMicrotask",
  "console",
  "URL",
  "TextDecoder",
  "Event",
  "AbortController",
  "crypto",
  "performance",
  "EventTarget",
  "Atomics",
];
test("globals have the property attributes of Node's, once read", () => {
  for (const name of SHAPES) {
    const node = Object.getOwnPropertyDescriptor(globalThis, name);
    const guest = engine.evaluate(
      `(() => { void ${name}; const { configurable, enumerable } = Object.getOwnPropertyDescriptor(globalThis, "${name}"); return { configurable, enumerable }; })()`,
    );
    if (name === "queueMicrotask") continue;
    assert.deepEqual(guest, { configurable: node?.configurable, enumerable: node?.enumerable }, name);
  }
  engine.run(`globalThis.URL = 5; const seen = URL; if (seen !== 5) throw new Error("a global can be replaced");`);
});

test("events and aborts behave as Node's", () => {
  const code = `(() => {
    const log = [];
    const target = new EventTarget();
    const listener = { handleEvent(event) { log.push(["object", event.type, event.target === target, event.eventPhase]); } };
    target.addEventListener("x", listener); target.addEventListener("x", listener);
    target.addEventListener("x", () => log.push("once"), { once: true });
    target.addEventListener("x", (event) => { event.preventDefault(); log.push(event.defaultPrevented); });
    target.addEventListener("x", (event) => { event.preventDefault(); }, { passive: true });
    log.push(target.dispatchEvent(new Event("x", { cancelable: true })), target.dispatchEvent(new Event("x")));
    target.removeEventListener("x", listener);
    target.addEventListener("y", (event) => { event.stopImmediatePropagation(); log.push("first"); }); target.addEventListener("y", () => log.push("second"));
    target.dispatchEvent(new CustomEvent("y", { detail: 5 })); log.push(new CustomEvent("z", { detail: [1] }).detail);
    const controller = new AbortController(); const { signal } = controller;
    signal.onabort = (event) => log.push(["onabort", event.type]); target.addEventListener("w", () => log.push("gone"), { signal });
    controller.abort(); controller.abort("again"); target.dispatchEvent(new Event("w"));
    log.push(signal.aborted, signal.reason.name, signal.reason.code, AbortSignal.abort("r").reason);
    try { signal.throwIfAborted(); } catch (error) { log.push(error.message); }
    const other = new AbortController(); const any = AbortSignal.any([new AbortController().signal, other.signal]); other.abort("why"); log.push(any.aborted, any.reason);
    try { new AbortSignal(); } catch (error) { log.push(error.name); }
    log.push(Object.prototype.toString.call(signal), Object.prototype.toString.call(new Event("e")), Event.AT_TARGET);
    const e = new Event("a"); /* Node has an error of its own here */ target.addEventListener("a", () => { try { target.dispatchEvent(e); } catch (error) { log.push(error instanceof Error); } }); target.dispatchEvent(e);
    return log;
  })()`;
  assert.deepEqual(engine.evaluate(code), JSON.parse(JSON.stringify(vm.runInThisContext(code))));
});

test("at the target, capturing listeners come first, as in browsers", () => {
  engine.run(
    `globalThis.log = []; const t = new EventTarget(); t.addEventListener("x", () => log.push("bubble")); t.addEventListener("x", () => log.push("capture"), true); t.dispatchEvent(new Event("x"));`,
  );
  assert.deepEqual(engine.evaluate("log"), ["capture", "bubble"]);
});

test("an error in a listener is reported and keeps the event from nobody", () => {
  engine.run(
    `globalThis.log = []; const t = new EventTarget(); t.addEventListener("x", () => { throw new Error("bad listener"); }); t.addEventListener("x", () => log.push("second")); t.dispatchEvent(new Event("x"));`,
  );
  assert.deepEqual(engine.evaluate("log"), ["second"]);
  assert.match(engine.takeOutput(2), /^Error: bad listener\n {4}at/);
});

test("crypto gives fresh randomness within its bounds", () => {
  assert.match(
    engine.evaluate("crypto.randomUUID()") as string,
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  assert.equal(engine.evaluate("new Set(crypto.getRandomValues(new BigUint64Array(100))).size"), 100);
  assert.equal(
    engine.evaluate(
      `(() => { const a = new Uint8Array(8); crypto.getRandomValues(a.subarray(2, 4)); return a[0] + a[1] + a[4] + a[7]; })()`,
    ),
    0,
  );
  for (const [expression, name] of [
    ["new Uint8Array(65537)", "QuotaExceededError"],
    ["new Float32Array(1)", "TypeMismatchError"],
    ["[1]", "TypeMismatchError"],
  ]) {
    assert.equal(
      engine.evaluate(
        `(() => { try { crypto.getRandomValues(${expression}); } catch (error) { return error.name; } })()`,
      ),
      name,
    );
  }
});

test("performance marks and measures", () => {
  assert.deepEqual(
    engine.evaluate(`(() => { const { name, entryType, startTime, duration } = performance.mark("a", { startTime: 3 }); performance.mark("b", { startTime: 8 });
      const m = performance.measure("m", "a", "b"); return [name, entryType, startTime, duration, m.startTime, m.duration, performance.getEntriesByType("mark").length, Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 50]; })()`),
    ["a", "mark", 3, 0, 3, 5, 2, true],
  );
});

test("Atomics do what Node's do", () => {
  for (const type of [
    "Int8Array",
    "Uint8Array",
    "Int16Array",
    "Uint16Array",
    "Int32Array",
    "Uint32Array",
    "BigInt64Array",
    "BigUint64Array",
  ]) {
    const n = type.startsWith("Big") ? "n" : "";
    const code = `(() => { const a = new ${type}([5${n}, 200${n}]); const r = [Atomics.add(a, 0, 300${n}), Atomics.sub(a, 0, 1${n}), Atomics.and(a, 1, 0xf0${n}), Atomics.or(a, 1, 7${n}),
      Atomics.xor(a, 1, -1${n}), Atomics.exchange(a, 0, -2${n}), Atomics.compareExchange(a, 0, -2${n}, 9${n}), Atomics.compareExchange(a, 0, 1${n}, 3${n}), Atomics.load(a, 0), Atomics.store(a, 1, 77${n}), ...a];
      return r.map(String); })()`;
    assert.deepEqual(engine.evaluate(code), Array.from(vm.runInThisContext(code) as string[]), type);
  }
});
