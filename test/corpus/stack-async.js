// Stacks in async functions, promise reactions, async generators and microtasks.
async function leaf() { await null; throw new Error("leaf"); }
async function middle() { await leaf(); }
(async function top() {
  try { await middle(); } catch (e) { print(e.stack); }
  await Promise.resolve().then(function reaction() { print(new Error("reaction").stack); });
  async function* gen() { yield 1; throw new Error("gen"); }
  try { for await (const v of gen()) print(v); } catch (e) { print(e.stack); }
  try { await { then() { throw new Error("thenable"); } }; } catch (e) { print(e.stack); }
})();
queueMicrotask(function micro() { print(new Error("micro").stack); });
new Promise(function executor() { throw new Error("executor"); }).catch(function handler(e) { print(e.stack); print(new Error("handler").stack); });
