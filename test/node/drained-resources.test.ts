/** What processes have open on a node that is drained, wherever they run and are at home. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { drain } from "../../src/node/drain.ts";
import { type TestCluster, withCluster } from "./bench-cluster.ts";
import { TestNode } from "./bench-node.ts";

// Nobody else's files are there.
const temporary = mkdtempSync(join(tmpdir(), "godwit-test-"));
process.env["TMPDIR"] = temporary;
after(() => rmSync(temporary, { recursive: true, force: true }));

const LIBRARY = `const { scratch, exists } = globalThis.__godwit.exports;
const text = (file, n = 100) => new TextDecoder().decode(file.read(n));
const tried = (act) => { try { return act(); } catch (error) { return error.code + ": " + error.message; } };
const step = (n) => { console.log("at " + n); stdin.read(1); };
`;

function empty(t: TestCluster, name: string, options: { force?: boolean; dryRun?: boolean } = {}) {
  const targets = ["a", "b", "c"];
  return drain(
    t.get(name),
    () => targets,
    () => {},
    options,
  );
}

/** What its new home has it print, to its end. */
async function go(t: TestCluster, home: string, pid: number): Promise<string> {
  const watched = new TestNode(t.get(home).node, t.folder).watch(pid);
  await t.get(home).node.input(pid, Buffer.from("."));
  const { stdout, stderr } = await watched.ended;
  assert.equal(stderr, "");
  return stdout;
}

await withCluster(["a", "b", "c"], (t) => {
  const place = (name: string) => join(t.folder, name);
  const all = { read: [t.folder], write: [t.folder] };

  test("directories and copies follow a process whose home is drained, with what is open in them", async () => {
    writeFileSync(place("value.txt"), "original");
    writeFileSync(place("type.txt"), "any will do");
    const home = await t.add("d");
    const started = await t.test("d").start(
      `${LIBRARY}
      const work = scratch({ binding: "identifier" });
      writeFile(work.join("note"), "kept"); makeDirectory(work.join("deep")); writeFile(work.join("deep/note"), "too");
      const log = open(work.join("log"), { read: true, write: true, create: true }); log.write("one ");
      step(1);
      log.write("two ");
      const copy = open("value.txt", { read: true, write: true, binding: "value" }); copy.seek(4);
      const any = open("type.txt", { read: true, binding: "type" }); text(any, 4);
      step(2);
      log.write("three"); copy.write("INAL"); copy.seek(0); log.seek(0);
      console.log([readFile(work.join("note"), "utf-8"), readFile(work.join("deep/note"), "utf-8"), text(log), text(copy), text(any)].join("|"));
      writeFile(work.join("more"), "!"); console.log(exists(work.join("more")));
      `.replace("const { scratch, exists }", "const { scratch, exists, makeDirectory }"),
      { capabilities: all },
    );
    await started.printed("at 1\n");
    assert.equal((await home.migrate(started.pid, "b")).outcome, "moved");
    await home.node.input(started.pid, Buffer.from("."));
    await started.printed("at 2\n");
    assert.ok(home.files.count >= 3, "they are open at its home");

    const planned = await empty(t, "d", { dryRun: true });
    assert.deepEqual(planned.left, []);
    assert.deepEqual(
      planned.plans.map(({ pid, node, plan }) => [
        pid,
        node,
        plan.rows.slice(3).map(({ kind, action }) => `${kind} ${action}`),
      ]),
      [[started.pid, "b", ["scratch MV", "file MV", "file CP", "file RB"]]],
    );
    assert.ok(home.files.count >= 3, "a plan changes nothing");

    const elsewhere = assert.rejects(started.ended, { code: "EREMOTE" });
    const report = await empty(t, "d");
    assert.deepEqual([report.left, report.homed, home.files.count], [[], 0, 0]);
    await elsewhere;
    await home.node.stop();
    t.sever("d", "b");
    const printed = await go(t, "b", started.pid);
    assert.match(printed, /kept\|too\|one two three\|origINAL\|will do\ntrue\n$/);
    assert.equal(readFileSync(place("value.txt"), "utf8"), "original");
    const left = () => readdirSync(temporary).filter((name) => /^godwit-[0-9a-f]{8}-/.test(name));
    const untilMs = performance.now() + 5000;
    while (left().length > 0 && performance.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(left(), []);
  });

  test("who holds a file of the node by its identity is told of before anything is moved; forced, it breaks", async () => {
    const d = await t.add("e");
    // At home on a, it opens a file on e, and runs on b.
    const holder = await t.test("a").start(
      `${LIBRARY}
      step(1);
      const here = open("held.txt", { read: true, write: true, create: true, node: "here" });
      const work = scratch({ binding: "identifier" }); writeFile(work.join("note"), "kept");
      here.write("abc"); step(2);
      console.log(tried(() => here.write("e")), "/", tried(() => here.read(1)), "/", readFile(work.join("note"), "utf-8"));
      here.close();
      console.log("goes on");`,
      { capabilities: all },
    );
    await holder.printed("at 1\n");
    await t.get("a").migrate(holder.pid, "e");
    await t.get("a").node.input(holder.pid, Buffer.from("."));
    await holder.printed("at 2\n");
    await t.get("a").migrate(holder.pid, "b");
    const bystander = await t.test("e").start(`${LIBRARY} step(1); console.log("went");`, { capabilities: {} });
    await bystander.printed("at 1\n");

    const refused = await empty(t, "e");
    assert.deepEqual(refused.moves, []);
    assert.deepEqual(
      refused.left.map(({ pid, name }) => [pid, name]),
      [[holder.pid, "program.js"]],
    );
    assert.match(refused.left[0]?.reason ?? "", /handle 3 \(file, .*held\.txt.*node e, which has it, goes away/);
    const plan = refused.plans.find(({ pid }) => pid === holder.pid);
    assert.equal(plan?.node, "b");
    assert.deepEqual(
      plan?.plan.rows.slice(3).map(({ kind, action }) => `${kind} ${action}`),
      ["file undefined", "scratch MV"],
    );
    assert.equal(d.files.count, 2, "it has them still");
    assert.ok(d.node.table.find(bystander.pid)?.lwp.nodeName === "e", "nothing was moved");

    const forced = await empty(t, "e", { force: true });
    assert.deepEqual([forced.left, forced.homed, d.files.count], [[], 0, 0]);
    await t.get("a").node.input(holder.pid, Buffer.from("."));
    const { stdout, stderr } = await holder.ended;
    assert.equal(stderr, "");
    const lost = "ENONODE: it was on node e, which has left: open it anew";
    assert.equal(stdout, `at 1\nat 2\n${lost} / ${lost} / kept\ngoes on\n`);
    assert.equal(readFileSync(place("held.txt"), "utf8"), "abc");
    await d.node.stop();
  });

  test("what is taken is what the process may read, and no more than may be taken along", async () => {
    writeFileSync(place("secret.txt"), "s");
    const d = await t.add("f");
    const started = await t.test("f").start(
      `${LIBRARY} step(1);
       const log = open("secret.txt", { write: true, binding: "value" }); step(2);
       console.log(tried(() => log.write("x")));`,
      { capabilities: { read: [], write: [t.folder] } },
    );
    await started.printed("at 1\n");
    await d.migrate(started.pid, "b");
    await d.node.input(started.pid, Buffer.from("."));
    await started.printed("at 2\n");
    const refused = await empty(t, "f");
    assert.match(refused.left[0]?.reason ?? "", /read access to .*secret\.txt was not given/);
    assert.equal(d.files.count, 1, "it has it still");
    // A peer asks for processes that it does not run.
    const link = await t.get("b").links.to("c");
    await assert.rejects(link.request("host/retrieve", { pid: started.pid, isForced: true }), { code: "ESRCH" });
    await assert.rejects(link.request("host/retrieve", { pid: "x", isForced: true }), { code: "EPROTO" });
    const elsewhere = assert.rejects(started.ended, { code: "EREMOTE" });
    const forced = await empty(t, "f", { force: true });
    assert.deepEqual([forced.left, d.files.count], [[], 0]);
    await elsewhere;
    assert.match(await go(t, "b", started.pid), /EACCES/);
    await d.node.stop();
  });
});
