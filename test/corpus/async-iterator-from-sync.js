// The wrapper that makes an async iterator of a sync one: next, return and throw pass through it with promises.
const log = [];
const sync = { [Symbol.iterator]() { return { i: 0, next(v) { log.push("next " + v); return { value: Promise.resolve(this.i++), done: this.i > 3 }; }, return(v) { log.push("return " + v); return { value: Promise.resolve("r"), done: true }; }, throw(e) { log.push("throw " + e); return { value: "t", done: true }; } }; } };
async function* wrap() { try { return yield* sync; } finally { log.push("wrap finally"); } }
(async () => {
  const a = wrap();
  print(JSON.stringify([await a.next("x"), await a.next("y"), await a.return("z"), await a.next()]));
  const b = wrap();
  await b.next();
  print(JSON.stringify([await b.throw("err"), await b.next()]));
  const c = wrap();
  const out = [];
  for await (const v of c) out.push(v);
  print(out.join(), log.join(" | "));
  async function* noThrow() { yield* { [Symbol.iterator]: () => ({ next: () => ({ value: 1, done: false }) }) }; }
  const d = noThrow();
  await d.next();
  try { await d.throw(new Error("lost")); } catch (e) { print(e.name); }
  const entries = [];
  for await (const [k, v] of new Map([["a", Promise.resolve(1)], ["b", 2]])) entries.push(k + (await v));
  print(entries.join());
})();
