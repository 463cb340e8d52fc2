// Static blocks and static fields, with this, super, private access and exceptions.
const log = [];
class A { static base() { return "A.base"; } static x = log.push("A.x"); static { log.push("A block"); this.y = 2; } }
class B extends A {
  static #secret = 42;
  static a = log.push("a");
  static { log.push("block1 " + this.#secret, super.base()); try { throw new Error("inside"); } catch (e) { this.caught = e.message; } }
  static b = log.push("b");
  static { var local = "scoped"; const f = () => this.a; log.push("block2 " + f() + local); }
  static { [3, 1, 2].sort((x, y) => x - y).forEach((v) => log.push("v" + v)); }
}
print(log.join(" | "), B.caught, B.y, typeof local);
try { class C { static { throw new RangeError("static block"); } } } catch (e) { print(e.name, e.message); }
try { (class D { static x = D.y; static { D = 1; } }); } catch (e) { print(e.name); }
const E = class Inner { static self = () => Inner; };
print(E.self() === E, E.name);
