// Indirect eval, new Function, GeneratorFunction, AsyncFunction; parameters from converted values; names and toString.
let lexical = "lexical";
var global = "var";
(function () { var lexical = "hidden"; print((0, eval)("lexical"), eval?.("typeof global"), globalThis.eval("this === globalThis")); })();
(0, eval)("var viaEval = 1; let notVisible = 2;");
print(viaEval, typeof notVisible);
const add = new Function("a", "b = 2", "return a + b");
print(add(1), add.name, add.length, String(add).replace(/\s+/g, " "));
print(Function("...r", "return r.map(x => x * 2).join()")(1, 2), new Function({ toString: () => "x, y" }, { toString: () => "return x * y" })(6, 7));
const Gen = Object.getPrototypeOf(function* () {}).constructor;
const Async = Object.getPrototypeOf(async function () {}).constructor;
const AsyncGen = Object.getPrototypeOf(async function* () {}).constructor;
print([...new Gen("n", "for (let i = 0; i < n; i++) yield i")(3)].join());
new Async("p", "return (await p) + 1")(Promise.resolve(1)).then((v) => print("async", v));
(async () => { for await (const v of new AsyncGen("yield 7")()) print("agen", v); })();
for (const bad of ["}", "return )", "*/", "let let"]) { try { new Function(bad); print("ok", bad); } catch (e) { print(e.name); } }
try { new Function("a", "a", "'use strict'"); } catch (e) { print(e.name); }
class F extends Function { call2(x) { return this(x) * 2; } }
print(new F("x", "return x + 1").call2(4), new F() instanceof F);
for (let i = 0; i < 5; i++) globalThis["dyn" + i] = new Function("n", `return n <= 0 ? "${i}" : dyn${(i + 1) % 5}(n - 1)`);
print(dyn0(12));
print((() => {}).toString(), String(class { m() {} }), ({ get x() { return 1; } }, "ok"));
