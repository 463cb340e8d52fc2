// Getters and setters in literals and classes, on the prototype chain, with super and with primitive receivers.
const base = {
  get full() { return this.first + " " + this.last; },
  set full(v) { [this.first, this.last] = v.split(" "); },
};
const p = Object.create(base, { first: { value: "Ada", writable: true }, last: { value: "L", writable: true } });
print(p.full);
p.full = "Grace Hopper";
print(p.first, p.last, Object.hasOwn(p, "full"));
class A { #x = 1; get x() { return this.#x; } set x(v) { this.#x = v * 2; } static get kind() { return "A:" + this.name; } }
class B extends A { get x() { return super.x + 100; } set x(v) { super.x = v + 1; } }
const b = new B();
b.x = 4;
print(b.x, B.kind);
b.x += 1;
b.x++;
print(b.x);
Object.defineProperty(Number.prototype, "half", { get() { "use strict"; return typeof this + ":" + this / 2; }, configurable: true });
Object.defineProperty(String.prototype, "boxed", { get() { return typeof this; }, configurable: true });
print((9).half, "s".boxed);
try { (function () { "use strict"; ({ get a() { return 1; } }).a = 2; })(); } catch (e) { print(e.name); }
const o = { get [`c${1 + 1}`]() { return "computed"; }, get get() { return "get"; }, set set(v) {}, async: 1 };
print(o.c2, o.get, o.set, o.async);
