// Derived constructors: super twice, never, in arrows, returns of objects and primitives, new.target.
class A { constructor(...a) { this.args = a.join(); this.nt = new.target.name; } }
class B extends A { constructor() { const f = () => super("arrow"); f(); } }
class C extends A { constructor(twice) { super("one"); if (twice) super("two"); } }
class D extends A { constructor() {} }
class E extends A { constructor() { return { own: true }; } }
class F extends A { constructor() { super(); return 5; } }
class G extends A { constructor() { this.x = 1; super(); } }
class H extends A { constructor() { return undefined; } }
class I extends A {}
class J extends A { constructor() { try { super(); } finally { this.fin = "fin"; } } }
for (const f of [() => new B().args, () => new C(false).args, () => new C(true).args, () => new D(), () => new E().own, () => new F(), () => new G(), () => new H(), () => new I(1, 2).args + new I().nt, () => new J().fin, () => A(), () => class extends null {}.name, () => new (class extends null {})(), () => class extends 5 {}, () => new (class extends (() => {}) {})(), () => Reflect.construct(B, [], E).nt]) {
  try { print(String(f())); } catch (e) { print(e.name); }
}
function Old() { if (!new.target) return new Old(); this.made = new.target === Old; }
print(Old().made, new (class extends Old {})().made);
class Arr extends Array { constructor(n) { super(n); this.tag = "t"; } sum() { return this.reduce((a, b) => a + b, 0); } }
const arr = new Arr(3).fill(2);
print(arr.length, arr.sum(), arr.tag, Array.isArray(arr));
class Err extends TypeError { constructor(m) { super(m); this.name = "Err"; } }
try { throw new Err("custom"); } catch (e) { print(e instanceof TypeError, String(e)); }
let evaluated = [];
class K extends (evaluated.push("heritage"), A) { static [(evaluated.push("key"), "k")] = evaluated.push("value"); }
print(evaluated.join());
