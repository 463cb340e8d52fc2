/** `Headers` against Node's. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import vm from "node:vm";
import fc from "fast-check";
import { withNode } from "../node/bench-node.ts";
import { BareEngine } from "./bare-engine.ts";
import { type Cases, compareUnderStress, compareWithNode } from "./oracle.ts";

const EACH = `const each = (acts) => acts.map((act) => { try { const value = act(); return value instanceof Headers ? [...value] : value ?? null; } catch (e) { return e.name; } });`;

const CASES: Cases = {
  "made of anything": `${EACH} return each([() => new Headers(), () => new Headers(undefined), () => new Headers(null), () => new Headers(5), () => new Headers("a"), () => new Headers({}), () => new Headers([]), () => new Headers({ A: 1, b: null, c: undefined, d: [1, 2] }), () => new Headers([["x", "y"], ["X", "z"]]), () => new Headers([["x"]]), () => new Headers([["x", "y", "z"]]), () => new Headers(["ab"]), () => new Headers([5]), () => new Headers(new Map([["m", "n"]])), () => new Headers(new Set([["s", "t"]])), () => new Headers(new Headers({ q: "r" })), () => new Headers((function* () { yield ["g", "h"]; })()), () => new Headers({ [Symbol("s")]: "x" }), () => new Headers({ [Symbol.iterator]: 5 }), () => new Headers({ [Symbol.iterator]: null, a: "b" }), () => new Headers(Object.create({ inherited: "x" }, { own: { value: "y", enumerable: true } })), () => new Headers(new Proxy({ p: "1" }, {})), () => Headers()]);`,
  names: `${EACH} return each(["", " ", "a b", "a:", "é", "\\u0100", "a\\n", "!#$%&'*+-.^_\`|~09azAZ", "(", "a/b", "\\0", "__proto__", "constructor"].flatMap((name) => [() => new Headers([[name, "v"]]), () => new Headers().get(name), () => new Headers().has(name), () => new Headers().delete(name), () => new Headers().set(name, "v"), () => new Headers().append(name, "v")]));`,
  values: `${EACH} return each(["", " a ", "\\t a\\t", "a b", "\\r\\na\\n", "a\\nb", "a\\rb", "a\\0b", "\\0", "é", "\\u00ff", "\\u0100", "\\ud800", "\\u00a0a\\u00a0", "\\x01", "\\x7f", "\\x0bx\\x0c", 5, null, undefined, {}, Symbol(), [1, 2]].flatMap((value) => [() => { const h = new Headers(); h.append("n", value); return h.get("n"); }, () => { const h = new Headers(); h.set("n", value); return h.get("n"); }, () => new Headers({ n: value }).get("n")]));`,
  "too few arguments": `${EACH} const h = new Headers(); return each([() => h.append(), () => h.append("a"), () => h.set("a"), () => h.get(), () => h.has(), () => h.delete(), () => h.forEach(), () => h.forEach(5)]);`,
  "set, append, delete and their order": `const h = new Headers([["b", "1"], ["a", "2"], ["B", "3"], ["c", "4"]]); const out = [[...h]]; h.append("A", "5"); out.push([...h]); h.set("B", "6"); out.push([...h], h.get("b"), h.get("x")); h.delete("a"); out.push([...h], h.has("A"), h.has("C")); h.set("new", "n"); out.push([...h]); return out;`,
  cookies: `const h = new Headers([["Set-Cookie", "a=1"], ["x", "y"], ["set-cookie", "b=2, c"], ["z", "1"], ["X", "2"]]); const out = [[...h], h.get("set-cookie"), h.getSetCookie(), [...h.keys()], [...h.values()]]; h.append("SET-COOKIE", "d"); out.push(h.getSetCookie(), [...new Headers(h)], new Headers([...h]).getSetCookie()); h.set("set-cookie", "one"); out.push(h.getSetCookie()); h.delete("set-cookie"); out.push(h.getSetCookie(), [...h]); return out;`,
  "what changes while it is iterated": `const h = new Headers({ a: "1", c: "3" }); const seen = []; for (const [name] of h) { seen.push(name); if (name === "a") h.append("b", "2"); if (name === "c") h.append("0", "x"); if (seen.length > 10) break; } const f = []; h.forEach((value, name, of) => { f.push([value, name, of === h]); if (f.length === 1) h.delete("c"); }); return [seen, f];`,
  iterators: `const h = new Headers({ a: "1" }); const i = h.entries(); const proto = Object.getPrototypeOf(i); const d = Object.getOwnPropertyDescriptor(proto, "next"); return [Object.prototype.toString.call(i), i[Symbol.iterator]() === i, i.next(), i.next(), i.next(), h[Symbol.iterator] === h.entries, d.enumerable, Object.getPrototypeOf(proto) === Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())), [...h.keys()], [...h.values()]];`,
  "pairs are the reader's": `const h = new Headers({ a: "1" }); const [pair] = h; pair[1] = "changed"; return [...h];`,
  "the receiver of forEach": `const out = []; new Headers({ a: "b" }).forEach(function (v, k) { out.push(this.x, v, k); }, { x: 1 }); return out;`,
  "the wrong receiver": `const out = []; for (const name of ["append", "delete", "get", "getSetCookie", "has", "set", "forEach", "entries", "keys", "values"]) { try { Headers.prototype[name].call({}, "a", "b"); out.push(name); } catch (e) { out.push(e.name); } } return out;`,
  "its shape": `return [Object.prototype.toString.call(new Headers()), Headers.name, Headers.length, Object.keys(Headers.prototype).sort(), Object.getOwnPropertyNames(Headers.prototype).sort(), ["append", "get", "set", "forEach", "entries"].map((name) => [Headers.prototype[name].length, Headers.prototype[name].name])];`,
  "a subclass": `class Own extends Headers { get(name) { return "own " + super.get(name); } } const h = new Own({ a: "b" }); return [h.get("a"), h instanceof Headers, [...new Headers(h)]];`,
  "an iterator that was replaced": `const h = new Headers({ a: "b" }); h[Symbol.iterator] = function* () { yield ["x", "y"]; }; return [...new Headers(h)];`,
  "the order of conversions": `const log = []; const text = (name) => ({ toString: () => (log.push(name), name) }); new Headers().append(text("n"), text("v")); new Headers().set(text("n2"), text("v2")); new Headers([[text("a"), text("b")], [text("c"), text("d")]]); return log;`,
};

describe("headers", () => compareWithNode(CASES));

let engine: BareEngine;
before(async () => {
  engine = await BareEngine.create();
});
after(() => engine.dispose());

test("any sequence of operations comes to the same as in Node", () => {
  const name = fc.constantFrom("a", "A", "b", "set-cookie", "Set-Cookie", "x-1", "bad name", "");
  const value = fc.oneof(fc.constantFrom("1", " 2 ", "", "ü", "a\nb"), fc.string({ maxLength: 4 }));
  const operation = fc.oneof(
    fc.tuple(fc.constantFrom("append", "set"), name, value),
    fc.tuple(fc.constantFrom("delete", "get", "has"), name),
    fc.tuple(fc.constantFrom("getSetCookie")),
  );
  const run = `(operations) => { const h = new Headers(); const out = operations.map(([act, ...args]) => { try { return h[act](...args) ?? null; } catch (e) { return e.name; } }); return [out, [...h]]; }`;
  const inNode = vm.runInThisContext(run) as (operations: unknown) => unknown;
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 12 }), (operations) => {
      const actual = engine.evaluate(`(${run})(${JSON.stringify(operations)})`);
      assert.deepEqual(actual, JSON.parse(JSON.stringify(inNode(operations))));
    }),
    { numRuns: 300 },
  );
});

test("they show themselves as Node's do", () => {
  engine.run(`console.log(new Headers({ b: "1", a: "2" }), [new Headers()])`);
  assert.equal(engine.takeOutput(1), "Headers { a: '2', b: '1' } [ Headers {} ]\n");
});

await withNode({}, (t) => {
  test("headers under stress", { timeout: 300_000 }, () => compareUnderStress(t, CASES, { every: 5, at: "call" }));
});
