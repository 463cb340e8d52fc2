// toJSON on the prototypes of primitives, getters on Object.prototype seen by native code.
String.prototype.toJSON = function () { return "S:" + this; };
Number.prototype.toJSON = function (k) { "use strict"; return typeof this + k; };
print(JSON.stringify({ a: "x", b: 1, c: [2, "y"] }));
delete String.prototype.toJSON;
delete Number.prototype.toJSON;
Object.defineProperty(Object.prototype, "toJSON", { get() { return undefined; }, configurable: true });
print(JSON.stringify({ plain: [1, { x: 2 }] }));
delete Object.prototype.toJSON;
Object.defineProperty(Object.prototype, "get", { get() { print("get looked up"); return undefined; }, configurable: true });
try { Object.defineProperty({}, "p", { value: 1 }); } catch (e) { print(e.name); }
delete Object.prototype.get;
Object.defineProperty(Object.prototype, "1", { get() { return "inherited 1"; }, set(v) { print("set 1", v); }, configurable: true });
const a = ["zero"];
a[1] = "one";
print(a[1], a.length, [, ,][1], [0].concat([, ,]).length);
delete Object.prototype[1];
Array.prototype.then = 5;
Promise.resolve([1]).then((v) => print("resolved", v.length));
Object.prototype.then = function (r) { delete Object.prototype.then; r("hijacked"); };
Promise.resolve().then(() => ({})).then((v) => print(String(v)));
delete Array.prototype.then;
