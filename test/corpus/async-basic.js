// Async functions: order of awaits, values that are not promises, exceptions, finally.
const log = [];
async function f(n) { log.push("f" + n); await null; log.push("g" + n); return n * 2; }
async function fail() { try { await f(9); throw new Error("failed"); } finally { log.push("finally"); await 0; log.push("after finally"); } }
(async () => {
  log.push("start");
  const [a, b] = await Promise.all([f(1), f(2)]);
  log.push(a + b);
  try { await fail(); } catch (e) { log.push(e.message); }
  log.push(await { then(r) { log.push("thenable"); r("T"); } });
  for (const x of [1, 2]) log.push(await f(x + 10));
  const arrow = async (x) => (await x) + 1;
  log.push(await arrow(Promise.resolve(41)));
  class C { async m() { return this.#p(); } async #p() { return "private"; } static async s() { return "static"; } }
  log.push(await new C().m(), await C.s());
  print(log.join(" "));
})();
log.push("sync");
Promise.resolve().then(() => log.push("then"));
