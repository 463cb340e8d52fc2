// Async generators with requests queued ahead, awaited values, errors between requests and return with a rejection.
const log = [];
const note = (n) => (p) => p.then((r) => log.push(`${n}:${JSON.stringify(r)}`), (e) => log.push(`${n}!${e.message}`));
async function* g() { try { const a = yield 1; log.push("a=" + a); const b = yield* inner(); log.push("b=" + b); throw new Error("from g"); } finally { log.push("fin"); yield "in finally"; } }
async function* inner() { try { yield "x"; return await Promise.resolve("inner value"); } finally { await 0; log.push("inner fin"); } }
(async () => {
  const it = g();
  await Promise.all([note("n1")(it.next("ignored")), note("n2")(it.next("A")), note("n3")(it.next()), note("n4")(it.next()), note("n5")(it.next())]);
  const r = g();
  await r.next();
  await note("ret")(r.return(Promise.resolve("promised")));
  await note("after")(r.next());
  const u = g();
  await note("unstarted")(u.throw(new Error("unstarted")));
  await note("done")(u.next());
  async function* chain(n) { if (n) yield* chain(n - 1); yield n; }
  const all = []; for await (const v of chain(12)) all.push(v);
  log.push(all.join(""));
  const merged = (async function* (...gens) { while (gens.length) { const g = gens.shift(); const { value, done } = await g.next(); if (!done) { yield value; gens.push(g); } } })(chain(2), chain(1));
  const m = []; for await (const v of merged) m.push(v);
  log.push(m.join("-"));
  print(log.join("\n"));
})();
