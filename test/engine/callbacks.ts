/** Programs that reach guest code through each way in which native code calls back, each with loops inside the callback. */

const SPIN = "for (let spin = 0; spin < 3; spin++);";

/** By name; each sets `globalThis.result`. */
export const CALLBACKS: Readonly<Record<string, string>> = {
  sort: `result = [5, 3, 9, 1].sort((a, b) => { ${SPIN} return a - b; }).join()`,
  "array methods": `const up = (x) => { ${SPIN} return x + 1; }; result = JSON.stringify([[1, 2, 3].map(up), [1, 2].filter(up), [1, 2, 3].reduce((a, b) => up(a + b)), [3, 4].find((x) => up(x) > 4), [1, [2]].flatMap(up), Array.from({ length: 3 }, up), [1, 2].some(up), [4, 5].findLastIndex(up)])`,
  accessors: `const o = { get x() { ${SPIN} return 3; }, set y(v) { ${SPIN} this.z = v; } }; o.y = o.x + 1; result = o.z`,
  proxy: `const log = []; const p = new Proxy(function () {}, new Proxy({}, { get: (_, trap) => (...args) => { ${SPIN} log.push(trap); return Reflect[trap](...args); } })); p.a = 1; p.a; "a" in p; delete p.a; Object.keys(p); p(); new p(); Object.getPrototypeOf(p); result = log.join()`,
  conversions: `const o = { toString() { ${SPIN} return "s"; }, valueOf() { ${SPIN} return 7; }, [Symbol.toPrimitive]: undefined }; result = [\`\${o}\`, o + 1, o * 2, ({ s: 5 })[o], "abc".at(o), Math.max(o, 1), o < 8, o == 7].join()`,
  json: `result = JSON.stringify({ a: [1, { toJSON() { ${SPIN} return "j"; } }] }, (k, v) => { ${SPIN} return v; }) + JSON.stringify(JSON.parse('{"a":[1,2,{"b":3}]}', (k, v) => { ${SPIN} return typeof v === "number" ? v + 1 : v; }))`,
  "string replace": `result = "a-b-c".replace(/[a-c]/g, (m, at) => { ${SPIN} return m + at; }) + "xx".replaceAll("x", () => { ${SPIN} return "y"; })`,
  "regular expression symbols": `class R extends RegExp { exec(s) { ${SPIN} return super.exec(s); } get flags() { ${SPIN} return super.flags; } } result = ["a1b2".split(new R("[0-9]")), "a1b2".replace(new R("[0-9]", "g"), "-"), [..."a1b2".matchAll(new R("[0-9]", "g"))].length, "x".search(new R("x"))].join("|")`,
  "slow regular expression": `result = /^(a+)+$/.test("aaaaaaaaaaaaaaab")`,
  "apply and bind": `function f(...args) { ${SPIN} return args.length + (this?.n ?? 0); } result = [f.apply({ n: 1 }, [1, 2]), f.call(null, 1), f.bind({ n: 5 }, 1)(2), Reflect.apply(f, undefined, [1]), Math.max(...[1, 2].map((x) => f(x)))].join()`,
  generators: `function* inner() { ${SPIN} const got = yield 1; ${SPIN} yield got * 2; } function* outer() { try { yield* inner(); } finally { ${SPIN} yield "end"; } } const g = outer(); result = JSON.stringify([g.next(), g.next(21), g.next(), g.next()])`,
  classes: `class A { static #n = (() => { ${SPIN} return 1; })(); x = (() => { ${SPIN} return A.#n; })(); constructor() { ${SPIN} } } class B extends A { y = this.x + 1; constructor() { ${SPIN} super(); } static { ${SPIN} } } result = new B().y + Reflect.construct(A, [], B).x`,
  iteration: `const it = { [Symbol.iterator]() { let n = 0; return { next() { ${SPIN} return { done: n > 2, value: n++ }; }, return() { ${SPIN} return {}; } }; } }; const [first] = it; let sum = 0; for (const x of it) sum += x; result = [first, sum, [...it], new Set(it).size, Math.max(...it), new Map([[1, 2]]).size, Object.fromEntries([[1, it]])[1] === it].join()`,
  collections: `const out = []; new Map([[1, 2], [3, 4]]).forEach((v, k) => { ${SPIN} out.push(k + v); }); new Set([5]).forEach((v) => { ${SPIN} out.push(v); }); result = out.join() + JSON.stringify(Object.groupBy([1, 2, 3], (x) => { ${SPIN} return x % 2 ? "odd" : "even"; }))`,
  destructuring: `const { a = (() => { ${SPIN} return 1; })(), ...rest } = { get b() { ${SPIN} return 2; }, c: 3 }; result = a + JSON.stringify(rest)`,
  eval: `result = eval("let t = 0; for (let i = 0; i < 5; i++) t += i; t") + (0, eval)("(() => { ${SPIN} return 1; })()") + new Function("a", "${SPIN} return a")(4)`,
  exceptions: `let log = ""; for (let i = 0; i < 3; i++) { try { [1].forEach(() => { ${SPIN} throw new Error("e" + i); }); } catch (e) { ${SPIN} log += e.message; } finally { ${SPIN} log += "f"; } } result = log`,
  "typed arrays": `result = [new Uint8Array([3, 1, 2]).sort((a, b) => { ${SPIN} return b - a; }), Float64Array.from([1, 2], (x) => { ${SPIN} return x / 2; }), new Int16Array(3).fill({ valueOf() { ${SPIN} return 9; } })].join("|")`,
  bigint: `let x = 1n; for (let i = 0; i < 20; i++) x *= { valueOf() { ${SPIN} return 3n; } }; result = String(x)`,
  symbols: `const o = { [Symbol.hasInstance]() { ${SPIN} return true; }, get [Symbol.toStringTag]() { ${SPIN} return "T"; }, get [Symbol.isConcatSpreadable]() { ${SPIN} return true; }, length: 1, 0: "z" }; result = [1 instanceof o, Object.prototype.toString.call(o), [].concat(o).length].join()`,
  async: `(async () => { let t = 0; for (let i = 0; i < 4; i++) { ${SPIN} t += await new Promise((r) => { ${SPIN} r(i); }); } for await (const x of (async function* () { ${SPIN} yield 10; yield 20; })()) t += x; return t; })().then((v) => { ${SPIN} result = v; })`,
  thenables: `Promise.all([{ then(r) { ${SPIN} r(1); } }, Promise.reject(2).catch((e) => { ${SPIN} return e; })]).then((v) => { ${SPIN} result = v.join(); })`,
  "iterator helpers": `result = [1, 2, 3, 4].values().map((x) => { ${SPIN} return x * 2; }).filter((x) => { ${SPIN} return x > 2; }).take(2).toArray().join()`,
  "back traces": `function a() { ${SPIN} return b(); } function b() { return [1].map(() => { ${SPIN} return new Error("x").stack; })[0]; } result = a()`,
  recursion: `function f(n) { return n < 2 ? n : f(n - 1) + f(n - 2); } result = f(9)`,
};
