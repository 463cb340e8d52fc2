// await on objects whose then is a getter, a Proxy or changes; await in odd positions.
let looked = 0;
const getter = { get then() { looked++; return looked > 1 ? undefined : (r) => r("resolved by getter"); } };
const proxy = new Proxy({}, { get(_, k) { looked++; return k === "then" ? undefined : 5; } });
(async () => {
  print(await getter, looked);
  print((await proxy).anything, looked);
  print((await (await (await 1) + (await 2))) * (await 3), [await 1, await 2].join(), { [await "k"]: await "v" }.k);
  const o = { async get() { return this.v; }, v: await Promise.resolve("m") };
  print(await o.get(), await (async () => { await 0; return arguments.length; })?.call?.(null).catch((e) => e.name));
  let x = 1;
  const add = async (n) => { x += await n; return x; };
  await Promise.all([add(10), add(100)]);
  print(x);
  print(await new Promise((r) => r(new Promise((q) => q({ then: (z) => z("three deep") })))));
  label: for (const v of [1, 2, 3]) { await null; if (v === 2) break label; }
  print(await (await import_like())());
})();
async function import_like() { await null; return async () => "async closure"; }
