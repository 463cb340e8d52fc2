// Array.fromAsync over sync and async iterables, array-likes, and with failures.
async function* agen() { try { yield 1; yield Promise.resolve(2); yield 3; } finally { print("aclosed"); } }
(async () => {
  print((await Array.fromAsync(agen())).join());
  print((await Array.fromAsync([Promise.resolve("a"), "b"])).join());
  print((await Array.fromAsync({ length: 2, 0: Promise.resolve(5), 1: 6 }, async (v) => v * 2)).join());
  try {
    await Array.fromAsync(agen(), (v) => { if (v === 2) throw new Error("stop at 2"); return v; });
  } catch (e) { print(e.message); }
  try { await Array.fromAsync([Promise.reject(new Error("rejected"))]); } catch (e) { print(e.message); }
})();
print("sync end");
