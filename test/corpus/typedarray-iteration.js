// Typed array iterators, entries, destructuring, spread and for-of over views whose buffer changes meanwhile.
const t = Uint8Array.of(5, 6, 7);
print([...t.entries()].join(";"), [...t.keys()].join(), [...t.values()].join(), Object.keys(t).join(), JSON.stringify(t));
const [a, , ...rest] = t;
print(a, rest.join(), Math.max(...t), [...t, ...new Float32Array([0.5])].join(), Object.entries(t).length, { ...t }[2]);
const it = t[Symbol.iterator](); it.next(); t[1] = 60; print(it.next().value, it.next().value, it.next().done);
let sum = 0; for (const v of t.subarray(1)) { sum += v; t[2]++; } print(sum, t.join());
print("-1" in t, "3" in t, 3 in t, t["1.5"], (t[9] = 1, t.length), delete t[5], Reflect.set(t, 10, 1), Reflect.defineProperty(t, 0, { value: 9, configurable: true, enumerable: true, writable: true }), t[0], Object.isFrozen(t));
try { Object.freeze(t); } catch (e) { print(e.name); }
try { Uint8Array(2); } catch (e) { print(e.name); }
print(t.toString === Array.prototype.toString, t.toLocaleString(), t.at(-1), t.indexOf(60), new Uint8Array(new Set([3, 4])).join(), new Uint16Array({ length: 2, 0: 1, get 1() { return 2; } }).join(), t.copyWithin(0, 1).join(), t.fill(1, -1).join());
class V extends Float64Array { get total() { return this.reduce((x, y) => x + y, 0); } }
print(V.from([1, 2, 3]).map((x) => x / 2).total, V.of(1).constructor.name, new V(new V([4, 5])).total, ArrayBuffer.isView(new V(1)), Object.prototype.toString.call(new V(1)), V.BYTES_PER_ELEMENT);
