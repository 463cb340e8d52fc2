// Every typed array method that takes a callback.
const t = Int16Array.of(5, -3, 9, 0, 2);
print(t.map((v) => v * 2).join(), t.filter((v) => v > 0).join(), t.reduce((a, v) => a + v), t.reduceRight((a, v) => a + "," + v));
print(t.find((v) => v < 0), t.findIndex((v) => v === 9), t.findLast((v) => v > 0), t.findLastIndex((v) => v > 4));
print(t.some((v) => v === 0), t.every((v) => v < 10));
t.forEach((v, i, all) => { if (i === 1) print(v, i, all === t); });
print(t.slice().sort((a, b) => b - a).join(), t.toSorted((a, b) => Math.abs(a) - Math.abs(b)).join(), t.toReversed().join(), t.with(0, 77).join());
print(Float64Array.from([1.5, 2.5], (v) => v * 2).join(), Uint8Array.from({ length: 3 }, (_, i) => 250 + i * 3).join());
print(Float32Array.from(new Set([1, 2])).join(), Uint8Array.of(1, "2", { valueOf: () => 3 }).join());
try { t.map(() => { throw new Error("in map"); }); } catch (e) { print(e.message); }
try { Uint8Array.from([1, 2], (v) => { if (v === 2) throw new Error("in from"); return v; }); } catch (e) { print(e.message); }
