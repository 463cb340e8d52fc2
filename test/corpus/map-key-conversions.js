// Keys of every kind in objects, Maps and Sets; property keys converted by the program at odd moments.
const log = [];
const key = (n) => ({ toString() { log.push(n); return n; } });
const o = {};
o[key("a")] = 1;
o[key("a")]++;
o[key("b")] = o[key("a")];
({ [key("c")]: o.c } = { c: 3 });
delete o[key("b")];
print(JSON.stringify(o), key("a") in o, Object.hasOwn(o, key("c")), o.hasOwnProperty(key("zz")), log.join());
log.length = 0;
const order = [];
const obj = () => (order.push("object"), o), k = () => (order.push("key"), key("k")), v = () => (order.push("value"), 9);
obj()[k()] = v();
print(order.join(), log.join());
try { null[key("never")] = (order.push("rhs"), 1); } catch (e) { print(e.name, log.join(), order.at(-1)); }
const m = new Map([[1, "num"], ["1", "str"], [1n, "big"], [null, "null"], [undefined, "undef"], [o, "obj"], [NaN, "nan"]]);
print([1, "1", 1n, null, undefined, o, NaN, {}].map((x) => m.get(x)).join());
class C { static [key("s")] = 1; [key("m")]() { return "m"; } get [key("g")]() { return "g"; } }
print(C.s, new C().m(), new C().g, log.slice(-3).join());
const nums = { [1e21]: "a", [-0]: "b", [0.5]: "c", [0xff]: "d", [1n]: "e", [NaN]: "f", [null]: "g", [[]]: "h", [[1, 2]]: "i" };
print(Object.keys(nums).join("|"));
