// LRU cache, linked list, trie, observable, event emitter, deep clone and deep equality.
class LRU extends Map { constructor(n) { super(); this.n = n; } get(k) { if (!super.has(k)) return; const v = super.get(k); this.delete(k); super.set(k, v); return v; } set(k, v) { this.delete(k); super.set(k, v); if (this.size > this.n) this.delete(this.keys().next().value); return this; } }
const lru = new LRU(2); lru.set("a", 1).set("b", 2); lru.get("a"); lru.set("c", 3);
print([...lru.keys()].join(), lru.get("b"));
class List { #head = null; #size = 0; static from(it) { const l = new List(); for (const v of it) l.add(v); return l; } add(v) { const n = { v, next: null }; if (!this.#head) this.#head = n; else { let c = this.#head; while (c.next) c = c.next; c.next = n; } this.#size++; return this; } *[Symbol.iterator]() { for (let c = this.#head; c; c = c.next) yield c.v; } reverse() { let p = null, c = this.#head; while (c) [c.next, p, c] = [p, c, c.next]; this.#head = p; return this; } get size() { return this.#size; } }
print([...List.from("abc").add("d").reverse()].join(""), List.from([1, 2]).size);
const trie = {}; for (const w of ["go", "god", "godwit", "good", "bad"]) { let n = trie; for (const c of w) n = n[c] ??= {}; n.$ = w; }
const collect = (n) => Object.entries(n).flatMap(([k, v]) => (k === "$" ? [v] : collect(v)));
print(collect(trie.g.o).join());
class Emitter { #on = {}; on(e, f) { (this.#on[e] ??= new Set()).add(f); return () => this.#on[e].delete(f); } emit(e, ...a) { return [...(this.#on[e] ?? [])].map((f) => f(...a)); } }
const em = new Emitter(); const off = em.on("x", (v) => v * 2); em.on("x", (v) => { off(); return v + 1; });
print(em.emit("x", 10).join(), em.emit("x", 10).join(), em.emit("y").length);
const observe = (o, f, path = "") => new Proxy(o, { get: (t, k, r) => { const v = Reflect.get(t, k, r); return typeof v === "object" && v ? observe(v, f, `${path}${String(k)}.`) : v; }, set: (t, k, v, r) => { f(`${path}${String(k)}=${JSON.stringify(v)}`); return Reflect.set(t, k, v, r); }, deleteProperty: (t, k) => { f(`-${path}${String(k)}`); return Reflect.deleteProperty(t, k); } });
const changes = []; const state = observe({ a: { b: [1, 2] }, c: 1 }, (c) => changes.push(c));
state.c++; state.a.b.push(3); delete state.c; state.a.b.sort((x, y) => y - x); Object.assign(state.a, { d: 4 });
print(changes.join(" "));
const clone = (v, seen = new Map()) => { if (typeof v !== "object" || !v) return v; if (seen.has(v)) return seen.get(v); const c = Array.isArray(v) ? [] : Object.create(Object.getPrototypeOf(v)); seen.set(v, c); for (const k of Reflect.ownKeys(v)) { const d = Object.getOwnPropertyDescriptor(v, k); if ("value" in d) d.value = clone(d.value, seen); if (k !== "length" || !Array.isArray(v)) Object.defineProperty(c, k, d); } return c; };
const cyc = { n: [1, { x: 2 }], get g() { return this.n.length; } }; cyc.me = cyc; const cl = clone(cyc);
print(cl.me === cl, cl.n !== cyc.n, cl.n[1].x, cl.g);
