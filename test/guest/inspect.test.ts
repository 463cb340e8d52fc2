/** `inspect` and the console's format strings, against Node's. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { format, inspect, type InspectOptions } from "node:util";
import vm from "node:vm";
import fc from "fast-check";
import { BareEngine } from "./bare-engine.ts";

let engine: BareEngine;
before(async () => {
  engine = await BareEngine.create();
});
after(() => engine.dispose());

function assertSameText(expression: string, options: InspectOptions = {}): void {
  const value: unknown = vm.runInThisContext(`(${expression})`);
  const actual = engine.evaluate(`godwit.inspect((${expression}), ${JSON.stringify(options)})`);
  assert.equal(actual, inspect(value, options), expression);
}

const VALUES = [
  "undefined",
  "null",
  "0",
  "-0",
  "1.5",
  "NaN",
  "10n",
  "true",
  `"it's"`,
  `'say "it\\'s"'`,
  "`a\\`b'c\"`",
  `"tab\\tnul\\0 \\u200b \\ud800 é \\x7f\\x9f"`,
  "Symbol('s')",
  "Symbol()",
  "Symbol.iterator",
  "[]",
  "{}",
  "[1, 2, 3]",
  "[,]",
  "[1, , , 4]",
  "[undefined, null]",
  "Object.assign([1], { x: 1, '-1': 2 })",
  "({ a: 1, 'b-c': 2, [Symbol('k')]: 3, 4: 5 })",
  "({ a: { b: { c: { d: 1 } } } })",
  "[[[[1]]]]",
  "({ a: [[[]]] , b: { c: { d: {} } } })",
  "({ get a() { return 1; }, set b(v) {}, get c() { return 1; }, set c(v) {} })",
  "Object.create(null)",
  "Object.assign(Object.create(null), { x: 1 })",
  "new (class Foo {})()",
  "new (class Foo { a = 1 })()",
  "new (class extends Array {})(1, 2)",
  "new (class Foo extends Map {})([[1, 2]])",
  "Object.create({ constructor: null })",
  "new (class A { get [Symbol.toStringTag]() { return 'T'; } })()",
  "({ [Symbol.toStringTag]: 'Own' })",
  "new Map()",
  "new Map([[1, { a: 1 }], ['k', [1]]])",
  "new Set([1, 'a', {}])",
  "new Map([[{ a: { b: 1 } }, new Set([new Map([[1, {}]])])]])",
  "new WeakMap()",
  "new WeakSet()",
  "(() => {})",
  "function named() {}",
  "(function () {})",
  "class A {}",
  "class B extends Array {}",
  "(class {})",
  "async () => {}",
  "(function* g() {})",
  "(async function* ag() {})",
  "Object.assign(function f() {}, { a: 1 })",
  "Math.max",
  "Map",
  "new Date(0)",
  "new Date(NaN)",
  "Object.assign(new Date(0), { x: 1 })",
  "/a\\/b/gi",
  "Object.assign(/a/, { x: 1 })",
  "Object(1)",
  "Object(-0)",
  "Object('str')",
  "Object(true)",
  "Object(1n)",
  "Object(Symbol('s'))",
  "Object.assign(Object('ab'), { x: 1 })",
  `Object("it's")`,
  "new Uint8Array([1, 2])",
  "new Float32Array(2)",
  "new BigInt64Array([1n])",
  "new Uint8Array(0)",
  "new ArrayBuffer(4)",
  "new DataView(new ArrayBuffer(2))",
  "(() => { const o = { a: {} }; o.a.o = o; return o; })()",
  "(() => { const a = []; a.push(a, [a]); return a; })()",
  "(() => { const o = { x: 1 }; return { p: o, q: o }; })()",
  "(() => { const m = new Map(); m.set('m', m); return m; })()",
  "(function () { return arguments; })(1, 'a')",
  "globalThis.Math",
  "JSON",
  "new Proxy({ a: 1 }, {})",
  "Array.from({ length: 7 }, (_, i) => i)",
  "Array.from({ length: 30 }, (_, i) => i * 1000)",
  "Array.from({ length: 120 }, (_, i) => i)",
  "Array.from({ length: 27 }, (_, i) => 'word'.repeat(i % 4 + 1))",
  "Array.from({ length: 10 }, (_, i) => ({ i }))",
  "Array.from({ length: 8 }, () => 'x'.repeat(30))",
  "new Set(Array.from({ length: 120 }, (_, i) => i))",
  "new Map(Array.from({ length: 101 }, (_, i) => [i, i]))",
  "new Uint8Array(200)",
  "new ArrayBuffer(120)",
  "'x'.repeat(200)",
  "['line one is rather long, so it is\\nsplit here, and goes on for a while\\nand ends']",
  "({ text: 'a'.repeat(90) + '\\n' + 'b'.repeat(30) })",
  "'y'.repeat(10_050)",
  "({ a: 'x'.repeat(30), b: 'y'.repeat(30), c: 1 })",
  "({ a: 'x'.repeat(20), b: 'y'.repeat(20), c: 1 })",
  "[{ a: 1, b: { c: [1, 2, { d: 1 }] } }, 'x']",
  "({ a: [1, 2, 3], f() {}, g: class G {}, s: Symbol('x'), d: new Date(1) })",
  "({ aaaaaaaaaaaaaaaa: 1, bbbbbbbbbbbbbbbbbbb: 2, cccccccccccccccccc: 3, ddddddddddddddd: 4 })",
  "[[1, [2, [3, [4, [5]]]]]]",
  "({ '': 1, 'ünï': 2, $a: 3, _b: 4, '1a': 5 })",
  "[1.5, -0, 22, 333.25, 4, 5, 6, 7]",
  "['a', 'bb', 'ccc', 1, 2, 3, 4, 5]",
  "[undefined, undefined, null, 1, 2, 3, 4]",
  "[[1, 2], [3, 4], [5, 6], [7, 8], [9, 10], [11, 12], [13, 14]]",
];
for (const expression of VALUES) test(`shows ${expression}`, () => assertSameText(expression));

test("keeps to its options", () => {
  const nested = "{ a: { b: { c: { d: { e: [1, [2, [3]]] } } } }, m: new Map([[1, { x: { y: 1 } }]]) }";
  for (const depth of [0, 1, 3, null]) assertSameText(nested, { depth });
  assertSameText("Array.from({ length: 20 }, (_, i) => i)", { maxArrayLength: 5 });
  assertSameText("Array.from({ length: 20 }, (_, i) => i)", { maxArrayLength: 0 });
  assertSameText("'abcdefghij'", { maxStringLength: 4 });
  assertSameText("{ a: 1, b: [1, 2, 3], c: 'text' }", { breakLength: 20 });
  assertSameText("{ a: 1, b: [1, 2, 3], c: 'text' }", { breakLength: 10 });
});

test("shows whatever fast-check thinks of as Node does", () => {
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
    maxKeys: 12,
  });
  fc.assert(
    fc.property(anything, (value) => assertSameText(fc.stringify(value))),
    { numRuns: 1500 },
  );
});

test("errors are shown with name, message, stack, properties and causes, as in Node but for the frames", () => {
  const show = (expression: string): string => {
    engine.run(`globalThis.shown = godwit.inspect(${expression})`);
    return (engine.evaluate("shown") as string).replaceAll(/ at [^\n]*?(?=( \{)?(\n|$))/g, " at FRAME");
  };
  assert.equal(show("new Error('boom')"), "Error: boom\n    at FRAME");
  assert.equal(show("new RangeError()"), "RangeError\n    at FRAME");
  assert.equal(show("new (class MyError extends Error {})('x')"), "MyError: x\n    at FRAME\n    at FRAME");
  assert.equal(
    show("Object.assign(new Error('x'), { code: 'E', name: 'Named' })"),
    "Named: x\n    at FRAME {\n  code: 'E'\n}",
  );
  assert.equal(
    show("new Error('a', { cause: new TypeError('b') })"),
    "Error: a\n    at FRAME {\n  [cause]: TypeError: b\n      at FRAME\n}",
  );
  assert.equal(
    show("new AggregateError([new Error('a')], 'm')"),
    "AggregateError: m\n    at FRAME {\n  [errors]: [\n    Error: a\n        at FRAME\n  ]\n}",
  );
  assert.equal(show("Object.assign(new Error('gone'), { stack: '' })"), "[Error: gone]");
  assert.equal(show("{ e: new Error('in') }"), "{\n  e: Error: in\n      at FRAME\n}");
  assert.equal(show("new DOMException('m', 'AbortError')"), "DOMException [AbortError]: m\n    at FRAME");
});

const FORMATS = [
  `"%s|%s|%s", Symbol("a"), { a: { b: {} } }, 5`,
  `"%d %i %f", "42", 4.7, "3.5x"`,
  `"%d %d %i %d %f", 5n, {}, 5n, "x", Symbol.iterator`,
  `"%%|%c|%z|%", "css"`,
  `"%s %s %s %s %s", null, undefined, -0, 12n, true`,
  `"%s", new Date(0)`,
  `"%O", { a: { b: { c: { d: {} } } } }`,
  `"%j", { a: 1 }`,
  `1, 2, "3"`,
  `"a", "b", { c: 1 }`,
  `"%s", [1, [2, [3]]]`,
  `"%s", { toString() { return "hi"; } }`,
  `"%s", class A {}`,
  `"%s", () => 1`,
  `"a%"`,
  `"%s"`,
  `"%d"`,
  `"%s", new (class X { toString() { return "custom"; } })()`,
  `"%s", new (class Y {})()`,
  `"%s", Object.create(null)`,
  `"100%", 1`,
  `"%i", "0x10"`,
  `{ a: 1 }, "x"`,
  `(() => { const o = {}; o.o = o; return "%j"; })(), (() => { const o = {}; o.o = o; return o; })()`,
  `"%s%s", "a", "b", "c"`,
  `""`,
  `"%o", [1, { a: 2 }]`,
  `"%o", "s"`,
  ``,
];
for (const args of FORMATS) {
  test(`formats ${args}`, () => {
    const expected = vm.runInThisContext(`(format) => format(${args})`) as (f: typeof format) => string;
    assert.equal(engine.evaluate(`__godwit.core.part("inspect").format([${args}])`), expected(format));
  });
}
