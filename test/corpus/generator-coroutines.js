// Generators as coroutines: a scheduler, ping-pong, pipelines, generators that drive each other.
function* worker(name, n) { for (let i = 0; i < n; i++) { const got = yield `${name}${i}`; if (got) log.push(`${name}<${got}`); } return name + " done"; }
const log = [];
const queue = [worker("a", 3), worker("b", 2), worker("c", 4)];
let turn = 0;
while (queue.length) { const g = queue.shift(); const r = g.next(turn++ % 3 ? `t${turn}` : undefined); log.push(r.value); if (!r.done) queue.push(g); }
print(log.join(" "));
const source = function* (n) { for (let i = 1; i <= n; i++) yield i; };
const map = (f) => function* (s) { for (const v of s) yield f(v); };
const filter = (f) => function* (s) { for (const v of s) if (f(v)) yield v; };
const take = (n) => function* (s) { if (n <= 0) return; for (const v of s) { yield v; if (--n <= 0) return; } };
const pipe = (s, ...stages) => stages.reduce((acc, stage) => stage(acc), s);
print([...pipe(source(100), map((v) => v * v), filter((v) => v % 3 === 1), take(5))].join());
function* permutations(list) { if (list.length < 2) { yield list; return; } for (let i = 0; i < list.length; i++) for (const rest of permutations([...list.slice(0, i), ...list.slice(i + 1)])) yield [list[i], ...rest]; }
print([...permutations([1, 2, 3, 4])].map((p) => p.join("")).join());
const run = (g, ...args) => { const it = g(...args); const step = (v) => { const { value, done } = it.next(v); return done ? value : step(typeof value === "function" ? value() : value); }; return step(); };
print(run(function* (n) { let t = 0; for (let i = 0; i < n; i++) t += yield () => i * 2; return t; }, 10));
function* a() { while (true) { const v = yield; if (v > 6) return; trace.push("a" + v); other.b.next(v + 1); } }
const trace = [], other = {};
function* b() { while (true) { const v = yield; trace.push("b" + v); } }
other.b = b(); other.b.next();
const ga = a(); ga.next(); for (let i = 0; i < 9; i += 2) ga.next(i);
print(trace.join());
