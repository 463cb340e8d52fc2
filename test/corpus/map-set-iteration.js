// Map and Set: forEach with changes under way, iteration order, keys, iterators that go on after changes.
const m = new Map([["a", 1], ["b", 2]]);
const seen = [];
m.forEach(function (v, k, all) { seen.push(k + v + this.t); if (k === "a") { all.delete("b"); all.set("c", 3); } if (k === "c") all.set("d", 4); }, { t: "!" });
print(seen.join());
const s = new Set([1, 2, 3]);
const out = [];
for (const v of s) { out.push(v); if (v < 3) s.delete(v), s.add(v + 10); if (out.length > 8) break; }
print(out.join(), [...s].join());
const it = m.entries();
it.next();
m.clear();
m.set("z", 26);
print(JSON.stringify(it.next()), JSON.stringify(it.next()), JSON.stringify(it.next()));
print(new Map([[NaN, "nan"], [0, "zero"]]).get(NaN), new Map([[-0, "z"]]).get(0), Object.is([...new Set([-0])][0], 0));
class Counted extends Map { set(k, v) { print("set", k); return super.set(k, v); } }
print(new Counted([["x", 1], ["y", 2]]).size);
try { new Map([1]); } catch (e) { print(e.name); }
function* pairs() { try { yield ["p", 1]; yield 7; } finally { print("closed"); } }
try { new Map(pairs()); } catch (e) { print(e.name); }
const key = {};
const w = new WeakMap([[key, "weak"]]);
print(w.get(key), w.has({}), w.delete(key), w.has(key), new WeakSet([key]).has(key));
try { w.set(1, 1); } catch (e) { print(e.name); }
try { m.forEach(() => { throw new Error("in forEach"); }); } catch (e) { print(e.message); }
print([...new Map([[1, 2]]).keys()].join(), m.set("q", 1) === m, s.add(5) === s, typeof m[Symbol.iterator]);
