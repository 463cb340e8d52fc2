// Object.groupBy and Map.groupBy: keys computed by program code, iterators closed on failure.
const words = ["ant", "bee", "wasp", "gnat", "fly"];
const byLength = Object.groupBy(words, (w, i) => { return w.length + (i > 3 ? "!" : ""); });
print(JSON.stringify(byLength), Object.getPrototypeOf(byLength));
const key = { id: 1 };
const m = Map.groupBy([1, 2, 3, 4], (n) => (n % 2 ? key : -0));
print(m.get(key).join(), m.get(0).join(), Object.is([...m.keys()][1], 0));
function* gen() { try { yield 1; yield 2; } finally { print("closed"); } }
try { Object.groupBy(gen(), (v) => { if (v === 2) throw new Error("no group"); return "g"; }); } catch (e) { print(e.message); }
print(JSON.stringify(Object.groupBy("hello", (c) => ({ toString: () => (c === "l" ? "l" : "other") }))));
