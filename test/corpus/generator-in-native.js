// Generators driven by native code: spread, destructuring, Map, Set, Promise.all, Array.from, for-of inside sort.
function* g(n) { for (let i = 0; i < n; i++) yield [i, [i].map((x) => x * x).sort((a, b) => a - b)[0]]; }
print(new Map(g(4)).get(3), new Set(g(3)).size, Object.fromEntries(g(3))[2], Math.max(...[...g(4)].flat()));
const [a, , [c]] = g(5);
print(a.join(), c);
const sorted = [3, 1, 2].sort((x, y) => { let d = 0; for (const [i] of g(x)) d += i; for (const [i] of g(y)) d -= i; return d; });
print(sorted.join());
Promise.all((function* () { yield 1; yield Promise.resolve(2); })()).then((v) => print("all", v.join()));
const weak = new WeakMap((function* () { yield [g, "ok"]; })());
print(weak.get(g), String(Array.from(g(2))), new Uint8Array((function* () { yield 5; yield 6; })()).join());
function* infinite() { let i = 0; try { while (true) yield i++; } finally { print("stopped at", i); } }
for (const v of infinite()) if (v > 3) break;
const [x, y] = infinite();
print(x, y);
outer: for (const i of infinite()) for (const j of infinite()) if (i + j > 3) break outer;
