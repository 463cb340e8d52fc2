// Errors that cross awaits: in arguments, defaults, finally, destructuring, for-await, nested try, rethrown with causes.
const fail = async (m) => { await null; throw new Error(m); };
const attempt = async (name, f) => { try { print(name, "ok", await f()); } catch (e) { print(name, e.name, e.message, e.cause ? "<- " + e.cause.message : ""); } };
(async () => {
  await attempt("argument", async () => Math.max(1, await fail("arg")));
  await attempt("default", async (x = fail("default")) => await x);
  await attempt("destructure", async () => { const { a = await fail("in default") } = {}; });
  await attempt("template", async () => `${await fail("tpl")}`);
  await attempt("finally override", async () => { try { await fail("hidden"); } finally { return "override"; } });
  await attempt("finally throw", async () => { try { return await 1; } finally { await fail("finally"); } });
  await attempt("rethrow", async () => { try { await fail("low"); } catch (e) { throw new TypeError("high", { cause: e }); } });
  await attempt("loop", async () => { for (let i = 0; ; i++) { try { if (i < 3) await fail("i" + i); return i; } catch { continue; } } });
  await attempt("nested", async () => { try { try { await fail("inner"); } finally { await null; } } catch (e) { return "caught " + e.message; } });
  await attempt("return await", async () => { try { return await fail("seen"); } catch (e) { return "handled " + e.message; } });
  await attempt("return no await", async () => { try { return fail("unseen"); } catch (e) { return "never"; } });
  await attempt("all", () => Promise.all([fail("first"), fail("second")]));
  await attempt("class", async () => { class A { static async make() { const a = new A(); a.v = await fail("make"); return a; } } await A.make(); });
  await attempt("getter", async () => ({ get p() { return fail("getter"); } }).p);
  await attempt("spread", async () => [...(await Promise.all([1, 2])), await fail("spread")]);
  await attempt("switch", async () => { switch (await 2) { case await 1: return 1; case await 2: return "two"; } });
  await attempt("optional", async () => (await null)?.x ?? (await "nullish"));
})();
