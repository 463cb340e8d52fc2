/** `AsyncLocalStorage` and `AsyncResource`: the store is where it is under Node, after every kind of wait. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { compileProgram, guestExports } from "../../src/node/program.ts";
import { withNode } from "../node/bench-node.ts";

const folder = mkdtempSync(join(tmpdir(), "godwit-test-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const PRELUDE = `
  import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
  const als = new AsyncLocalStorage(), other = new AsyncLocalStorage();
  const log = (...words) => console.log(...words, als.getStore());
  const later = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));
`;

const PROGRAMS: Readonly<Record<string, string>> = {
  "awaits: of values, promises, rejections, in loops, in finally": `
    async function inner(n) { await null; log("a", n); await later(1); log("b", n); try { await Promise.reject(new Error("x")); } catch { log("c", n); } finally { await 1; log("d", n); } return n; }
    async function outer(n) { for (let i = 0; i < 3; i++) { log("loop", n, i); await inner(n); } return n; }
    console.log(await Promise.all([als.run(1, outer, 1), als.run(2, outer, 2), outer(0)])); log("end");`,
  "async arrows, methods, getters of promises, super, this, arguments": `
    class Base { async name() { await null; return "base"; } }
    class Own extends Base { #x = 5; async name() { const text = await super.name(); log(text, this.#x); return text; } static async make(...args) { await null; log(args.length); return new this(); } get value() { return (async () => { await null; log("getter"); return this.#x; })(); } }
    await als.run("s", async () => { const own = await Own.make(1, 2); await own.name(); log(await own.value); });
    async function counted() { await null; return arguments.length; } console.log(await counted(1, 2, 3), counted.length, (async (a, b) => {}).length);
    const destructured = async ({ a = 1, ...rest } = {}, [b] = [2]) => { await null; return [a, b, rest]; }; console.log(await destructured({ c: 3 }));`,
  "async generators, for await, yield of promises, return, throw": `
    async function* numbers(n) { try { for (let i = 0; i < n; i++) { await later(1); log("made", i); yield als.getStore() + i; } } finally { await null; log("closed"); } }
    await als.run(10, async () => { for await (const value of numbers(3)) { log("got", value); } });
    await als.run(20, async () => { for await (const value of numbers(5)) { log("first", value); break; } });
    await als.run(30, async () => { const g = numbers(5); await g.next(); console.log(await g.throw(new Error("in")).catch((error) => error.message)); log("after"); });
    await als.run(40, async () => { for await (const value of [later(1, "x"), "y"]) log(value); async function* all() { yield* numbers(1); yield* ["z"]; } for await (const value of all()) log("all", value); });
    for await (const value of numbers(1).constructor === undefined ? [] : [7]) log("top", value);`,
  "then, catch, finally, combinators": `
    const p = later(1, "v");
    als.run(1, () => { p.then((value) => { log(value); throw new Error("e"); }).catch((error) => log(error.message)).finally(() => log("finally")).then(() => log("end")); });
    als.run(2, () => { Promise.all([p, 2, later(1)]).then(() => log("all")); Promise.race([p, later(20)]).then(() => log("race")); Promise.any([Promise.reject(1), p]).then(() => log("any")); Promise.allSettled([Promise.reject(1), p]).then(() => log("settled")); });
    await als.run(3, () => p.then(() => als.run(4, () => later(30))).then(() => log("back")));
    await als.run(5, () => p.then(5, null).then(log)); log("out");
    let release; const gate = new Promise((resolve) => (release = resolve)); als.run(6, () => gate.then(() => log("gate"))); als.run(7, () => release()); await gate; log("gone");`,
  "thenables, as the queries of databases are": `
    class Query { constructor(text) { this.text = text; } then(resolve, reject) { log("run", this.text); return later(1, this.text).then(resolve, reject); } }
    await als.run(1, async () => { log(await new Query("await")); });
    await als.run(2, async () => new Query("returned"));
    await als.run(3, () => Promise.resolve(new Query("resolved")).then(log));
    await als.run(4, () => new Promise((resolve) => resolve(new Query("in a constructor"))).then(log));
    await als.run(5, () => Promise.resolve().then(() => new Query("from then")).then(log));
    await als.run(6, () => Promise.all([new Query("all"), new Query("both")])); log("out");
    console.log(await als.run(7, async () => ({ get then() { throw new Error("no then"); } })).catch((error) => error.message));
    console.log(await new Promise((resolve) => { resolve(1); resolve({ get then() { throw new Error("late"); } }); }));`,
  "timers, microtasks, intervals, ticks": `
    const lines = []; let left = 10;
    const note = (word) => { lines.push(word + " " + als.getStore()); if (--left === 0) console.log(lines.sort().join()); };
    als.run(1, () => { setTimeout(note, 1, "timeout"); setImmediate(note, "immediate"); queueMicrotask(() => note("micro")); let n = 0; const id = setInterval(() => { note("interval"); if (++n === 3) clearInterval(id); }, 2); process.nextTick((word) => setTimeout(() => note(word), 1), "tick"); });
    setTimeout(() => note("outside"), 1); const cleared = als.run(2, () => setTimeout(note, 1, "never")); clearTimeout(cleared);
    als.run(3, () => setTimeout(() => { note("outer"); als.run(4, () => setTimeout(note, 1, "inner")); }));`,
  "run, exit, enterWith, disable, nesting, two storages": `
    log("none"); als.run(1, () => { log("in"); als.run(2, () => log("nested")); log("back"); als.exit(() => log("exit")); other.run("o", () => log(other.getStore())); log(other.getStore()); });
    console.log(als.run("r", (a, b) => [a, b, als.getStore()], 1, 2)); try { als.run(1, () => { throw new Error("thrown"); }); } catch (error) { log(error.message); }
    await als.run(3, async () => { als.enterWith(4); log("entered"); await null; log("kept"); setTimeout(() => log("timer"), 1); als.enterWith(5); await later(3); log("five"); }); log("outside");
    await als.run(6, async () => { await other.run("p", async () => { await null; log(other.getStore()); }); log(other.getStore()); als.disable(); log("disabled"); als.run(7, () => log("again")); });`,
  "AsyncResource, bind, snapshot": `
    const resource = als.run(1, () => new AsyncResource("R")); const bound = als.run(2, () => AsyncResource.bind(function (a) { log("bound", a); return this; })); const own = als.run(3, () => AsyncLocalStorage.bind((a) => { log("als", a); return a; })); const snap = als.run(4, () => AsyncLocalStorage.snapshot());
    als.run(9, () => { resource.runInAsyncScope((a) => log("scope", a), null, "x"); bound.call({}, "y"); own("z"); snap((a) => log("snap", a), "w"); resource.bind((a) => log("rb", a))(1); log("still"); }); console.log(typeof resource.asyncId(), resource.emitDestroy() === resource, bound.length);
    class Pool extends AsyncResource { constructor() { super("Pool"); } run(f) { return this.runInAsyncScope(f, this); } } const pool = als.run("pool", () => new Pool()); await als.run("caller", async () => { pool.run(() => log("inside")); await pool.run(async () => { await null; log("awaited"); }); log("caller"); });`,
  "events, streams and targets": `
    import { EventEmitter, once } from "node:events"; import { Readable, Transform } from "node:stream"; import { pipeline } from "node:stream/promises";
    const emitter = new EventEmitter(); als.run(1, () => { emitter.on("x", () => log("plain")); emitter.on("x", AsyncResource.bind(() => log("bound"))); }); als.run(2, () => emitter.emit("x"));
    als.run(3, async () => { await once(emitter, "y"); log("once"); }); als.run(4, () => emitter.emit("y")); await later(1);
    await als.run(5, async () => { const seen = []; await pipeline(Readable.from(["a", "b"]), new Transform({ transform(chunk, _, done) { log("transform", String(chunk)); done(null, chunk); } }), async (source) => { for await (const chunk of source) seen.push(String(chunk)); log("sink"); }); log(seen.join("")); });
    const target = new EventTarget(); als.run(6, () => target.addEventListener("e", () => log("target"))); als.run(7, () => target.dispatchEvent(new Event("e")));`,
  "promises keep their nature": `
    class Own extends Promise { static get [Symbol.species]() { return Promise; } } const own = new Own((resolve) => resolve(1));
    console.log(own instanceof Promise, own.constructor === Own, own.then(() => {}).constructor === Promise, Promise.resolve(own) === own, (async () => {})() instanceof Promise, Object.prototype.toString.call(own), Promise.name, Promise.length);
    const p = Promise.resolve(1); console.log(p.constructor === Promise, Promise.resolve(p) === p, Object.keys(Promise.prototype), p.then.length);
    try { Promise(() => {}); } catch (error) { console.log(error.name); } try { new Promise(5); } catch (error) { console.log(error.name); }
    const order = []; const note = (word) => () => order.push(word); Promise.resolve().then(note(1)).then(note(4)).then(note(7)); (async () => { order.push(0); await null; order.push(2); await null; order.push(5); })(); queueMicrotask(note(3)); Promise.resolve({ then(r) { order.push("t"); r(); } }).then(note(8)); (async () => Promise.resolve())().then(note("r")); await later(2); console.log(order.join());`,
  "top-level awaits of every shape": `
    const value = (await als.run(1, async () => ({ a: { b: [1, 2] } }))).a.b.length; const [first = await later(1, "d")] = []; const text = \`\${await later(1, "t")}-\${await als.run(2, async () => als.getStore())}\`;
    console.log(value, first, text, (await later(1, 3)) ** 2, -(await later(1, 4)), !await later(1, 0), typeof await later(1, ""), new (await later(1, Map))().size, (await later(1, String.raw))\`a\\n\`, await (await later(1, async () => "f"))(), (await later(1, { f() { return this.x; }, x: 6 })).f(), [...await later(1, [7, 8])], await later(1, null) ?? "null", (await later(1, { o: 1 }))?.o);
    if (await later(1, true)) { for (const x of await later(1, [1])) console.log("x", x); } label: while (await later(1, true)) { break label; } try { await Promise.reject(new Error("top")); } catch (error) { log(error.message); }
    export default await later(1, "exported"); log("end");`,
};

await withNode({ lwps: 1 }, (t) => {
  for (const [name, source] of Object.entries(PROGRAMS)) {
    test(name, { timeout: 60_000 }, async () => {
      const file = join(folder, `${name.replaceAll(/\W+/g, "-")}.mjs`);
      writeFileSync(file, PRELUDE + source);
      const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 60_000 });
      const program = await compileProgram(file, { guestExports: await guestExports(), workingDirectory: folder });
      for (const stress of [undefined, { every: 101, at: "call" } as const]) {
        const pid = await t.node.spawn({ ...program, ...(stress === undefined ? {} : { stress }) });
        const ended = await t.watch(pid).ended;
        assert.equal(ended.stderr, "");
        assert.deepEqual(ended.stdout.split("\n"), stdout.split("\n"), stress === undefined ? "undisturbed" : "stress");
      }
    });
  }

  test("a thread has a store of its own", { timeout: 60_000 }, async () => {
    const file = join(folder, "threads.mjs");
    writeFileSync(
      file,
      `${PRELUDE} import { Thread, sleep } from "godwit";
      const threads = [1, 2, 3].map((n) => Thread.create(() => als.run(n, () => { const seen = new Set(); for (let i = 0; i < 200; i++) { seen.add(als.getStore()); if (i % 50 === 0) sleep(1); } return [...seen].join(); })));
      als.run("main", () => { for (const thread of threads) console.log(thread.join(), als.getStore()); });`,
    );
    const program = await compileProgram(file, { guestExports: await guestExports(), workingDirectory: folder });
    const pid = await t.node.spawn({ ...program, stress: { every: 53, at: "call" } });
    const { stdout, stderr } = await t.watch(pid).ended;
    assert.deepEqual([stdout, stderr], ["1 main\n2 main\n3 main\n", ""]);
  });

  test("lines in stacks are the program's own", { timeout: 60_000 }, async () => {
    const file = join(folder, "lines.mjs");
    writeFileSync(
      file,
      `import { AsyncLocalStorage } from "node:async_hooks";\nawait 1;\nasync function thrower() {\n  await null;\n  throw new Error("here");\n}\nawait thrower();\nvoid AsyncLocalStorage;\n`,
    );
    const program = await compileProgram(file, { guestExports: await guestExports(), workingDirectory: folder });
    const { stderr } = await t.watch(await t.node.spawn(program)).ended;
    assert.match(stderr, /Error: here\n {4}at .*lines\.mjs:5:\d+/);
  });
});
