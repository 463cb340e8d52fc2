// Global bindings: var and function on the global object, let and const beside it, redeclaration, typeof.
var v = 1; let l = 2; const c = 3; function fn() {} class K {}
print(globalThis.v, globalThis.l, globalThis.c, typeof globalThis.fn, globalThis.K, delete globalThis.v, typeof notThere);
globalThis.dynamic = "dyn";
print(dynamic, delete globalThis.dynamic, typeof dynamic);
Object.defineProperty(globalThis, "accessor", { get() { return "from getter"; }, set(x) { print("set global", x); }, configurable: true });
print(accessor); accessor = 5;
try { c = 4; } catch (e) { print(e.name); }
try { (0, eval)("let l = 5"); } catch (e) { print(e.name); }
try { undefinedFunction(); } catch (e) { print(e.name, e.message); }
print(this === globalThis, typeof this, (function () { return this === globalThis; })(), (() => this === globalThis)());
if (true) { function conditional() { return "yes"; } }
print(conditional(), hoistedLater()); function hoistedLater() { return "hoisted"; }
print(typeof window, typeof require, typeof globalThis, isFinite("5"), [NaN, undefined, Infinity].length);
var undefined_ = void 0; print(undefined_ === undefined, Object.getOwnPropertyDescriptor(globalThis, "NaN").writable);
