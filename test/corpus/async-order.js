// The exact order of promise reactions, awaits, thenables and microtasks.
const log = [];
const p = (x) => log.push(x);
queueMicrotask(() => p("micro1"));
Promise.resolve().then(() => p("t1")).then(() => p("t2")).then(() => p("t3")).then(() => p("t4"));
(async () => { p("a0"); await undefined; p("a1"); await Promise.resolve(); p("a2"); return "x"; })().then(() => p("a3"));
(async () => { await (async () => {})(); p("b1"); })();
new Promise((r) => r({ then(f) { p("thenable called"); f(); } })).then(() => p("c1"));
new Promise((r) => r(Promise.resolve())).then(() => p("d1"));
(async () => Promise.resolve())().then(() => p("e1"));
queueMicrotask(() => { p("micro2"); queueMicrotask(() => p("micro3")); });
p("sync");
Promise.resolve().then(function last(n = 0) { if (n < 12) return Promise.resolve(n + 1).then(last); print(log.join(" ")); });
