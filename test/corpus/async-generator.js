// Async generators: queued requests, return and throw, delegation to sync and async iterables.
async function* g() { try { const x = yield 1; print("x", x); yield Promise.resolve(2); yield* [3, Promise.resolve(4)]; yield* inner(); return Promise.resolve("end"); } finally { await null; print("finally"); } }
async function* inner() { yield "i1"; try { yield "i2"; } finally { print("inner finally"); } }
(async () => {
  const out = [];
  for await (const v of g()) out.push(v);
  print(out.join());
  const it = g();
  const r = await Promise.all([it.next(), it.next("X"), it.next(), it.return("R"), it.next()]);
  print(JSON.stringify(r));
  const t = g();
  await t.next();
  try { await t.throw(new Error("thrown")); } catch (e) { print(e.message); }
  print(JSON.stringify(await t.next()));
  for await (const v of g()) if (v === "i2") break;
  async function* rejecting() { yield Promise.reject(new Error("yielded rejection")); }
  try { for await (const v of rejecting()) print("no"); } catch (e) { print(e.message); }
  const o = { async *m() { yield this.k; }, k: "kk" };
  print((await o.m().next()).value, Object.prototype.toString.call(o.m()));
})();
