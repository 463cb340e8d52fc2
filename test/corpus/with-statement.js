// The with statement: lookups through getters, Proxies, unscopables; assignment and calls with the object as this.
const o = { x: 1, f() { return this === o; }, get g() { return "getter"; }, [Symbol.unscopables]: { hidden: true }, hidden: 5 };
var hidden = "global hidden";
with (o) { print(x, f(), g, hidden); x = 2; var y = "hoisted"; }
print(o.x, y);
const log = [];
const p = new Proxy({ a: 1 }, { has(t, k) { log.push("has " + String(k)); return k in t; }, get(t, k) { log.push("get " + String(k)); return t[k]; }, set(t, k, v) { log.push("set " + k); t[k] = v; return true; } });
with (p) { a = a + 1; }
print(log.join(), p.a);
with ([3, 1, 2]) { sort((m, n) => m - n); print(join()); }
with ({ v: "outer" }) with ({ get v() { return "inner"; } }) print(v);
const fs = [];
for (const n of [1, 2]) with ({ n: n * 10 }) fs.push(() => n);
print(fs.map((f) => f()).join());
with ({}) { function declared() { return "declared"; } }
print(declared());
try { with (null) {} } catch (e) { print(e.name); }
try { with ({ get z() { throw new Error("with getter"); } }) z; } catch (e) { print(e.message); }
with ({ e: 1 }) { print(eval("e + 1"), typeof undefinedName); }
const del = { d: 1 };
with (del) { print(delete d, typeof d); }
