// Class factories, mixins, decorators by hand, method chaining, Symbol-keyed hooks, inheritance from functions.
const Serializable = (B) => class extends B { toJSON() { return { type: this.constructor.name, ...this }; } };
const Eventful = (B) => class extends B { #h = []; on(f) { this.#h.push(f); return this; } fire(...a) { this.#h.forEach((f) => f.apply(this, a)); return this; } };
const Comparable = (B) => class extends B { [Symbol.toPrimitive](h) { return h === "string" ? `<${this.v}>` : this.v; } static max(...a) { return a.reduce((x, y) => (x > y ? x : y)); } };
class Point extends Comparable(Eventful(Serializable(Object))) { constructor(v) { super(); this.v = v; } }
const seen = [];
const p = new Point(3).on(function (x) { seen.push(this.v + x); }).on((x) => seen.push(x));
p.fire(10).fire(20);
print(seen.join(), JSON.stringify([p]), `${p}`, p + 1, Point.max(p, new Point(9), new Point(4)).v, p > 2);
const memoize = (f, cache = new Map()) => function (...a) { const k = JSON.stringify(a); if (!cache.has(k)) cache.set(k, f.apply(this, a)); return cache.get(k); };
let calls = 0;
class Calc { slow(n) { calls++; return n * n; } }
Calc.prototype.slow = memoize(Calc.prototype.slow);
print(new Calc().slow(4) + new Calc().slow(4), calls);
const traced = (o) => new Proxy(o, { get(t, k, r) { const v = Reflect.get(t, k, r); return typeof v === "function" ? (...a) => { const x = v.apply(r, a); seen.push(`${String(k)}(${a})=${x}`); return x; } : v; } });
seen.length = 0;
const t = traced({ base: 2, add(n) { return this.base + n; }, twice(n) { return this.add(this.add(n)); } });
print(t.twice(1), seen.join(" "));
const builder = new Proxy(() => {}, { get: (_, k) => (k === "toString" ? () => builder.parts.join(".") : ((builder_parts.push(k)), builder)), apply: () => builder_parts.splice(0).join("/") });
const builder_parts = [];
print(builder.api.users.list());
function Legacy(n) { this.n = n; } Legacy.prototype = { constructor: Legacy, get double() { return this.n * 2; } };
class Modern extends Legacy { get double() { return super.double + 1; } }
print(new Modern(5).double, Object.getPrototypeOf(Modern) === Legacy, new Modern(1) instanceof Legacy);
