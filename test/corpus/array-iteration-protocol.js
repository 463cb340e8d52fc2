// Array iterators: keys, values, entries, live changes, iterators taken over by the program.
const a = ["x", "y"];
print([...a.keys()].join(), [...a.values()].join(), [...a.entries()].join(";"));
const out = [];
for (const v of a) { out.push(v); if (a.length < 5) a.push(v + a.length); }
print(out.join());
const it = [1, 2, 3][Symbol.iterator]();
print(JSON.stringify(it.next()), [...it].join(), JSON.stringify(it.next()));
const original = Array.prototype[Symbol.iterator];
Array.prototype[Symbol.iterator] = function* () { for (let i = 0; i < this.length; i++) yield "#" + this[i]; };
const [first, second] = [1, 2];
const spread = [...[3, 4]];
Array.prototype[Symbol.iterator] = original;
print(first, second, spread[0], spread[1]);
const ArrayIteratorPrototype = Object.getPrototypeOf([][Symbol.iterator]());
const next = ArrayIteratorPrototype.next;
let count = 0;
ArrayIteratorPrototype.next = function () { count++; return next.call(this); };
const copy = [...[1, 2, 3]];
const [p, q] = [5, 6];
ArrayIteratorPrototype.next = next;
print(copy.join(), p, q, count);
