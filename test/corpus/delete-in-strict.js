// delete and assignment failures: silent when sloppy, errors when strict; frozen arrays and strings.
const frozen = Object.freeze({ a: 1, get b() { return 2; } });
const attempts = ["frozen.a = 2", "delete frozen.a", "frozen.c = 1", "frozen.b = 1", "'str'.length = 1", "'str'[0] = 'x'", "undefined.x = 1", "(5).x = 1", "delete Object.prototype", "undeclared = 1", "NaN = 1", "Object.freeze([1]).push(2)", "Math.PI = 3", "delete [].length", "new (class { get x() { return 1; } })().x = 2", "Object.preventExtensions({}).y = 1", "delete new Proxy({}, { deleteProperty: () => false }).q"];
for (const code of attempts) {
  const run = (strict) => { try { return String(new Function("frozen", (strict ? "'use strict'; " : "") + "return " + code)(frozen)); } catch (e) { return e.name; } };
  print(code, "->", run(false), run(true));
}
delete globalThis.undeclared;
