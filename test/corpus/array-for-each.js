// forEach: thisArg, holes, changes of the array while it runs, an exception through the native frame.
[1, , 3].forEach(function (v, i, all) { print(v, i, all.length, this.tag); }, { tag: "T" });
const a = [1, 2, 3, 4];
const seen = [];
a.forEach((v, i) => { seen.push(v); if (i === 0) a.shift(); if (i === 1) a.push(99); });
print(seen.join(), a.join());
try {
  [1, 2, 3].forEach((v) => { if (v === 2) throw new Error("at " + v); print("v", v); });
} catch (e) { print(e.message); }
print([1].forEach(() => 5));
const nested = [];
[1, 2].forEach((x) => [10, 20].forEach((y) => [100].forEach((z) => nested.push(x + y + z))));
print(nested.join());
Array.prototype.forEach.call("héllo", (c, i) => print(i, c));
