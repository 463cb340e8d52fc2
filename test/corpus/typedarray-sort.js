// Typed array sort with comparators that throw, mutate, or shrink the buffer beneath.
const t = new Float64Array([3, -0, 0, NaN, -Infinity, 1]);
print(Array.from(t.sort(), (v) => (Object.is(v, -0) ? "-0" : v)).join());
print(t.sort((a, b) => (b > a ? 1 : b < a ? -1 : 0))[0]);
let calls = 0;
try {
  new Uint8Array([5, 4, 3, 2, 1]).sort((a, b) => { if (++calls === 4) throw new Error("fourth"); return a - b; });
} catch (e) { print(e.message); }
const buffer = new ArrayBuffer(8, { maxByteLength: 16 });
const r = new Uint8Array(buffer);
r.set([8, 7, 6, 5, 4, 3, 2, 1]);
r.sort((a, b) => { buffer.resize(4); return a - b; });
print(r.length, r.join());
const m = new Uint16Array([3, 2, 1]);
m.sort((a, b) => { m[0] = 100; return a - b; });
print(m.join());
print(new BigInt64Array([3n, -1n, 2n]).sort((a, b) => (a < b ? -1 : 1)).join());
