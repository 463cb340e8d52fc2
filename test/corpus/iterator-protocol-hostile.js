// Iterators whose results are odd: missing value, getters in results, done that is truthy, primitives, Proxies.
const of = (...results) => ({ [Symbol.iterator]: () => ({ next: () => results.shift(), return() { print("return called"); return {}; } }) });
const run = (name, f) => { try { print(name, f()); } catch (e) { print(name, e.name, e instanceof Error ? "" : e); } };
run("missing", () => [...of({}, { done: 1 })].length);
run("truthy", () => [...of({ value: 1, done: "" }, { value: 2, done: "yes" })].join());
run("getters", () => [...of({ get done() { print("done?"); return false; }, get value() { print("value?"); return 7; } }, { done: true, get value() { throw new Error("must not be read"); } })].join());
run("throwing value", () => { for (const x of of({ done: false, get value() { throw new RangeError("value"); } })) print(x); });
run("throwing done", () => { const [x] = of({ get done() { throw new RangeError("done"); } }); });
run("primitive", () => [...of(5)]);
run("proxy result", () => [...of(new Proxy({ value: "pv", done: false }, { get(t, k) { print("proxy", k); return t[k]; } }), { done: true })].join());
run("no next", () => [...{ [Symbol.iterator]: () => ({}) }]);
run("next getter", () => { let n = 0; const it = { get next() { n++; let i = 0; return () => ({ value: i, done: i++ > 2 }); } }; const all = [...{ [Symbol.iterator]: () => it }]; return all.join() + " looked " + n; });
run("return missing", () => { for (const x of { [Symbol.iterator]: () => ({ next: () => ({ value: 1 }), return: null }) }) return "left " + x; });
run("return not callable", () => { for (const x of { [Symbol.iterator]: () => ({ next: () => ({ value: 1 }), return: 5 }) }) return "left"; });
run("return throws", () => { for (const x of { [Symbol.iterator]: () => ({ next: () => ({ value: 1 }), return() { throw new EvalError("from return"); } }) }) return "left"; });
run("yield star value", () => { function* g() { return yield* of({ value: 1, done: false }, { value: "final", done: true }); } const i = g(); i.next(); return i.next().value; });
run("map entries", () => new Map(of({ value: ["k", 1] }, { value: [] }, { done: true })).size);
run("bad entry", () => new Map(of({ value: "k" }, { done: true })).size);
run("infinite destructure", () => { let i = 0; const [a, b, , c] = { [Symbol.iterator]: () => ({ next: () => ({ value: i++ }), return() { print("closed at", i); return {}; } }) }; return [a, b, c].join(); });
