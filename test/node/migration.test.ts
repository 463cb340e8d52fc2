/** Processes that are moved between nodes while they run: nothing of them is lost, doubled or out of order. */

import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { test } from "node:test";
import type { MoveReport } from "../../src/abi/control.ts";
import { drain } from "../../src/node/drain.ts";
import { type TestCluster, withCluster } from "./bench-cluster.ts";
import { TestNode } from "./bench-node.ts";

/** Moves a process from node to node until `over`; returns how often it moved. */
async function wander(t: TestCluster, home: string, pid: number, over: Promise<unknown>): Promise<number> {
  const names = [...t.nodes.keys()];
  let isOver = false;
  void over.then(() => (isOver = true));
  let moves = 0;
  let at = home;
  for (let turn = 1; !isOver; turn++) {
    const to = names[turn % names.length] ?? home;
    if (to === at) continue;
    const report = await t
      .get(home)
      .migrate(pid, to)
      .catch((error: unknown) => String(error));
    if (typeof report !== "string" && report.outcome === "moved") {
      moves++;
      at = to;
    } else if (!isOver && typeof report !== "string") {
      assert.match(report.reason ?? "", /ended/, "it moves, or is at its end");
    }
  }
  return moves;
}

function get(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { agent }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () => resolve(`${response.statusCode} ${Buffer.concat(parts).toString()}`));
      response.on("error", reject);
    })
      .on("error", reject)
      .end();
  });
}

await withCluster(["a", "b", "c"], (t) => {
  test("a loop goes on at another node, and another, and at home", async () => {
    const started = await t.test("a").start(`
      let sum = 0, count = 0;
      for (let n = 2; count < 16000; n++) {
        let prime = true;
        for (let d = 2; d * d <= n; d++) if (n % d === 0) { prime = false; break; }
        if (prime) { count++; sum += n; if (count % 2000 === 0) console.log("at", count); }
      }
      console.log("sum", sum, self.epoch);
    `);
    await started.printed("at 2000");
    for (const to of ["b", "c", "a"]) {
      const report = await t.get("a").migrate(started.pid, to);
      assert.deepEqual([report.outcome, report.reason, report.to], ["moved", undefined, to]);
      const { pages, found, bytes, rounds } = report;
      assert.ok(pages + found > 50 && bytes < 2 ** 20 && rounds >= 1, JSON.stringify(report));
      // It was at a already: much of it is there still.
      assert.ok(to === "a" ? found > pages / 2 : pages > 50, JSON.stringify(report));
    }
    const { stdout, stderr, status } = await started.ended;
    assert.deepEqual([status.code, stderr], [0, ""]);
    assert.match(stdout, /sum \d+ 3\n$/);
    assert.equal([...stdout.matchAll(/at (\d+)/g)].map(([, count]) => Number(count) / 2000).join(), "1,2,3,4,5,6,7,8");
    for (const { hosting } of t.nodes.values()) assert.equal(hosting.all().length, 0, "no host keeps what has ended");
  });

  test("10,000 numbered messages reach a process that moves 100 times meanwhile, each once and in order", async () => {
    const receiver = await t.test("a").start(`
      register("numbers");
      console.log("ready");
      for (let n = 0; n < 10000; n++) {
        const { message: data } = receive();
        if (data !== n) { console.log("expected", n, "and got", data); exit(1); }
        if (n % 100 === 0) console.log("at", n);
      }
      console.log("all");
    `);
    await receiver.printed("ready");
    const sender = await t.test("a").start(`
      for (let n = 0; n < 10000; n++) {
        for (;;) try { send("numbers", n); break; } catch (error) { if (error.code !== "ENOSPC") throw error; sleep(1); }
      }
    `);
    for (let move = 0; move < 100; move++) {
      await receiver.printed(`at ${move * 100}\n`);
      const { outcome, reason } = await t.get("a").migrate(receiver.pid, ["b", "c", "a"][move % 3] ?? "");
      assert.equal(outcome, "moved", reason);
    }
    const { stdout, stderr } = await receiver.ended;
    assert.deepEqual([stdout.slice(-4), stderr, (await sender.ended).stderr], ["all\n", "", ""]);
  });

  test("threads, locks, timers, signals, children and files of a process that wanders", async () => {
    const started = await t.test("b").start(`
      const mutex = new Mutex(), order = [];
      let total = 0, ticks = 0, signals = 0;
      onSignal("SIGUSR1", () => { signals++; });
      const timer = setInterval(() => { ticks++; }, 5);
      const threads = [1, 2, 3, 4].map((n) => Thread.create(() => {
        for (let i = 0; i < 300; i++) { mutex.withLock(() => { const before = total; for (let k = 0; k < 200; k++); total = before + n; }); if (i % 50 === 0) sleep(2); }
      }));
      for (const thread of threads) thread.join();
      const before = Date.now();
      sleep(50);
      const child = fork();
      if (child === 0) { sleep(20); exit(9); }
      const { code } = wait(child);
      kill(self.pid, "SIGUSR1");
      await new Promise((resolve) => setTimeout(resolve, 30));
      clearInterval(timer);
      console.log(total, code, signals, ticks > 0, Date.now() - before >= 98);
    `);
    const moves = await wander(t, "b", started.pid, started.ended);
    const { stdout, stderr, status } = await started.ended;
    assert.deepEqual([stdout, stderr, status.code], ["3000 9 1 true true\n", "", 0]);
    assert.ok(moves >= 1, `it moved ${moves} times meanwhile`);
  });

  test("a server answers every request of its clients while it wanders", async () => {
    const started = await t.test("a").start(
      `
      const { serve } = globalThis.__godwit.exports;
      let served = 0;
      const server = serve((request) => {
        const { pathname } = new URL(request.url);
        if (pathname !== "/stream") return new Response(pathname + " " + ++served);
        let n = 0;
        return new Response(new ReadableStream({ async pull(controller) {
          await new Promise((resolve) => setTimeout(resolve, 2));
          if (++n > 100) controller.close(); else controller.enqueue(new TextEncoder().encode(n + ";"));
        } }));
      }, { address: "127.0.0.1:0" });
      await server.ready;
      console.log("at " + server.address + ".");
      await new Promise((resolve) => onSignal("SIGTERM", resolve));
      await server.stop();
    `,
      { capabilities: { listen: ["127.0.0.1:0"] } },
    );
    const [, address] = await started.match(/at (.*)\./);
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const clients = (async () => {
      const stream = get(`http://${address}/stream`, agent);
      const counted: number[] = [];
      for (let n = 0; n < 400; n++) {
        const answer = /^200 \/(\d+) (\d+)$/.exec(await get(`http://${address}/${n}`, agent));
        assert.equal(answer?.[1], String(n));
        counted.push(Number(answer[2]));
      }
      assert.deepEqual(
        counted,
        Array.from({ length: 400 }, (_, n) => n + 1),
        "its memory goes along",
      );
      assert.equal(await stream, `200 ${Array.from({ length: 100 }, (_, n) => `${n + 1};`).join("")}`);
    })();
    const moves = await wander(t, "a", started.pid, clients);
    await clients;
    agent.destroy();
    await t.get("a").node.signal(started.pid, "SIGTERM");
    const { stderr, status } = await started.ended;
    assert.deepEqual([stderr, status.code], ["", 0]);
    assert.ok(moves >= 5, `it moved ${moves} times meanwhile`);
  });

  test("a node is drained: what it runs and what it is home to goes on elsewhere, families too", async () => {
    const d = await t.add("d");
    const family = await t.test("d").start(
      `
      const { serve } = globalThis.__godwit.exports;
      register("family");
      const child = fork();
      if (child === 0) {
        const { message } = receive();
        exit(message);
      }
      const server = serve(() => new Response("here"), { address: "127.0.0.1:0" });
      await server.ready;
      console.log("up", child, "at " + server.address + ".");
      const ended = await promises.wait(child);
      console.log("child", ended.code);
      const { message } = await promises.receive();
      console.log("got", message);
      await server.stop();
    `,
      { capabilities: { listen: ["127.0.0.1:0"] } },
    );
    const [, child, address] = await family.match(/up (\d+) at (.*)\./);
    const guest = await t
      .test("a")
      .start(`console.log("up"); const { message } = receive(); console.log("got", message);`);
    await guest.printed("up");
    await t.get("a").migrate(guest.pid, "d");
    assert.equal(await get(`http://${address}/`, new Agent()), "200 here");
    const targets = ["b", "c"];
    d.takesIn = false;
    const elsewhere = assert.rejects(family.ended, { code: "EREMOTE" });
    const report = await drain(
      d,
      () => targets,
      () => {},
    );
    assert.deepEqual([report.left, report.homed], [[], 0]);
    const stays = d.node.table.all().filter(({ exit }) => exit === undefined);
    assert.deepEqual([d.hosting.all().length, stays.length], [0, 0], "nothing is left");
    const home = t.get(t.get("b").node.table.find(family.pid) === undefined ? "c" : "b");
    const watched = new TestNode(home.node, t.folder).watch(family.pid);
    await elsewhere;
    await d.node.stop();
    await t.test(home.node.name).start(`send("family", 7);`);
    await home.node.signal(Number(child), "SIGKILL");
    await watched.printed("child 137");
    const { stdout, stderr, status } = await watched.ended;
    assert.match(stdout, /^up .*\nchild 137\ngot 7\n$/);
    assert.deepEqual([stderr, status.code], ["", 0]);
    await t.get("a").node.signal(guest.pid, "SIGKILL");
    assert.equal((await guest.ended).status.code, 137);
  });

  test("a program moves itself, in the middle of a statement and of many threads", async () => {
    for (const { node } of t.nodes.values()) node.mover = (pid, to) => t.get("a").migrate(pid, to);
    const { stdout, stderr } = await t.test("a").run(`
      const { migrate } = globalThis.__godwit.exports;
      let spins = 0, stop = false;
      const spinner = Thread.create(() => { while (!stop) spins++; });
      const visited = ["b", "c", "a", "b", "a"].map((node) => { const { node: at, epoch } = migrate(node); return at + epoch + self.node; });
      console.log(visited.join(" "), migrate("a").epoch);
      try { migrate("nowhere"); } catch (error) { console.log(error.code); }
      stop = true;
      spinner.join();
    `);
    assert.deepEqual([stdout, stderr], ["b1b c2c a3a b4b a5a 5\nENONODE\n", ""]);
  });

  test("a move is given up from the home, wherever it is from: the process goes on where it was", async () => {
    const started = await t.test("a").start(`console.log("up"); stdin.read(1); console.log(self.node);`);
    await started.printed("up");
    await assert.rejects(t.get("a").cancelMove(started.pid), { code: "EINVAL" });
    await t.get("a").migrate(started.pid, "b");
    await assert.rejects(t.get("a").cancelMove(started.pid), { code: "EINVAL" });
    let cancelled: Promise<MoveReport> | undefined;
    t.sent = (from, to, kind) => {
      if (from === "b" && to === "c" && kind === "move/offer") cancelled = t.get("a").cancelMove(started.pid);
    };
    const report = await t.get("a").migrate(started.pid, "c");
    t.sent = () => {};
    assert.deepEqual([report.outcome, report.reason], ["stayed", "it was cancelled"]);
    assert.deepEqual(await cancelled, report);
    await t.get("a").node.input(started.pid, Buffer.from("."));
    assert.equal((await started.ended).stdout, "up\nb\n");
  });

  test("an offer is refused with a reason, and the process goes on", async () => {
    const started = await t.test("a").start(`console.log("up"); sleep(300); console.log("done");`);
    await started.printed("up");
    await assert.rejects(t.get("a").migrate(started.pid, "nowhere"), { code: "ENONODE" });
    await assert.rejects(t.get("a").migrate(started.pid, "a"), { code: "EINVAL" });
    assert.equal((await started.ended).stdout, "up\ndone\n");
  });
});
