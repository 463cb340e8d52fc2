// Typed array species constructors written in the program that return something else.
class Short extends Uint8Array {
  constructor(n) { super(typeof n === "number" ? n - 1 : n); }
}
const proto = { constructor: { [Symbol.species]: Short } };
const t = new Uint8Array([1, 2, 3]);
t.constructor = proto.constructor;
for (const [name, f] of [["map", (a) => a.map((x) => x)], ["slice", (a) => a.slice(0, 2)], ["filter", (a) => a.filter(() => true)]]) {
  try { print(name, f(t).join()); } catch (e) { print(name, e.name); }
}
t.constructor = { [Symbol.species]: function () { return new Float64Array([9, 9, 9, 9]); } };
print(t.map((x) => x + 0.5).join(), t.slice(1).join());
t.constructor = { get [Symbol.species]() { throw new Error("species getter"); } };
try { t.subarray(0); } catch (e) { print(e.message); }
t.constructor = { [Symbol.species]: null };
print(t.filter((x) => x > 1).join());
