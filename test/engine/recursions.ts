/** Programs that recurse without end, each through another way in which native code calls back into a program. */

/** By name: the body of a script in which `down()` is the way to recurse. */
export const RECURSIONS: Readonly<Record<string, string>> = {
  calls: "function down(a, b, c) { return down(b, c, a) + 1; } down(1, 2, 3)",
  "calls with many locals":
    "function down(n) { let a = n, b = a + 1, c = b + 1, d = c + 1, e = d + 1, f = e + 1; return down(n + 1) + a + b + c + d + e + f; } down(0)",
  apply: "function down() { return down.apply(undefined, [1, 2]); } down()",
  "Reflect.apply": "function down() { return Reflect.apply(down, undefined, []); } down()",
  bind: "function down() { return down.bind(1, 2)(3); } down()",
  "chain of bound functions":
    "let f = function down() { let g = top; return g(); }; let top = f; for (let i = 0; i < 200; i++) top = top.bind(undefined, i); top()",
  constructor: "class Down { constructor() { this.x = new Down(); } } new Down()",
  super:
    "class Base { constructor() { new Down(); } } class Down extends Base { constructor() { super(); } } new Down()",
  "default derived constructor": "class Base { constructor() { new Down(); } } class Down extends Base {} new Down()",
  "class field": "class Down { x = new Down(); } new Down()",
  getter: "const o = { get x() { return o.x; } }; o.x",
  setter: "const o = { set x(v) { o.x = v; } }; o.x = 1",
  "Proxy get": "const p = new Proxy({}, { get() { return p.x; } }); p.x",
  "Proxy get without handler":
    "let p = new Proxy({}, {}); for (let i = 0; i < 100; i++) p = new Proxy(p, {}); const o = Object.create(p); Object.defineProperty(o, 'y', { get() { return p.x; } }); const q = new Proxy(p, { get(t, k) { return q[k]; } }); q.x",
  "Proxy set": "const p = new Proxy({}, { set() { p.x = 1; return true; } }); p.x = 1",
  "Proxy has": "const p = new Proxy({}, { has() { return 'x' in p; } }); 'x' in p",
  "Proxy ownKeys": "const p = new Proxy({}, { ownKeys() { return Object.keys(p); } }); Object.keys(p)",
  "Proxy apply": "const p = new Proxy(function () {}, { apply() { return p(); } }); p()",
  "Proxy construct": "const p = new Proxy(function () {}, { construct() { return new p(); } }); new p()",
  "Proxy getPrototypeOf":
    "const p = new Proxy({}, { getPrototypeOf() { return Object.getPrototypeOf(p); } }); Object.getPrototypeOf(p)",
  "Proxy defineProperty":
    "const p = new Proxy({}, { defineProperty() { return Reflect.defineProperty(p, 'x', { value: 1 }); } }); Object.defineProperty(p, 'x', { value: 1 })",
  "Proxy getOwnPropertyDescriptor":
    "const p = new Proxy({}, { getOwnPropertyDescriptor() { return Object.getOwnPropertyDescriptor(p, 'x'); } }); Object.getOwnPropertyDescriptor(p, 'x')",
  toString: "const o = { toString() { return '' + o; } }; String(o)",
  valueOf: "const o = { valueOf() { return o + 1; } }; o + 1",
  "Symbol.toPrimitive": "const o = { [Symbol.toPrimitive]() { return o * 2; } }; o * 2",
  "template literal": "const o = { toString() { return `a${o}b`; } }; `${o}`",
  "Symbol.hasInstance": "const o = { [Symbol.hasInstance]() { return 1 instanceof o; } }; 1 instanceof o",
  sort: "function down() { [2, 1, 3].sort(() => { down(); return 0; }); } down()",
  toSorted: "function down() { [2, 1].toSorted(() => { down(); return 0; }); } down()",
  "typed array sort": "function down() { new Uint8Array([2, 1, 3]).sort(() => { down(); return 0; }); } down()",
  forEach: "function down() { [1].forEach(down); } down()",
  map: "function down() { return [1].map(down); } down()",
  filter: "function down() { return [1].filter(down); } down()",
  reduce: "function down() { return [1, 2].reduce(down); } down()",
  some: "function down() { return [1].some(down); } down()",
  find: "function down() { return [1].find(down); } down()",
  flatMap: "function down() { return [1].flatMap(down); } down()",
  "nested flat":
    "let a = [1]; for (let i = 0; i < 5000; i++) a = [a]; const p = new Proxy(a, { get(t, k, r) { return Reflect.get(t, k, r); } }); p.flat(Infinity)",
  "Array.from": "function down() { return Array.from([1], down); } down()",
  "Array.from iterator":
    "const o = { [Symbol.iterator]() { return { next() { return { done: true, value: Array.from(o) }; } }; } }; Array.from(o)",
  "array join":
    "const a = [{ toString() { return a2.join(); } }]; const a2 = [{ toString() { return a.join(); } }]; const o = { toString() { return [o2] + ''; } }; const o2 = { toString() { return [o] + ''; } }; String(o)",
  "Map.forEach": "const m = new Map([[1, 1]]); function down() { m.forEach(down); } down()",
  "Set.forEach": "const s = new Set([1]); function down() { s.forEach(down); } down()",
  "Map.groupBy": "function down() { return Map.groupBy([1], down); } down()",
  "Object.groupBy": "function down() { return Object.groupBy([1], down); } down()",
  "Object.assign": "const o = { get x() { return Object.assign({}, o); } }; Object.assign({}, o)",
  "Object.entries": "const o = { get x() { return Object.entries(o); } }; Object.entries(o)",
  "object spread": "const o = { get x() { return { ...o }; } }; ({ ...o })",
  "array spread": "const o = { *[Symbol.iterator]() { yield [...o]; } }; [...o]",
  "call spread": "const o = { *[Symbol.iterator]() { yield Math.max(...o); } }; Math.max(...o)",
  destructuring: "const o = { get a() { const { a } = o; return a; } }; const { a } = o",
  "array destructuring": "const o = { *[Symbol.iterator]() { const [x] = o; yield x; } }; const [x] = o",
  "for of": "const o = { *[Symbol.iterator]() { for (const x of o) yield x; } }; for (const x of o);",
  "for in": "const p = new Proxy({}, { ownKeys() { for (const k in p); return []; } }); for (const k in p);",
  "yield star": "function* down() { yield* down(); } down().next()",
  "generator next": "function* down() { yield down().next().value; } down().next()",
  "iterator helpers": "function down() { return [1].values().map(down).toArray(); } down()",
  async: "async function down() { await down(); } down()",
  "async generator": "async function* down() { yield down().next(); } down().next()",
  "promise executor": "function down() { return new Promise(down); } down()",
  thenable: "const o = { get then() { return Promise.resolve(o); } }; Promise.resolve(o)",
  eval: "function down() { return eval('down()'); } down()",
  "indirect eval": "globalThis.down = function () { return (0, eval)('down()'); }; down()",
  "new Function": "globalThis.down = function () { return new Function('return down()')(); }; down()",
  "JSON.stringify toJSON": "const o = { toJSON() { return JSON.stringify(o); } }; JSON.stringify(o)",
  "JSON.stringify replacer": "function down() { return JSON.stringify([1], down); } down()",
  "JSON.stringify nested":
    "let a = { toJSON() { return 1; } }; for (let i = 0; i < 20000; i++) a = [a]; JSON.stringify(a)",
  "JSON.parse reviver": "function down() { return JSON.parse('[1]', down); } down()",
  "JSON.parse reviver nested": "JSON.parse('['.repeat(1500) + ']'.repeat(1500), (k, v) => v)",
  "string replace": "function down() { return 'a'.replace('a', down); } down()",
  "string replaceAll": "function down() { return 'a'.replaceAll('a', down); } down()",
  "regular expression replace": "function down() { return 'a'.replace(/a/, down); } down()",
  "regular expression replace all": "function down() { return 'aa'.replace(/a/g, down); } down()",
  "Symbol.replace": "const o = { [Symbol.replace]() { return 'a'.replace(o, ''); } }; 'a'.replace(o, '')",
  "Symbol.split": "const o = { [Symbol.split]() { return 'a'.split(o); } }; 'a'.split(o)",
  "Symbol.match": "const o = { [Symbol.match]() { return 'a'.match(o); } }; 'a'.match(o)",
  "RegExp exec": "const r = /a/; r.exec = function () { return r.test('a'); }; r.test('a')",
  "RegExp species":
    "class R extends RegExp { static get [Symbol.species]() { 'a'.split(new R('a')); return RegExp; } get flags() { 'a'.split(new R('a')); return ''; } } 'a'.split(new R('a'))",
  "RegExp lastIndex": "const r = /a/g; r.lastIndex = { valueOf() { return r.exec('a'); } }; r.exec('a')",
  "Symbol.species":
    "class A extends Array { static get [Symbol.species]() { return new A(1, 2).map((x) => x) && Array; } } new A(1, 2).map((x) => x)",
  "Array concat spreadable": "const o = { get [Symbol.isConcatSpreadable]() { return [].concat(o); } }; [].concat(o)",
  "with unscopables":
    "const o = { x: 1, get [Symbol.unscopables]() { new Function('o', 'with (o) { x; }')(o); } }; new Function('o', 'with (o) { x; }')(o)",
  "tagged template": "function down() { return down`a${1}`; } down()",
  "optional call": "const o = { get f() { return o?.f?.(); } }; o?.f?.()",
  finally: "function down() { try { return down(); } finally { globalThis.n = 1; } } down()",
  "error stack": "Error.prepareStackTrace = () => new Error('x').stack; new Error('y').stack",
  "error cause": "class E extends Error { constructor() { super('x', { get cause() { return new E(); } }); } } new E()",
  "DataView index":
    "const v = new DataView(new ArrayBuffer(8)); const o = { valueOf() { return v.getInt8(o); } }; v.getInt8(o)",
  "typed array from": "function down() { return Uint8Array.from([1], down); } down()",
  "Date conversion": "const o = { valueOf() { return +new Date(o); } }; +new Date(o)",
  "Math.max": "const o = { valueOf() { return Math.max(o, 1); } }; Math.max(o, 1)",
  "String.raw": "const o = { get raw() { return String.raw(o); } }; String.raw(o)",
  "Array index": "const o = { valueOf() { return [1, 2].at(o); } }; [1, 2].at(o)",
  "property key": "const o = { toString() { return ({})[o]; } }; ({})[o]",
  "private accessor": "class C { get #x() { return this.#x; } go() { return this.#x; } } new C().go()",
  "static block": "globalThis.down = () => class { static { down(); } }; down()",
  "Symbol.dispose": "function down() { const s = new DisposableStack(); s.defer(down); s.dispose(); } down()",
};

/** Makes a recursion a whole program: its result is how it ended. */
export function recursionProgram(body: string): string {
  return `globalThis.result = "none"; try { (0, eval)(${JSON.stringify(`(function () { ${body} })()`)}); globalThis.result = "returned"; } catch (error) { globalThis.result = error instanceof Error ? error.name + ": " + error.message : "thrown " + typeof error; }`;
}
