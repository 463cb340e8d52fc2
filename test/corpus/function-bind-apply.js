// bind, call, apply: chains, constructors, length and name, this of primitives, accessors on functions.
function f(a, b, c) { return [this?.k ?? typeof this, a, b, c, new.target ? "new" : ""].join(); }
const b1 = f.bind({ k: "K" }, 1), b2 = b1.bind({ k: "ignored" }, 2);
print(b2(3), b2.name, b2.length, new b2(9) instanceof f);
print(f.call(5, 1), f.call(null), (function () { "use strict"; return typeof this; }).call(5), f.apply("s", [1, 2]));
print(["a", "b"].map(Function.prototype.call, String.prototype.toUpperCase).join(), Reflect.apply(f, { k: "R" }, [1]));
const callAll = Function.prototype.call.bind(Array.prototype.map);
print(callAll([1, 2], (x) => x + 1).join(), Math.max.bind(null, 5)(3, 9));
Object.defineProperty(f, "length", { get() { print("length"); return 7; } });
Object.defineProperty(f, "name", { get() { print("name"); return "dynamic"; } });
const b3 = f.bind(null, 1);
print(b3.length, b3.name);
try { Function.prototype.bind.call({}); } catch (e) { print(e.name); }
try { f.apply(null, 5); } catch (e) { print(e.name); }
print((() => typeof this)().length > 0, typeof (function () { return this; }).call(Symbol("s")), f.toString().slice(0, 10));
let chained = (x) => x;
for (let i = 0; i < 20; i++) chained = chained.bind(null);
print(chained("through"));
function Curry(f, ...a) { return a.length >= f0.length ? f0(...a) : (...b) => Curry(f, ...a, ...b); }
const f0 = (a, b, c) => a + b + c;
print(Curry(f0)(1)(2)(3), Curry(f0)(1, 2)(3));
