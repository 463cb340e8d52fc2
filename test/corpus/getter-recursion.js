// Getters, setters and Proxies that recurse into themselves and each other, memoise and replace themselves.
const fib = new Proxy({ 0: 0, 1: 1 }, { get(t, k, r) { return k in t ? t[k] : (t[k] = r[k - 1] + r[k - 2]); } });
print(fib[40], Object.keys(new Proxy(fib, {})).length);
const lazy = { get v() { print("computed"); Object.defineProperty(this, "v", { value: 42 }); return this.v; } };
print(lazy.v + lazy.v);
const linked = { n: 12, get next() { return this.n === 0 ? null : Object.create(this, { n: { value: this.n - 1 } }); }, get depth() { return this.next ? 1 + this.next.depth : 0; }, get sum() { return this.n + (this.next?.sum ?? 0); } };
print(linked.depth, linked.sum);
const pair = { _a: 1, _b: 2, get a() { return this._a; }, set a(v) { this._a = v; if (this.b !== v + 1) this.b = v + 1; }, get b() { return this._b; }, set b(v) { this._b = v; if (this.a !== v - 1) this.a = v - 1; } };
pair.a = 10; print(pair.b); pair.b = 5; print(pair.a);
const cell = (f) => { const subs = new Set(); let value, dirty = true; return { get value() { if (cell.active) subs.add(cell.active); if (dirty) { const outer = cell.active; cell.active = this; value = f(); cell.active = outer; dirty = false; } return value; }, set value(v) { f = () => v; this.touch(); }, touch() { dirty = true; subs.forEach((s) => s.touch()); } }; };
const x = cell(() => 2), y = cell(() => x.value * 10), z = cell(() => [x, y].map((c) => c.value).reduce((a, b) => a + b)); print(z.value); x.value = 3; print(z.value, y.value);
const deep = new Proxy({}, { get: (_, k) => (k === "end" ? "the end" : deep), has: (_, k) => k in deep.end.split("") }); print(deep.a.b.c.d.e.end, 3 in deep, 99 in deep);
const chain = Array.from({ length: 15 }).reduce((p, _, i) => Object.create(p, { ["k" + i]: { get() { return i === 0 ? "k0" : this["k" + (i - 1)] + i; } } }), {}); print(chain.k14);
