/** Processes as their users see them: life, death, family, signals. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withNode } from "./bench-node.ts";

await withNode({ lwps: 2 }, (t) => {
  test("a program prints and ends with 0", async () => {
    const { status, stdout } = await t.run(`console.log("hello", 6 * 7)`);
    assert.equal(stdout, "hello 42\n");
    assert.equal(status.code, 0);
  });

  test("exit ends it with its code, from any depth", async () => {
    const { status, stdout } = await t.run(
      `function f(n) { if (n === 0) exit(7); f(n - 1); } [1].map(() => f(50)); console.log("not reached")`,
    );
    assert.equal(status.code, 7);
    assert.equal(stdout, "");
  });

  test("an uncaught error names its place and ends it with 1", async () => {
    const { status, stderr } = await t.run(`function thrower() {\n  throw new TypeError("bad thing");\n}\nthrower();`);
    assert.equal(status.code, 1);
    assert.match(stderr, /TypeError: bad thing\n\s+at thrower \(program\.js:3:\d+\)/);
    assert.match(status.reason ?? "", /bad thing/);
  });

  test("a rejection that nobody handles ends it with 1; one that is handled late enough does not", async () => {
    assert.equal((await t.run(`Promise.reject(new Error("lost"))`)).status.code, 1);
    assert.equal(
      (await t.run(`const p = Promise.reject(new Error("caught")); queueMicrotask(() => p.catch(() => {}))`)).status
        .code,
      0,
    );
  });

  test("a syntax error is an uncaught error", async () => {
    const { status, stderr } = await t.run(`let = ;`);
    assert.equal(status.code, 1);
    assert.match(stderr, /SyntaxError/);
  });

  test("top-level await that nothing can settle ends it with 13", async () => {
    assert.equal((await t.run(`await new Promise(() => {})`)).status.code, 13);
  });

  test("timers, promises and the event loop keep their order", async () => {
    const { stdout } = await t.run(`
    setTimeout(() => console.log("timer 200"), 200);
    const every = setInterval(() => { console.log("tick"); clearInterval(every); }, 50);
    setTimeout(() => console.log("timer 1"), 1);
    Promise.resolve().then(() => console.log("microtask"));
    console.log("sync");`);
    assert.equal(stdout, "sync\nmicrotask\ntimer 1\ntick\ntimer 200\n");
  });

  test("fork returns twice, in the middle of a call, with a heap of its own", async () => {
    const { stdout, status } = await t.run(`
    let shared = 1;
    function down(n) {
      if (n > 0) return down(n - 1) + 1;
      const pid = fork();
      shared += pid === 0 ? 10 : 100;
      if (pid === 0) return -1000;
      const { code } = wait(pid);
      console.log("child ended with", code);
      return 0;
    }
    const depth = down(20);
    console.log(depth < 0 ? "child" : "parent", depth, shared);
    if (depth < 0) exit(3);`);
    assert.equal(stdout, "child -980 11\nchild ended with 3\nparent 20 101\n");
    assert.equal(status.code, 0);
  });

  test("fork copies all threads, or only the caller", async () => {
    const busyThreads = async (threads: "all" | "caller") => {
      const { stdout } = await t.run(`
        const busy = Thread.create(() => { sleep(100); console.log("busy"); });
        sleep(10);
        const pid = fork({ threads: "${threads}" });
        if (pid !== 0) { wait(pid); busy.join(); }`);
      return stdout.split("\n").filter((line) => line === "busy").length;
    };
    assert.equal(await busyThreads("all"), 2);
    assert.equal(await busyThreads("caller"), 1);
  });

  test("fork from a thread that is not the main one: the child runs that thread and then its event loop", async () => {
    const { stdout } = await t.run(`
    const worker = Thread.create(() => {
      const pid = fork();
      if (pid === 0) { setTimeout(() => console.log("child's event loop"), 5); console.log("child's thread"); }
      else { wait(pid); console.log("parent's thread"); }
    });
    worker.join();
    console.log("main");`);
    assert.equal(stdout, "child's thread\nchild's event loop\nparent's thread\nmain\n");
  });

  test("children draw other random numbers than their parent", async () => {
    const { stdout } = await t.run(`
    const pid = fork();
    const numbers = [Math.random(), crypto.randomUUID()].join();
    if (pid !== 0) wait(pid);
    console.log(numbers);`);
    const [child, parent] = stdout.split("\n");
    assert.notEqual(child, parent);
    const again = await t.run(`console.log([Math.random(), crypto.randomUUID()].join())`);
    assert.ok(!stdout.includes(again.stdout.trim()));
  });

  test("spawn runs another program with arguments, and wait has its status", async () => {
    writeFileSync(
      join(t.folder, "child.ts"),
      `import { exit, self } from "godwit";\nconst who: string = self.arguments.join("+");\nconsole.log("child", who, self.parent > 0);\nexit(9);\n`,
    );
    const { stdout } = await t.run(
      `
    const pid = spawn("child.ts", { arguments: ["a", "b"] });
    const status = wait(pid);
    console.log(status.pid === pid, status.code);
    try { wait() } catch (e) { console.log(e.code) }`,
      { capabilities: { run: [t.folder] } },
    );
    assert.equal(stdout, "child a+b true\ntrue 9\nECHILD\n");
  });

  test("spawn without the capability is refused", async () => {
    const { stdout } = await t.run(`try { spawn("child.ts") } catch (e) { console.log(e.code) }`);
    assert.equal(stdout, "EACCES\n");
  });

  test("exec keeps the pid and runs another program", async () => {
    writeFileSync(
      join(t.folder, "next.ts"),
      `import { self } from "godwit";\nconsole.log("next", self.pid, self.arguments[0]);\n`,
    );
    const { stdout, pid } = await t.run(
      `console.log("first", self.pid); exec("next.ts", { arguments: ["x"] }); console.log("not reached")`,
      { capabilities: { run: "all" } },
    );
    assert.equal(stdout, `first ${pid}\nnext ${pid} x\n`);
  });

  test("wait for a time, for any, and for nobody", async () => {
    const { stdout } = await t.run(`
    const slow = fork();
    if (slow === 0) { sleep(60); exit(1); }
    console.log(wait(slow, { timeoutMs: 5 }) ?? "not yet");
    const any = wait();
    console.log(any.pid === slow, any.code);
    try { wait(slow) } catch (e) { console.log(e.code) }`);
    assert.equal(stdout, "not yet\ntrue 1\nECHILD\n");
  });

  test("an orphan goes on, and its parent is nobody", async () => {
    const { pid } = await t.run(`if (fork() === 0) { sleep(80); register("orphan"); sleep(5000); }`);
    const orphan = (await t.node.list()).find((one) => one.parent === 0 && one.pid > pid && one.state !== "ended");
    assert.ok(orphan !== undefined);
    await t.node.signal(orphan.pid, "SIGKILL");
    assert.equal((await t.node.wait(orphan.pid)).code, 137);
  });

  test("signals: default, ignored, handled in a busy loop", async () => {
    const dies = await t.start(`console.log("up"); for (;;) {}`);
    await dies.printed("up");
    await t.node.signal(dies.pid, "SIGTERM");
    assert.deepEqual((await dies.ended).status, { pid: dies.pid, code: 143, signal: "SIGTERM" });

    const handles = await t.start(`
    onSignal("SIGINT", "ignore");
    onSignal("SIGTERM", () => { console.log("in handler"); exit(4); });
    console.log("up");
    for (;;) {}`);
    await handles.printed("up");
    await t.node.signal(handles.pid, "SIGINT");
    await t.node.signal(handles.pid, "SIGTERM");
    const { status, stdout } = await handles.ended;
    assert.equal(status.code, 4);
    assert.equal(stdout, "up\nin handler\n");
  });

  test("a process signals its child, and no stranger", async () => {
    const stranger = await t.start(`console.log("up"); sleep(60000)`);
    await stranger.printed("up");
    const { stdout } = await t.run(`
    const child = fork();
    if (child === 0) { sleep(60000); }
    kill(child, "SIGKILL");
    console.log(wait(child).code);
    try { kill(${stranger.pid}, "SIGKILL") } catch (e) { console.log(e.code) }`);
    assert.equal(stdout, "137\nEPERM\n");
    await t.node.signal(stranger.pid, "SIGKILL");
    await stranger.ended;
  });

  test("messages between processes: structured, in order, by pid and by name, bounded", async () => {
    const { stdout, stderr } = await t.run(`
    register("father" + self.pid);
    const father = self.pid;
    const child = fork();
    if (child === 0) {
      for (let i = 0; i < 3; i++) send(father, { i, map: new Map([[i, new Date(i)]]) });
      send("father" + father, [receive().message.toUpperCase()]);
      exit(0);
    }
    for (let i = 0; i < 3; i++) { const { from, message } = receive(); console.log(from === child, message.i, message.map.get(i).getTime()); }
    send(child, "word");
    console.log(receive().message[0]);
    wait(child);
    console.log(receive({ timeoutMs: 5 }));
    try { send("nobody", 1) } catch (e) { console.log(e.code) }
    let sent = 0;
    try { for (;;) { send(self.pid, "x"); sent++; } } catch (e) { console.log(sent, e.code) }`);
    assert.equal(stdout, "true 0 0\ntrue 1 1\ntrue 2 2\nWORD\nundefined\nENOENT\n1024 ENOSPC\n", stderr);
  });

  test("standard input arrives whole, in order, and ends", async () => {
    const program = await t.start(
      `let n = 0, sum = 0; for (const line of stdin.lines()) { n++; sum += Number(line); } console.log(n, sum)`,
    );
    const lines = Array.from({ length: 100_000 }, (_, i) => `${i}\n`).join("");
    await t.node.input(program.pid, Buffer.from(lines));
    await t.node.input(program.pid, null);
    assert.equal((await program.ended).stdout, `100000 ${(99_999 * 100_000) / 2}\n`);
  });

  test("text is read as it came, after lines and without", async () => {
    const read = async (source: string, input: string) => {
      const program = await t.start(source);
      await t.node.input(program.pid, Buffer.from(input));
      await t.node.input(program.pid, null);
      return (await program.ended).stdout;
    };
    for (const text of ["", "one", "one\n", "a\r\nb\r\nc", "\n\n", "é\u2028😀"])
      assert.equal(await read(`console.log(JSON.stringify(stdin.readText()))`, text), `${JSON.stringify(text)}\n`);
    const rest = `console.log(JSON.stringify([stdin.readLine(), stdin.readText(), stdin.readLine()]))`;
    assert.equal(await read(rest, "a\r\nb\r\nc"), '["a","b\\r\\nc",null]\n');
  });

  test("output is held back by a slow reader, and is complete", async () => {
    const pid = await t.node.spawn({
      name: "writer.js",
      source: `const line = "x".repeat(999); for (let i = 0; i < 3000; i++) console.log(line)`,
    });
    let taken = 0;
    let unread = 0;
    let unreadMax = 0;
    t.node.output(pid, true, async (_stream, bytes) => {
      unread += bytes.length;
      unreadMax = Math.max(unreadMax, unread);
      await new Promise((resolve) => setImmediate(resolve));
      unread -= bytes.length;
      taken += bytes.length;
    });
    assert.equal((await t.node.wait(pid)).code, 0);
    assert.equal(taken, 3_000_000);
    assert.ok(unreadMax < 1_000_000, `${unreadMax} bytes were on their way at once`);
  });
});
