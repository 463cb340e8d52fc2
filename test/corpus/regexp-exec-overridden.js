// RegExp subclasses and instances with exec overridden, called from replace, match, split, test and search.
class Logged extends RegExp {
  exec(s) { const r = super.exec(s); print("exec", this.lastIndex, r && r[0]); return r; }
}
print("a1b2".replace(new Logged("\\d", "g"), (d) => d * 2));
print("a1b2".match(new Logged("[a-z]", "g")).join());
print(new Logged("b").test("abc"), "abc".search(new Logged("c")));
print("a,b".split(new Logged(",")).join("|"));
print([..."xx".matchAll(new Logged("x", "g"))].length);
let n = 0;
const fake = /z/g;
fake.exec = function () { return n++ < 2 ? { index: n, 0: "f" + n, length: 1, groups: { get g() { return "group" + n; } } } : null; };
print("0123456".replace(fake, "<$&$<g>>"));
fake.exec = () => 5;
try { fake.test("z"); } catch (e) { print(e.name); }
fake.exec = () => { throw new Error("exec refused"); };
try { "z".replace(fake, ""); } catch (e) { print(e.message); }
Object.defineProperty(fake, "flags", { get() { print("flags"); return "g"; } });
try { "z".match(fake); } catch (e) { print(e.message); }
class Species extends RegExp { static get [Symbol.species]() { print("species"); return function (p, f) { print("made", String(p), f); return new RegExp(p, f); }; } }
print("1-2-3".split(new Species("-")).join());
