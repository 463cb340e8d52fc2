/** Parents, children, orphans: quotas that hold across generations, and nothing kept of those that are gone. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { ENDED_PROCESSES_MAX, LOG_MAX_BYTES, NAMES_MAX } from "../../src/limits.ts";
import { Account } from "../../src/node/account.ts";
import { OutputLog } from "../../src/node/output-log.ts";
import { startNode } from "../../src/node/node.ts";
import { withNode } from "./bench-node.ts";

await withNode({ lwps: 2 }, (t) => {
  async function settled(): Promise<void> {
    while ((await t.node.list()).some(({ state }) => state !== "ended"))
      await new Promise((resolve) => setImmediate(resolve));
  }

  test("a chain of orphans leaves no trace of its ancestors", async () => {
    const { pid } = await t.run(`let n = 0; while (n < 150 && fork({ threads: "caller" }) === 0) n++;`);
    await settled();
    const entries = t.node.table.all().filter((entry) => entry.pid > pid);
    assert.equal(entries.length, 150);
    for (const entry of entries) {
      assert.equal(entry.ancestor, undefined);
      assert.equal(entry.heirs.size, 0);
    }
  });

  test("the quota of processes holds although those in between have ended", async () => {
    const { pid } = await t.run(
      `if (fork() === 0) { if (fork() === 0) { let n = 0; let code = ""; while (n < 3) { try { for (;;) { if (fork() === 0) sleep(1e6); n++; } } catch (e) { code = e.code; } sleep(1); } writeFile("forks", n + " " + code); sleep(1e6); } sleep(20); }`,
      { quotas: { processesMax: 5 }, capabilities: { write: [t.folder] } },
    );
    for (;;) {
      const living = (await t.node.list()).filter((one) => one.pid > pid && one.state !== "ended");
      assert.ok(living.length <= 5);
      // The one in the middle and the first have ended: the others are as many as are allowed.
      let text = "";
      try {
        text = readFileSync(join(t.folder, "forks"), "utf8");
      } catch {}
      if (text === "") continue;
      assert.match(text, /^[34] EPROCLIM$/);
      for (const one of living) await t.node.signal(one.pid, "SIGKILL").catch(() => {});
      break;
    }
    await settled();
  });

  test("a chain of accounts is as long as quotas get narrower, not as there are generations", () => {
    const root = Account.of(1, 3, undefined);
    assert.equal(Account.of(2, 3, root), root);
    const narrower = Account.of(3, 2, root);
    narrower.add(1);
    narrower.add(1);
    assert.throws(() => narrower.checkRoom(), /process 3 may have 2/);
    root.checkRoom();
    root.add(1);
    assert.throws(() => root.checkRoom(), /process 1 may have 3/);
    narrower.add(-1);
    narrower.checkRoom();
  });

  test("a child that a user forks can be killed before it is there", async () => {
    const parent = await t.start(`console.log("up"); for (;;);`);
    await parent.printed("up");
    for (let i = 0; i < 20; i++) {
      const child = await t.node.fork(parent.pid);
      await t.node.signal(child, "SIGKILL");
      assert.equal((await t.node.wait(child)).code, 137);
    }
    const forking = t.node.fork(parent.pid);
    const child = Math.max(...t.node.table.all().map(({ pid }) => pid));
    await t.node.signal(parent.pid, "SIGKILL");
    await forking.then(
      (pid) => t.node.signal(pid, "SIGKILL"),
      () => {},
    );
    await parent.ended;
    assert.ok((t.node.table.find(child)?.held ?? undefined) === undefined);
    await settled();
  });

  test("a fork whose parent is killed leaves no child that is neither alive nor dead", async () => {
    for (let i = 0; i < 20; i++) {
      const parent = await t.start(`console.log("up"); for (;;) fork();`, { quotas: { processesMax: 8 } });
      await parent.printed("up");
      await t.node.signal(parent.pid, "SIGKILL");
      await parent.ended;
      for (;;) {
        const living = t.node.table.all().filter(({ exit }) => exit === undefined);
        if (living.length === 0) break;
        for (const { pid } of living) await t.node.signal(pid, "SIGKILL").catch(() => {});
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  });

  test("names are bounded, and free again when their process ends", async () => {
    const program = `let n = 0; try { for (;;) register("name" + n++); } catch (e) { console.log(n - 1, e.code); }`;
    for (let i = 0; i < 2; i++) assert.equal((await t.run(program)).stdout, `${NAMES_MAX} ENOSPC\n`);
  });

  test("a child does not outlive what was left of its parent's time", async () => {
    writeFileSync(
      join(t.folder, "chain.ts"),
      `import { spawn, sleep } from "godwit";\nsleep(100); spawn("chain.ts"); for (;;) sleep(1);\n`,
    );
    const started = performance.now();
    await t.run(`spawn("chain.ts"); for (;;) sleep(1);`, {
      quotas: { timeoutMs: 400 },
      capabilities: { run: [t.folder] },
    });
    await settled();
    assert.ok(performance.now() - started < 3000, `${performance.now() - started} ms`);
  });

  test("a rejected call tells its code", async () => {
    const { stdout } = await t.run(
      `try { await promises.readFile("nothing") } catch (e) { console.log(e.code, e.message.includes("nothing")) }`,
      { capabilities: { read: [t.folder] } },
    );
    assert.equal(stdout, "ENOENT true\n");
  });

  test("ended processes are remembered up to a bound", async () => {
    const { pid } = await t.run(
      `for (let i = 0; i < ${ENDED_PROCESSES_MAX + 50}; i++) wait(fork({ threads: "caller" }) || exit(0));`,
    );
    assert.equal(t.node.table.all().length, ENDED_PROCESSES_MAX);
    assert.notEqual(t.node.table.find(pid), undefined);
  });
});

test("many small pieces of output are bounded in the log", () => {
  let taken = 0;
  const log = new OutputLog((sizeBytes) => (taken += sizeBytes));
  for (let i = 0; i < 100_000; i++) log.push("stdout", new Uint8Array(1));
  let pieces = 0;
  log.subscribe(true, () => pieces++);
  assert.equal(taken, 100_000);
  assert.ok(pieces > 100 && pieces * 256 <= LOG_MAX_BYTES, `${pieces} pieces`);
});

test("a node that is stopped tells everybody who waits", async () => {
  const node = await startNode({ name: "stopped", lwps: 2 });
  const pids = await Promise.all(
    [`for (;;);`, `globalThis.__godwit.exports.sleep(1e9)`].map((source) => node.spawn({ name: "p.js", source })),
  );
  const waits = Promise.all(pids.map((pid) => node.wait(pid)));
  await node.stop();
  assert.deepEqual(
    (await waits).map(({ code, reason }) => `${code} ${reason ?? ""}`),
    ["137 the node stopped", "137 the node stopped"],
  );
  await assert.rejects(node.spawn({ name: "p.js", source: "" }), { code: "ECANCELED" });
});
