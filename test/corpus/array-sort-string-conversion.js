// Default sort calls toString of the elements; the conversion runs program code.
let conversions = 0;
class Name {
  constructor(text) { this.text = text; }
  toString() { conversions++; return this.text; }
}
const names = ["pear", "apple", "fig", "banana", "cherry"].map((t) => new Name(t));
names.sort();
print(names.map((n) => n.text).join(), conversions > 0);
const objects = [{ toString: () => "b" }, { toString: () => "a" }, { [Symbol.toPrimitive]: (hint) => "c" + hint }];
print(objects.sort().map(String).join());
try {
  [{ toString() { throw new Error("no text"); } }, 1].sort();
} catch (e) {
  print(e.message);
}
print([1, 10, 2, 21, undefined, null, true].sort().join("|"));
