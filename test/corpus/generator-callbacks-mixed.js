// Generators resumed from inside native callbacks and yielding across them by turns.
function* counter() { let n = 0; while (true) { const reset = yield n++; if (reset) n = 0; } }
const c = counter();
print([5, 3, 8, 1].sort((a, b) => (c.next(), a - b)).join(), c.next().value > 2);
c.next(true);
print("a-b-c".replace(/-/g, () => c.next().value), JSON.stringify({ get v() { return c.next().value; } }), [1, 2].map(() => c.next().value).join());
function* throwing() { try { yield 1; } catch (e) { yield "caught " + e.message; } }
const t = throwing(); t.next();
print([0].map(() => { try { throw new Error("in map"); } catch (e) { return t.throw(e).value; } })[0]);
const lazy = { get value() { return (this.g ??= (function* () { yield* [10, 20, 30]; })()).next().value; } };
print(lazy.value, lazy.value, `${lazy.value}`, lazy.value);
function* outer() { const inner = [1, 2, 3].map(function* (v) { yield v; yield v * 10; }); for (const g of inner) yield* g; }
print([...outer()].join());
const proxied = new Proxy({}, { get(_, k) { return k === Symbol.iterator ? function* () { yield "p1"; yield "p2"; } : undefined; }, ownKeys: () => [...(function* () { yield "k1"; yield "k2"; })()], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, value: 1 }) });
print([...proxied].join(), Object.keys(proxied).join());
class Tree { constructor(v, l, r) { Object.assign(this, { v, l, r }); } *[Symbol.iterator]() { if (this.l) yield* this.l; yield this.v; if (this.r) yield* this.r; } static from(a) { if (!a.length) return null; const m = a.length >> 1; return new Tree(a[m], Tree.from(a.slice(0, m)), Tree.from(a.slice(m + 1))); } }
print([...Tree.from([3, 1, 2, 5, 4].sort((x, y) => x - y))].join(""), Math.max(...Tree.from([7, 8, 9])));
