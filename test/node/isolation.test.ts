/** What one process can do to others and to its node: nothing. */

import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withNode } from "./bench-node.ts";

await withNode({ lwps: 1 }, (t) => {
  test("an endless loop leaves others and the node responsive, and can be paused, inspected, forked, captured and killed", async () => {
    const loop = await t.start(`console.log("up"); let turns = 0; function spin() { for (;;) turns++; } spin();`);
    await loop.printed("up");
    const started = performance.now();
    assert.equal((await t.run(`console.log("beside it")`)).stdout, "beside it\n");
    assert.ok(performance.now() - started < 5000);
    const { threads, regions } = await t.node.inspect(loop.pid);
    assert.match(threads[0]?.stack[0] ?? "", /spin \(program\.js:2/);
    assert.ok(regions.some(({ kind }) => kind === "main-stack"));
    await t.node.pause(loop.pid);
    const paused = (await t.node.list()).find(({ pid }) => pid === loop.pid);
    assert.equal(paused?.state, "paused");
    const again = (await t.node.list()).find(({ pid }) => pid === loop.pid);
    assert.equal(again?.cpuMs, paused?.cpuMs, "a paused process uses no processor");
    await t.node.resume(loop.pid);
    const child = await t.node.fork(loop.pid);
    assert.ok((await t.node.checkpoint(loop.pid)).length > 0);
    for (const pid of [loop.pid, child]) {
      await t.node.signal(pid, "SIGKILL");
      assert.equal((await t.node.wait(pid)).code, 137);
    }
  });

  test("the memory quota is a catchable error, for native built-ins too", async () => {
    const attempts = [
      `const a = []; for (;;) a.push({ n: a.length })`,
      `const a = []; for (;;) a.push("x".repeat(1e6) + a.length)`,
      `"x".repeat(2 ** 30 - 100)`,
      `new Uint8Array(2 ** 30)`,
      `const m = new Map(); for (let i = 0; ; i++) m.set(i, i)`,
      `let s = "x"; for (;;) s += s`,
      `Array.from({ length: 1e8 }, (_, i) => i)`,
      `JSON.stringify(new Array(1e8).fill("abcdefgh"))`,
    ];
    const source = attempts
      .map(
        (attempt) =>
          `try { (() => { ${attempt} })(); console.log("no error") } catch (e) { console.log(e instanceof Error ? e.name : "not an error: " + e) }`,
      )
      .join("\n");
    const { stdout, status, stderr } = await t.run(source, { quotas: { memoryBytes: 64 * 2 ** 20 } });
    assert.equal(status.code, 0, stderr);
    const names = stdout.trim().split("\n");
    assert.equal(names.length, attempts.length);
    for (const [i, name] of names.entries()) assert.match(name, /InternalError|RangeError/, attempts[i]);
  });

  test("deep recursion is the guest's error, in every thread", async () => {
    const { stdout } = await t.run(`
    function deep() { let depth = 0; const down = () => { depth++; down(); }; try { down() } catch (e) { return e.name + " " + (depth > 50); } }
    console.log(deep());
    console.log(Thread.create(deep).join());
    try { String((() => { let a = []; for (let i = 0; i < 20_000; i++) a = [a]; return a; })()) } catch (e) { console.log(e.name) }`);
    assert.equal(stdout, "RangeError true\nRangeError true\nRangeError\n");
  });

  test("threads and processes are bounded by their quotas", async () => {
    const { stdout } = await t.run(
      `
    let made = 0;
    try { for (;;) { Thread.create(() => sleep(100000), { daemon: true }); made++; } } catch (e) { console.log("threads", made, e.code) }
    let forks = 0;
    try { for (;;) { if (fork() === 0) sleep(100000); forks++; } } catch (e) { console.log("processes", forks, e.code); }
    for (let i = 0; i < forks; i++) { }
    exit(0)`,
      { quotas: { threadsMax: 10, processesMax: 4 } },
    );
    assert.equal(stdout, "threads 9 EPROCLIM\nprocesses 3 EPROCLIM\n");
    for (const one of await t.node.list()) if (one.state !== "ended") await t.node.signal(one.pid, "SIGKILL");
  });

  test("a timeout ends the process and says so", async () => {
    const { status, stderr } = await t.run(`for (;;) {}`, { quotas: { timeoutMs: 100 } });
    assert.equal(status.code, 124);
    assert.match(stderr, /timeout/);
  });

  test("a regular expression that blows up can be stopped", async () => {
    const program = await t.start(`console.log("up"); /^(a+)+$/.test("a".repeat(40) + "b"); console.log("done")`);
    await program.printed("up");
    assert.equal((await t.run(`console.log("beside it")`)).stdout, "beside it\n");
    await t.node.signal(program.pid, "SIGKILL");
    assert.equal((await program.ended).status.code, 137);
  });

  test("a native loop that never polls is ended, and its neighbours go on", async () => {
    const neighbour = await t.start(
      `console.log("up"); sleep(1); const m = receive(); console.log("still here", m.message)`,
    );
    await neighbour.printed("up");
    const { status } = await t.run(`new Array(1e9).join("x")`);
    assert.equal(status.code, 137);
    assert.match(status.reason ?? "", /stuck/);
    const pid = neighbour.pid;
    await t.node.signal(pid, "SIGKILL");
    assert.equal((await neighbour.ended).status.code, 137);
    assert.equal((await t.run(`console.log("the LWP lives")`)).stdout, "the LWP lives\n");
  });

  test("files: nothing without a capability, and a link leads nowhere new", async () => {
    mkdirSync(join(t.folder, "open"));
    writeFileSync(join(t.folder, "open", "a.txt"), "readable");
    writeFileSync(join(t.folder, "secret.txt"), "secret");
    symlinkSync(join(t.folder, "secret.txt"), join(t.folder, "open", "link"));
    symlinkSync(join(t.folder, "new.txt"), join(t.folder, "open", "dangling"));
    const program = `
    const attempt = (f) => { try { return String(f()) } catch (e) { return e.code } };
    console.log(attempt(() => readFile("open/a.txt", "utf8")));
    console.log(attempt(() => readFile("open/../secret.txt", "utf8")));
    console.log(attempt(() => readFile("open/link", "utf8")));
    console.log(attempt(() => writeFile("open/b.txt", "x")));
    console.log(attempt(() => writeFile("open/dangling", "x")));
    console.log(attempt(() => readFile("open/missing", "utf8")));
    console.log(attempt(() => readFile("open\\0a.txt", "utf8")));`;
    assert.equal((await t.run(program)).stdout, "EACCES\nEACCES\nEACCES\nEACCES\nEACCES\nEACCES\nEINVAL\n");
    const read = await t.run(program, { capabilities: { read: ["open"] } });
    assert.equal(read.stdout, "readable\nEACCES\nEACCES\nEACCES\nEACCES\nENOENT\nEINVAL\n");
    const both = await t.run(program, { capabilities: { read: ["open"], write: ["open"] } });
    assert.equal(both.stdout, "readable\nEACCES\nEACCES\nundefined\nEACCES\nENOENT\nEINVAL\n");
  });

  test("a program that a process starts holds nothing that the process could not read", async () => {
    mkdirSync(join(t.folder, "programs"));
    writeFileSync(join(t.folder, "password.txt"), "hunter2");
    writeFileSync(join(t.folder, "password.js"), "hunter2 is no code");
    writeFileSync(join(t.folder, "programs", "part.ts"), `export const part: string = "part";`);
    writeFileSync(join(t.folder, "programs", "fine.ts"), `import { part } from "./part.ts"; console.log(part);`);
    writeFileSync(join(t.folder, "programs", "text.ts"), `import text from "../password.txt"; console.log(text);`);
    writeFileSync(join(t.folder, "programs", "code.ts"), `import "../password.js";`);
    const program = `
      for (const name of ["fine", "text", "code"]) {
        try { wait(spawn("programs/" + name + ".ts")); } catch (e) { console.log(e.code, e.message.includes("was not given"), e.message.includes("hunter2")); }
      }`;
    const { stdout } = await t.run(program, { capabilities: { run: ["programs"] } });
    assert.equal(stdout, "part\nENOEXEC true false\nENOEXEC true false\n");
    const granted = await t.run(program, { capabilities: { run: ["programs"], read: ["password.txt"] } });
    assert.match(granted.stdout, /^part\nhunter2\nENOEXEC/);
  });

  test("a deadlock is found, with each thread's stack", async () => {
    const { status, stderr } = await t.run(`
    const a = new Mutex(), b = new Mutex();
    Thread.create(function second() { b.lock(); sleep(5); a.lock(); }, { name: "second" });
    a.lock(); sleep(10); b.lock();`);
    assert.equal(status.code, 1);
    assert.match(status.reason ?? "", /deadlock/);
    assert.match(stderr, /thread 1 "main", blocked in futexWait/);
    assert.match(stderr, /thread 2 "second", blocked in futexWait\n(.*\n)*\s+at second \(program\.js:4/);
  });

  test("a system call that does not exist, and arguments of other kinds, are errors", async () => {
    const { stdout } = await t.run(`
    const attempt = (f) => { try { f(); return "no error" } catch (e) { return e.code ?? e.name } };
    console.log(attempt(() => sleep("x")), attempt(() => kill(1.5, "SIGNONE")), attempt(() => Thread.create(() => {}, { priority: 99 })));`);
    for (const word of stdout.trim().split(" ")) assert.match(word, /EINVAL|TypeError|RangeError|ESRCH/);
  });
});
