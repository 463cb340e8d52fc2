// super in methods, getters, static methods, object literals and arrows; super assignment.
const base = { hi() { return "base hi " + this.n; }, get g() { return "base g " + this.n; }, set s(v) { this.set = "base " + v; } };
const o = {
  __proto__: base, n: 1,
  hi() { return "o " + super.hi(); },
  get g() { return super.g + "!"; },
  arrow() { return (() => [1].map(() => super.hi()))()[0]; },
  assign() { super.s = 5; super.fresh = 6; return this.set + Object.hasOwn(this, "fresh"); },
  key(k) { return super[k].call(this); },
};
print(o.hi(), o.g, o.arrow(), o.assign(), o.key({ toString() { print("key"); return "hi"; } }));
class A { static s() { return "A.s " + this.name; } m() { return "A.m"; } }
class B extends A { static s() { return super.s() + "+B"; } m() { return [super.m(), super.missing, super["m"]()].join(); } async am() { await 0; return super.m(); } *gm() { yield super.m(); } async *agm() { yield super.m(); } }
print(B.s(), new B().m(), [...new B().gm()].join());
new B().am().then((v) => print("async", v));
(async () => { for await (const v of new B().agm()) print("asyncgen", v); })();
Object.setPrototypeOf(o, { hi() { return "swapped " + this.n; } });
print(o.hi());
const borrowed = { m: o.hi, n: 9 };
print(borrowed.m());
try { ({ m() { return super.x.y; } }).m(); } catch (e) { print(e.name); }
class C extends A { m() { delete super.m; } }
try { new C().m(); } catch (e) { print(e.name); }
