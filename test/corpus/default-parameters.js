// Default parameters: scope, order, closures over parameters, calls in defaults, generators and async defaults.
const log = [];
const d = (n) => { log.push(n); return n; };
function f(a = d("a"), b = d(a + "b"), c = () => a + b, { x = d("x") } = {}, ...rest) { var a; const before = a; a = "body"; return [before, a, c(), x, rest.length].join(); }
print(f(), log.join());
print(f(undefined, null), f(1, 2, undefined, { x: 3 }, 4, 5));
var x = "outer";
function g(h = () => x, y = (x = "param scope")) { var x = "body"; return [h(), y, x].join(); }
try { print(g()); } catch (e) { print(e.name); }
print(x);
function tdz(a = b, b = 1) { return a; }
try { tdz(); } catch (e) { print(e.name); }
print(tdz(1), tdz.length, ((a, b = 1, c) => {}).length);
function* gen(a = d("gen")) { yield a; }
log.length = 0;
const it = gen();
print(log.join(), it.next().value);
async function af(a = (() => { throw new Error("default threw"); })()) {}
af().catch((e) => print("rejected", e.message));
const fact = (n, k = (v) => v) => (n <= 1 ? k(1) : fact(n - 1, (v) => k(v * n)));
print(fact(10), ((a, b = arguments_ => a) => b())(3), (function (a = this) { return typeof a; })());
class C { m(a = super.toString === Object.prototype.toString, b = new.target, c = this.#p) { return [a, b, c].join(); } #p = "private"; }
print(new C().m());
