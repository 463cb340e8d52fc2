// Recursion through await, long promise chains, and async functions called from native callbacks.
async function down(n) { if (n === 0) return 0; return 1 + (await down(n - 1)); }
async function fib(n) { return n < 2 ? n : (await fib(n - 1)) + (await fib(n - 2)); }
(async () => {
  print(await down(80), await fib(8));
  const results = await Promise.all([3, 1, 2].map(async (v, i) => { for (let k = 0; k < v; k++) await null; return v + ":" + i; }));
  print(results.join());
  let chain = Promise.resolve(0);
  for (let i = 0; i < 50; i++) chain = chain.then((v) => v + i);
  print(await chain);
  const order = [];
  await Promise.all(["a", "b", "c"].map(async (n) => { for (let i = 0; i < 3; i++) { order.push(n + i); await i; } }));
  print(order.join());
  const memo = new Map();
  const cached = (k) => memo.get(k) ?? (memo.set(k, Promise.resolve().then(() => { print("computed", k); return k * 2; })), memo.get(k));
  print(await cached(1) + await cached(1) + await cached(2));
})().catch((e) => print("failed", e.message));
