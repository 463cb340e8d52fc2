// Proxies around classes: construct traps, private fields, derived from proxies, revoked in the middle of use.
class Target { #secret = 1; constructor(a) { this.a = a; } read() { return this.#secret; } static s = "static"; }
const log = [];
const P = new Proxy(Target, {
  construct(t, args, nt) { log.push("construct " + (nt === P) + args.join()); return Reflect.construct(t, args, nt); },
  get(t, k, r) { log.push("get " + String(k)); return Reflect.get(t, k, r); },
});
const p = new P(5);
print(p.a, p.read(), P.s, p instanceof P, log.splice(0).join(" | "));
class D extends P { constructor() { super("d"); this.own = super.read(); } }
const d = new D();
print(d.a, d.own, D.s, log.splice(0).join(" | "));
try { new Proxy(p, {}).read(); } catch (e) { print(e.name); }
const { proxy, revoke } = Proxy.revocable([3, 1, 2], {});
try { proxy.sort((a, b) => { revoke(); return a - b; }); } catch (e) { print(e.name); }
try { Array.isArray(proxy); } catch (e) { print(e.name); }
const f = new Proxy(function () {}, { apply: (t, self, args) => args.reduce((a, b) => a + b, 0), get: (t, k) => (k === "length" ? 42 : Reflect.get(t, k)) });
print(f(1, 2, 3), f.call(null, 4), f.apply(null, [5, 6]), f.length, f.bind(null, 1)(2), [1, 2].map(f).join(), Reflect.apply(f, 0, [7]));
try { new Proxy(class {}, { construct: () => 1 }); new (new Proxy(class {}, { construct: () => 1 }))(); } catch (e) { print(e.name); }
