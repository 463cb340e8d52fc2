// Array.from over iterables, array-likes and with a mapping function; iterators that are closed on failure; Array.of.
print(Array.from("añ😀b").join("|"), Array.from({ length: 3 }, (_, i) => i * i).join());
print(Array.from(new Set([1, 1, 2])).join(), Array.from(new Map([["k", 1]])).join(";"));
function* gen() {
  try { yield 1; yield 2; yield 3; } finally { print("closed"); }
}
print(Array.from(gen(), (v) => v + 1).join());
try {
  Array.from(gen(), (v) => { if (v === 2) throw new Error("map failed"); return v; });
} catch (e) { print(e.message); }
print(Array.from({ length: 2, 0: "x", get 1() { print("getter"); return "y"; } }).join());
class Sub extends Array { constructor(...args) { super(...args); print("Sub", args.length); } }
print(Sub.from([1, 2]).length, Sub.of(1, 2, 3) instanceof Sub);
function Plain(n) { this.n = n; }
const p = Array.from.call(Plain, { length: 2, 0: "a", 1: "b" });
print(p.n, p[0], p[1], p.length);
print(Array.from([1, 2], function (v) { return this.m * v; }, { m: 3 }).join());
const iterable = { [Symbol.iterator]() { let i = 0; return { next: () => ({ done: i++ > 2, value: i }), return() { print("return"); return {}; } }; } };
print(Array.from(iterable).join());
