// Labelled loops, switch and try in generators and async functions, left in every way at a yield or await.
function* g() {
  a: for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      try {
        const cmd = yield `${i}${j}`;
        if (cmd === "next") continue a;
        if (cmd === "stop") break a;
        if (cmd === "throw") throw new Error("cmd");
      } catch (e) { yield "caught"; } finally { done.push(`${i}${j}`); }
    }
  }
  switch (yield "switch") { case 1: yield "one"; case 2: yield "two"; break; default: yield "other"; }
  do { if (yield "do") break; } while (true);
  return "returned";
}
const done = [];
const it = g();
print([undefined, undefined, "next", "throw", undefined, undefined, "stop", 1, undefined, undefined, false, true].map((c) => it.next(c).value).join());
print(done.join());
(async () => {
  const out = [];
  x: for (let i = 0; i < 3; i++) { for (const j of [0, 1, 2]) { try { await null; if (j === 1 && i === 0) continue x; if (i === 2) break x; out.push(`${i}${j}`); } finally { await null; out.push("f"); } } }
  print(out.join());
  switch (await "b") { case await "a": out.push("A"); case await "b": out.push("B"); case await "c": out.push("C"); }
  do { if (await (out.length > 12)) break; out.push("+"); } while (await true);
  while (await (out.length < 16)) out.push(await "w");
  print(out.slice(-8).join());
  for (const [k, v] of Object.entries({ a: Promise.resolve(1), b: 2 })) out.push(k + (await v));
  for (const k in await { p: 1, q: 2 }) out.push(await k);
  print(out.slice(-4).join(), await (async () => { try { return await "r"; } finally { await out.push("fin"); } })(), out.at(-1));
})();
