// Closures over loop variables, per-iteration bindings, closures changed between iterations, hoisting.
const fs = [];
for (let i = 0; i < 3; i++) { fs.push(() => i); i += 0; }
for (var v = 0; v < 3; v++) fs.push(() => v);
for (const c of "ab") fs.push(() => c);
for (const k in { p: 1, q: 2 }) fs.push(() => k);
print(fs.map((f) => f()).join());
const both = [];
for (let i = 0, inc = () => i++; i < 3; i++) { both.push(inc, () => i); if (i === 0) inc(); }
print(both.map((f) => f()).join());
const counter = (() => { let n = 0; return { up: () => ++n, down: () => --n, get n() { return n; } }; })();
[1, 2, 3].forEach(counter.up);
counter.down();
print(counter.n, typeof hoisted, hoisted());
function hoisted() { return typeof inner; var inner = 1; }
{ function blockFn() { return "block"; } }
print(blockFn());
try { tdz; let tdz = 1; } catch (e) { print(e.name); }
const make = (n) => (n === 0 ? () => 0 : ((below) => () => below() + n)(make(n - 1)));
print(make(20)());
var fnExpr = function named(n) { return n ? n * named(n - 1) : 1; };
print(fnExpr(6), typeof named);
let x = "outer";
{ const f = () => x; let y = f(); { let x = "inner"; y += f() + x; } print(y); }
print([1, 2, 3].map((n) => () => n * 2).reduce((a, f) => a + f(), 0));
