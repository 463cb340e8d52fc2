// Exceptions thrown by callbacks of every kind of native function, with what they leave behind.
const boom = () => { throw new Error("boom"); };
const calls = {
  sort: () => [2, 1].sort(boom), map: () => [1].map(boom), from: () => Array.from([1], boom), reduce: () => [1, 2].reduce(boom),
  replace: () => "a".replace(/a/, boom), replaceAll: () => "a".replaceAll("a", boom), parse: () => JSON.parse("1", boom), stringify: () => JSON.stringify({}, boom),
  toJSON: () => JSON.stringify({ toJSON: boom }), mapForEach: () => new Map([[1, 1]]).forEach(boom), setForEach: () => new Set([1]).forEach(boom),
  typed: () => new Uint8Array(1).map(boom), defineGetter: () => Object.defineProperty({}, "x", { get: boom }).x, proxy: () => new Proxy({}, { get: boom }).x,
  apply: () => boom.apply(null, []), call: () => boom.call(), bind: () => boom.bind(1)(), reflect: () => Reflect.apply(boom, 1, []), construct: () => Reflect.construct(function () { boom(); }, []),
  iterate: () => [...{ [Symbol.iterator]: boom }], entries: () => Object.fromEntries({ [Symbol.iterator]: boom }), group: () => Object.groupBy([1], boom),
  primitive: () => `${{ toString: boom }}`, number: () => +{ valueOf: boom }, date: () => new Date({ valueOf: boom }), regexp: () => new RegExp({ toString: boom }),
  instance: () => 1 instanceof { [Symbol.hasInstance]: boom }, species: () => { const a = [1]; a.constructor = { get [Symbol.species]() { boom(); } }; return a.map((x) => x); },
  concat: () => [].concat({ get [Symbol.isConcatSpreadable]() { boom(); } }), key: () => ({})[{ toString: boom }], fn: () => new Function({ toString: boom }),
  promise: () => new Promise((r) => r({ get then() { boom(); } })) && "async", generator: () => (function* () { boom(); })().next(), field: () => new (class { x = boom(); })(),
  tag: () => boom`x`, optional: () => null ?? boom(), flatMap: () => [1].flatMap(boom), some: () => [1].some(boom), findLast: () => [1].findLast(boom), eval: () => eval("boom()"), indirect: () => (0, eval)("throw new Error('boom')"),
  isError: () => Object.prototype.toString.call({ get [Symbol.toStringTag]() { boom(); } }), unscopables: () => Function("o", "with (o) { x }")({ x: 1, get [Symbol.unscopables]() { boom(); } }),
};
const results = [];
for (const [name, f] of Object.entries(calls)) { try { results.push(name + "=" + f()); } catch (e) { results.push(name + (e.message === "boom" ? "" : "?" + e.message)); } }
print(results.join(" "));
try { calls.promise(); } catch (e) { print("sync?"); }
