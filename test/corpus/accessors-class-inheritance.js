// Accessors looked up through several prototypes, shadowed halves, symbols, hasInstance, toStringTag.
class A { get v() { return "A"; } set v(x) { this.log = "A" + x; } get [Symbol.toStringTag]() { return "Tagged"; } static [Symbol.hasInstance](x) { return x === 5 || super[Symbol.hasInstance](x); } }
class B extends A { get v() { return super.v + "B"; } set v(x) { super.v = x + "b"; } }
class C extends B { set v(x) { super.v = x; } }
const b = new B(), c = new C();
b.v = 1;
c.v = 2;
print(b.v, b.log, c.v, c.log);
print(String(b), Object.prototype.toString.call(new C()), 5 instanceof A, b instanceof A, {} instanceof A);
const proto = { get x() { return this; } };
print(Object.create(proto).x !== proto, Reflect.get(proto, "x", 7) instanceof Number);
let o = {};
for (let i = 0; i < 25; i++) { const below = o; o = Object.create(below, { ["p" + i]: { get() { return i + Object.keys(this).length; } } }); }
print(o.p0, o.p24, o.nothing);
print(Object.getOwnPropertyNames(C.prototype).join(), Object.getOwnPropertyDescriptor(C.prototype, "v").get);
Object.prototype.__defineGetter__.call(o, "legacy", () => "legacy getter");
print(o.legacy, o.__lookupGetter__("legacy")(), o.__lookupSetter__("legacy"));
