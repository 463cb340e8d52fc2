/** Structured clone, in the process and as a message, against Node's. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import vm from "node:vm";
import fc from "fast-check";
import { BareEngine } from "./bare-engine.ts";

/** Describes a value down to identities, holes, prototypes and hidden state; the same text runs in both engines. */
const CANON = `(root) => {
  const seen = new Map();
  const text = (value) => {
    if (typeof value === "bigint") return value + "n";
    if (typeof value === "string") return JSON.stringify(value);
    if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value);
    if (seen.has(value)) return "#" + seen.get(value);
    seen.set(value, seen.size);
    const kind = Object.prototype.toString.call(value).slice(8, -1);
    const extra = [];
    if (kind === "Date") extra.push(value.getTime());
    if (kind === "RegExp") extra.push(value.source, value.flags, value.lastIndex);
    if (["Boolean", "Number", "String", "BigInt"].includes(kind)) extra.push(text(value.valueOf()));
    if (kind === "Map") for (const [k, v] of value) extra.push(text(k) + "=>" + text(v));
    if (kind === "Set") for (const v of value) extra.push(text(v));
    if (kind === "ArrayBuffer") extra.push([...new Uint8Array(value)].join(), value.resizable ? value.maxByteLength : "fixed");
    if (ArrayBuffer.isView(value)) extra.push(value.byteOffset, value.byteLength, text(value.buffer));
    if (value instanceof Error) extra.push(Object.getPrototypeOf(value).name, text(value.message), Object.hasOwn(value, "message"));
    if (value instanceof Error && Object.hasOwn(value, "cause")) extra.push("cause", text(value.cause));
    if (Array.isArray(value)) extra.push(value.length);
    const keys = ArrayBuffer.isView(value) || value instanceof Error ? [] : Object.keys(value);
    const fields = keys.map((key) => JSON.stringify(key) + ":" + text(value[key]));
    return kind + "(" + extra.join("|") + "){" + fields.join() + "}" + (Object.getPrototypeOf(value) === null ? "null-prototype" : "");
  };
  return text(root);
}`;
/** In place of a result, what kind of error there was. */
const GUARDED = `(make) => { try { return make(); } catch (error) { return "throws " + error.name; } }`;

let engine: BareEngine;
before(async () => {
  engine = await BareEngine.create();
  engine.run(
    `globalThis.message = (value) => { const c = __godwit.core.part("clone"); return c.decodeMessage(c.encodeMessage(value, [])); }`,
  );
});
after(() => engine.dispose());

function inNode(expression: string): unknown {
  return vm.runInThisContext(`(${GUARDED})(() => (${CANON})(structuredClone(${expression})))`);
}
function inGuest(expression: string, copy: string): unknown {
  return engine.evaluate(`(${GUARDED})(() => (${CANON})(${copy}(${expression})))`);
}
function assertSame(expression: string): void {
  const expected = inNode(expression);
  assert.equal(inGuest(expression, "structuredClone"), expected, `structuredClone(${expression})`);
  assert.equal(inGuest(expression, "message"), expected, `as a message: ${expression}`);
}

const CASES = [
  "undefined",
  "null",
  "true",
  "-0",
  "NaN",
  "-Infinity",
  "1.5",
  "12345678901234567890n",
  `"\\ud800 lone \\u0000"`,
  "[1, , 3]",
  "Object.assign([1, 2], { extra: [] })",
  "new Array(5)",
  "Object.assign([], { 4294967294: 1 })",
  `({ a: 1, "": 2, 1: 3, ["__proto__"]: { x: 1 } })`,
  `Object.defineProperty({ a: 1 }, "hidden", { value: 2 })`,
  "Object.create(null)",
  `Object.create({ inherited: 1 })`,
  "new (class Point { x = 1; #y = 2 })()",
  "(() => { const o = { list: [] }; o.self = o; o.list.push(o, o.list); return o; })()",
  "(() => { const m = new Map(); m.set(m, new Set([m])); return [m, m]; })()",
  "new Map([[{ k: 1 }, NaN], [NaN, -0]])",
  "new Set([undefined, [], -0])",
  "new (class extends Map {})([[1, 2]])",
  "new Date(1e12)",
  "new Date(NaN)",
  "/a(?<n>b)/giu",
  "(() => { const r = /x/g; r.lastIndex = 3; return r; })()",
  "Object(1n)",
  "Object(true)",
  `Object("text")`,
  "Object(-0)",
  "Object.assign(new Number(3), { x: 1 })",
  `new TypeError("bad", { cause: { deep: [1] } })`,
  `Object.assign(new Error("e"), { code: "E" })`,
  `new (class Mine extends RangeError { name = "Mine" })("m")`,
  `Object.assign(new Error("named"), { name: "SyntaxError" })`,
  `new AggregateError([new Error("a")], "m")`,
  `new Error()`,
  "new Uint8Array([1, 2, 3])",
  "new Float64Array([1.5, NaN, -0])",
  "new BigInt64Array([1n, -1n])",
  "new Uint8ClampedArray([300])",
  "(() => { const b = new ArrayBuffer(16); return [new Uint8Array(b, 4, 2), new DataView(b, 8), b, new Int32Array(b)]; })()",
  "new ArrayBuffer(4, { maxByteLength: 8 })",
  "(() => { const b = new ArrayBuffer(4); structuredClone(b, { transfer: [b] }); return b; })()",
  "(() => {})",
  "[() => {}]",
  "Symbol('s')",
  "({ s: Symbol.iterator })",
  "Object(Symbol('s'))",
  "({ [Symbol('k')]: 1, b: 2 })",
  "Promise.resolve()",
  "new WeakMap()",
  "new WeakRef({})",
  "({ get a() { throw new RangeError('getter'); } })",
  "({ get a() { return { b: 1 }; } })",
  "globalThis.structuredClone",
];

for (const expression of CASES) test(`copies ${expression}`, () => assertSame(expression));

// Node makes empty objects of these; the standard, and browsers, refuse them.
for (const expression of ["new URL('http://a')", "new EventTarget()", "new godwit.Mutex()", "new godwit.Condition()"]) {
  test(`refuses ${expression}`, () => assert.equal(inGuest(expression, "structuredClone"), "throws DataCloneError"));
}

test("copies whatever fast-check thinks of", () => {
  const anything = fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withSparseArray: true,
    withTypedArray: true,
    maxDepth: 4,
  });
  fc.assert(
    fc.property(anything, (value) => assertSame(`(${fc.stringify(value)})`)),
    { numRuns: 1000 },
  );
});

test("copies what is nested deeper than the stack", () => {
  const depth = 100_000;
  const build = `(() => { let o = {}; const root = o; for (let i = 0; i < ${depth}; i++) o = o.next = [{}][0]; return root; })()`;
  const measure = `((o) => { let n = 0; while (o.next) { o = o.next; n++; } return n; })`;
  assert.equal(engine.evaluate(`${measure}(structuredClone(${build}))`), depth);
  assert.equal(engine.evaluate(`${measure}(message(${build}))`), depth);
});

test("a transfer moves the bytes and detaches the original, a failed one leaves it", () => {
  const code = `(() => {
    const buffer = new Uint8Array([1, 2, 3]).buffer;
    const copy = structuredClone({ buffer, view: new Uint8Array(buffer, 1) }, { transfer: [buffer] });
    return [buffer.byteLength, buffer.detached, copy.view.buffer === copy.buffer, [...copy.view]];
  })()`;
  assert.deepEqual(engine.evaluate(code), vm.runInThisContext(code.replace("buffer.detached", "true")));
  const failing = `(() => {
    const buffer = new ArrayBuffer(8);
    try { structuredClone({ buffer, f() {} }, { transfer: [buffer] }); } catch (error) { return [error.name, error.code, buffer.byteLength]; }
  })()`;
  assert.deepEqual(engine.evaluate(failing), vm.runInThisContext(failing));
  const twice = `(() => { const b = new ArrayBuffer(1); try { structuredClone(1, { transfer: [b, b] }); } catch (error) { return error.name; } })()`;
  assert.equal(engine.evaluate(twice), vm.runInThisContext(twice));
});

test("bytes that are no message are refused", () => {
  engine.run(
    `globalThis.decode = (bytes) => { try { __godwit.core.part("clone").decodeMessage(new Uint8Array(bytes)); return "decoded"; } catch (e) { return e.code ?? e.name; } }`,
  );
  const whole = engine.evaluate(
    `[...__godwit.core.part("clone").encodeMessage({ a: [1, new Uint8Array(3), new Map([[1, {}]])] }, [])]`,
  ) as number[];
  assert.equal(engine.evaluate(`decode(${JSON.stringify(whole)})`), "decoded");
  assert.equal(engine.evaluate(`decode([2, ...${JSON.stringify(whole.slice(1))}])`), "EINVAL");
  for (let length = 0; length < whole.length; length++) {
    assert.equal(
      engine.evaluate(`decode(${JSON.stringify(whole.slice(0, length))})`),
      "EINVAL",
      `cut to ${length} bytes`,
    );
  }
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
      const outcome = engine.evaluate(`decode(${JSON.stringify(whole.with(at, byte))})`);
      assert.ok(["decoded", "EINVAL"].includes(outcome as string), `byte ${at} = ${byte}: ${String(outcome)}`);
    }),
    { numRuns: 500 },
  );
});
