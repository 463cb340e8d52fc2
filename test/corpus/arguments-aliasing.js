// The arguments object: aliasing with parameters in sloppy mode, none in strict mode, length, callee, iteration.
function sloppy(a, b) { arguments[0] = "changed"; b = "B"; return [a, arguments[1], arguments.length, [...arguments].join()].join(" "); }
function strict(a, b) { "use strict"; arguments[0] = "changed"; b = "B"; return [a, arguments[1], arguments.length].join(" "); }
function defaults(a, b = 2) { arguments[0] = "changed"; return [a, arguments.length].join(" "); }
print(sloppy(1, 2), "|", sloppy(1), "|", strict(1, 2), "|", defaults(1));
function frozenAlias(a) { Object.defineProperty(arguments, 0, { writable: false }); a = "later"; return arguments[0]; }
print(frozenAlias("first"));
function del(a) { delete arguments[0]; a = 5; arguments[0] = 7; return [a, arguments[0]].join(); }
print(del(1));
function callee(n) { return n <= 1 ? 1 : n * arguments.callee(n - 1); }
print(callee(5));
try { (function () { "use strict"; return arguments.callee; })(); } catch (e) { print(e.name); }
function arrows() { return [1, 2].map((x) => x + arguments[0]).join(); }
print(arrows(10), (function () { return arguments.length; })(...[1, 2, 3]), Object.prototype.toString.call((function () { return arguments; })()));
function leak(a, b) { return () => { a++; return arguments[0] + ":" + b; }; }
const l = leak(1, 2);
print(l(), l());
function pass() { return Array.prototype.map.call(arguments, (x, i) => x * i).join(); }
print(pass(5, 6, 7), Math.max.apply(null, (function () { return arguments; })(3, 8, 1)));
function shadow(arguments_) { var arguments = arguments_; return arguments; }
print(shadow("param"), (function (a) { a = 2; return Array.from(arguments).join() + eval("arguments[0]"); })(1));
