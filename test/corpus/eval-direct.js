// Direct eval: scopes, hoisting into functions, strict eval, this, new.target, closures made by eval, completion values.
var g = "global";
function f(p) {
  let local = "local";
  eval("var hoisted = local + p; function made() { return hoisted + '!'; }");
  return [hoisted, made(), eval("this === undefined"), eval("local = 'changed'; local"), local].join();
}
print(f("P"));
(function () { "use strict"; eval("var inside = 1"); print(typeof inside); })();
const make = (n) => eval("(x) => x + n");
print(make(5)(6), eval("let a = 1; a++; a"), eval("1; if (false) 2"), eval("({ a: 1 })").a, eval("{ a: 1 }"), eval("'use strict'; typeof this"), eval(5), eval({ toString: () => "1" }) === "1");
try { eval("let x = ;"); } catch (e) { print(e.name); }
try { eval("throw new RangeError('from eval')"); } catch (e) { print(e.name, e.message); }
try { eval("let dup; let dup;"); } catch (e) { print(e.name); }
function nested(n) { return n === 0 ? "bottom" : eval("nested(n - 1)"); }
print(nested(8));
class A { m() { return eval("super.toString === Object.prototype.toString"); } static t = eval("this.name"); }
print(new A().m(), A.t, new (function () { this.r = eval("new.target") !== undefined; })().r);
const fns = []; for (let i = 0; i < 3; i++) fns.push(eval("() => i * 2"));
print(fns.map((h) => h()).join());
function param(a = eval("b0 = 5"), b = a + b0) { return b; }
var b0;
print(param(), [1, 2].map((v) => eval("v * v")).join(), [3, 1].sort((a, b) => eval("a - b")).join());
function shadowing() { eval("var g = 'shadow'"); const inner = () => g; return inner(); }
print(shadowing(), g);
print((function () { try { return eval("(function* () { yield* [1, 2]; })()").next().value; } finally { eval("g = 'from finally'"); } })(), g);
