// Destructuring: defaults evaluated in order, nested patterns, computed keys, rest, parameters, assignment targets.
const log = [];
const d = (n, v) => { log.push(n); return v; };
const { a = d("a", 1), b: { c = d("c", 2), ...restB } = {}, [d("key", "k")]: k = d("k", 3), ...rest } = { b: { x: 9, y: 8 }, k: undefined, z: 26, get w() { log.push("w"); return 23; } };
print(a, c, k, JSON.stringify(restB), JSON.stringify(rest), log.join());
const [p = d("p", 1), , [q = d("q", 2), ...r] = [undefined, 3, 4], ...[s, t = p + q]] = [undefined, 0, undefined, 5];
print(p, q, r.join(), s, t);
const o = {}; const arr = [];
[o.x, arr[2], { y: o["y" + 1] = 7 }] = ["X", "A", {}];
({ length: o.len, 0: o.first, [1]: o.second = "dflt" } = "hi");
print(JSON.stringify(o), JSON.stringify(arr));
let m = 1, n = 2;
[m, n] = [n, m];
print(m, n);
function f({ x = 1, y: [z = x, w] = [x * 2, x * 3] } = {}, [first, ...others] = [x1(), 2, 3], ...{ length }) { return [x, z, w, first, others.join("+"), length].join(); }
function x1() { return "x1"; }
print(f(), f({ x: 5 }, "ab", 1, 2, 3), f.length);
for (const bad of [() => { const { x } = null; }, () => { const [x] = {}; }, () => { const { x: { y } } = {}; }, () => { let [z = z] = []; }]) {
  try { bad(); } catch (e) { print(e.name); }
}
const { length, toFixed = "none", constructor: { name } } = 5;
print(length, typeof toFixed, name);
for (const [i, { v = i }] of [{ v: "V" }, {}].entries()) print(i, v);
try { throw { code: 7, inner: [1, 2] }; } catch ({ code, inner: [, second] }) { print(code, second); }
const fns = { g = () => {}, h = class {} } = {};
print(g.name, h.name);
var g, h;
