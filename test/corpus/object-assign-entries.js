// assign, entries, values, keys, fromEntries, groupBy over accessors, symbols and inherited properties.
const s = Symbol("s");
const order = [];
const source = {
  get b() { order.push("b"); return 2; },
  2: "two",
  get a() { order.push("a"); delete this.late; return 1; },
  late: "gone",
  1: "one",
  [s]: "symbol",
};
const target = { set b(v) { order.push("set b" + v); } };
const result = Object.assign(target, "hi", null, source, 5, [9]);
print(order.join(), Object.keys(result).join(), result[s], result[0]);
order.length = 0;
print(Object.entries({ get x() { order.push("x"); return 1; }, y: 2 }).join(";"), order.join());
print(Object.values("abc").join(), Object.keys([4, 5]).join(), Object.entries(Object.create({ inherited: 1 })).length);
print(JSON.stringify(Object.fromEntries(new Map([["k", 1], ["l", 2]]))));
function* pairs() { try { yield ["a", 1]; yield 5; } finally { print("closed"); } }
try { Object.fromEntries(pairs()); } catch (e) { print(e.name); }
const copy = { ...source, b: "over" };
print(copy.b, Object.keys(copy).join());
