// Deep recursion through native callbacks, each caught; finally blocks run on the way.
const kinds = {
  map: (f) => [1].map(f), sort: (f) => [1, 2].sort(() => f()), replace: (f) => "a".replace(/a/, f), json: (f) => JSON.stringify({ toJSON: f }),
  getter: (f) => ({ get x() { return f(); } }).x, proxy: (f) => new Proxy({}, { get: f }).x, string: (f) => `${{ toString: f }}`, construct: (f) => new (class { constructor() { f(); } })(),
  generator: (f) => (function* () { yield f(); })().next(), spread: (f) => [...{ [Symbol.iterator]: f }], apply: (f) => f.apply(null, []), eval: (f) => eval("f()"),
};
for (const [name, through] of Object.entries(kinds)) {
  let depth = 0, unwound = 0;
  const go = () => { depth++; try { return through(go); } finally { unwound++; } };
  try { go(); print(name, "returned"); } catch (e) { print(name, e instanceof RangeError || e.name === "InternalError", depth > 5, Math.abs(depth - unwound) < 2); }
}
