// map, filter and their callbacks, over arrays, array-likes and with species constructors.
print([1, 2, 3].map((v, i) => v * i).join(), ["1", "2", "3"].map(parseInt).join());
print([5, 6, 7, 8].filter((v) => v % 2).join(), [1, , 0, "", "x"].filter(Boolean).join());
const holes = [1, , 3].map((v) => v * 2);
print(holes.length, 1 in holes, holes.join());
class Stack extends Array {
  top() { return this[this.length - 1]; }
}
const s = Stack.from([1, 2, 3]);
const m = s.map((v) => v + 1);
print(m instanceof Stack, m.top(), s.filter((v) => v > 1).constructor.name);
class Odd extends Array {
  static get [Symbol.species]() { print("species"); return Array; }
}
const o = new Odd(1, 2, 3).map((v) => v);
print(o instanceof Odd, o.join());
print(Array.prototype.map.call({ length: 2, 0: "a", 1: "b" }, (v) => v + v).join());
print([[1, 2], [3]].map(([a, b = "none"]) => `${a}/${b}`).join());
