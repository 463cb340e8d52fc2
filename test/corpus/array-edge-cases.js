// Arrays: negative and fractional arguments, copyWithin overlaps, callbacks that shrink and grow, frozen arrays.
print([1, 2, 3, 4, 5].copyWithin(1, 0, 3).join(), [1, 2, 3, 4, 5].copyWithin(-2, -4, -2).join(), [1, 2, 3].fill(0, -2, -1).join(), [3, 4].at(-3), [1, 2, 3].splice(-2).join(), [1, 2, 3].slice(-2, -1).join());
const a = [1, 2, 3, 4, 5, 6];
print(a.map((v, i) => { if (i === 1) a.length = 3; return v; }).length, a.filter((v, i) => { if (i === 0) a.push(99); return v; }).join(), a.join());
const b = [1, 2, 3]; print(b.reduce((s, v) => { b.push(v); return s + v; }, 0), b.length, b.reduceRight((s, v, i) => { if (i === 5) b.length = 2; return s + v; }, ""));
const c = [5, 4, 3]; print(c.every((v, i) => { c[i + 1] = v - 1; return v > 3; }), c.join());
for (const m of ["push", "pop", "shift", "unshift", "reverse", "sort", "fill", "splice"]) { const f = Object.freeze([1, 2]); try { f[m](0, 1); print(m, "no error"); } catch (e) { print(m, e.name, f.join()); } }
print([].concat(1, [2], [[3]], "s", { length: 1, 0: "like" }).length, [1, [2, [3]]].toString(), [null, undefined, 1].join("-"), [1, 2, 3].includes("2"), [[1]].includes([1]), [1, 2, 3].indexOf(3, -1), Array.isArray(Array.prototype));
const args = (function () { return arguments; })(1, 2); print(Array.prototype.slice.call(args).join(), Array.prototype.concat.call(1, 2).length, Array.prototype.reverse.call({ length: 2, 0: "a", 1: "b" })[0]);
let log = ""; const src = { get length() { log += "L"; return 2; }, get 0() { log += "0"; return "x"; }, get 1() { log += "1"; return "y"; } };
print(Array.prototype.join.call(src, { toString() { log += "S"; return "+"; } }), log, Array.prototype.lastIndexOf.call(src, "x"), log);
print([3, 2, 1].toSorted().join(), [1, 2, 3].toSpliced(0, 2).join(), [1, 2].with(0, 5).join(), [..."abc"].entries().next().value.join(), Array.from([1, 2, 3].keys()).join(), [0, 1].findLast(() => true), [, 1].flat().length);
const big = Array.from({ length: 600 }, (_, i) => i); big.splice(100, 400, ...Array(50).fill("m")); print(big.length, big[149], big[150], big.lastIndexOf("m"));
try { [].length = 2 ** 32; } catch (e) { print(e.name); } try { Array.prototype.push.call({ length: 2 ** 53 - 1 }, 1); } catch (e) { print(e.name); }
