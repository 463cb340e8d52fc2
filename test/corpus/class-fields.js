// Class fields: order of initialisation, computed names, arrow functions holding this, fields of derived classes.
const log = [];
const key = (k) => { log.push("key " + k); return k; };
const init = (v) => { log.push("init " + v); return v; };
class A {
  [key("x")] = init("x");
  static [key("s")] = init("s");
  [key("y")] = init("y:" + this.x);
  bound = () => this.x;
  constructor() { log.push("A constructor"); this.late = init("late"); }
}
class B extends A { z = init("z:" + this.late); constructor() { log.push("before super"); super(); log.push("after super"); } }
const b = new B();
print(log.join(" | "));
print(b.bound.call(null), Object.keys(b).join(), A.s);
class F { a = this; static self = this; static name2 = this.name; ["com" + "puted"] = 1; 'quoted' = 2; 3 = 3; }
const f = new F();
print(f.a === f, F.self === F, F.name2, f.computed, f.quoted, f[3]);
class Setter { set v(x) { print("setter must not run"); } }
class Field extends Setter { v = 1; }
print(new Field().v, Object.hasOwn(new Field(), "v"));
class Throws { a = 1; b = (() => { throw new Error("field threw"); })(); }
try { new Throws(); } catch (e) { print(e.message); }
const made = [1, 2].map((n) => class { n = n; static m = n * 10; });
print(new made[0]().n, made[1].m);
