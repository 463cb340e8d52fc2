// A proxy around an array, used by array built-ins, spread, destructuring, JSON and concat.
const keys = [];
const p = new Proxy([1, 2, 3], { get(t, k, r) { keys.push(String(k)); return Reflect.get(t, k, r); }, set(t, k, v) { keys.push("set " + String(k)); return Reflect.set(t, k, v); } });
const step = (name, f) => { keys.length = 0; const r = f(); print(name, String(r), "<-", keys.join()); };
step("spread", () => [...p]);
step("destructure", () => { const [a, ...rest] = p; return rest; });
step("json", () => JSON.stringify(p));
step("concat", () => [0].concat(p));
step("isArray", () => Array.isArray(p));
step("map", () => p.map((x) => x + 1));
step("push", () => p.push(4));
step("includes", () => p.includes(3));
step("forof", () => { let s = 0; for (const v of p) s += v; return s; });
step("apply", () => Math.max.apply(null, p));
step("from", () => Array.from(p).length);
step("set", () => new Set(p).size);
step("flat", () => [p].flat().length);
