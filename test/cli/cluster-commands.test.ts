/** The commands about nodes and moves, against a node that the test drives. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, suite, test } from "node:test";
import type { ClusterEvent } from "../../src/abi/control.ts";
import { startDaemon } from "../../src/node/daemon.ts";
import { godwit, start } from "./command.ts";
import { FakeNode } from "./fake-node.ts";
import { temporaryFolder, until } from "./folder.ts";

const TIMEOUT = { timeout: 60_000 };

async function setting(t: TestContext) {
  const folder = temporaryFolder(t, { "p.ts": "1" });
  const socket = join(folder, "s.sock");
  const node = new FakeNode();
  const daemon = await startDaemon(node, { socket, version: "1", log: (line) => assert.fail(line) });
  t.after(async () => {
    await daemon.stop();
    await daemon.ended;
  });
  return { node, at: { folder, environment: { GODWIT_SOCKET: socket } } };
}

suite("commands of a cluster", () => {
  test("nodes: a table, JSON", TIMEOUT, async (t) => {
    const { node, at } = await setting(t);
    const { stdout } = await godwit(t, ["nodes"], at);
    assert.match(
      stdout,
      /^NODE +STATE +PROCESSES +LWPS +CPU +MEMORY +AGE +HOST +VERSION\nfake +up +0 +2 +13% +64 MiB .* here:1 +1\n$/,
    );
    assert.deepEqual(JSON.parse((await godwit(t, ["nodes", "--json"], at)).stdout), await node.nodes());
  });

  test("lookup: opens, lists and closes", TIMEOUT, async (t) => {
    const { at } = await setting(t);
    const at1 = "dns://127.0.0.1:5300";
    const opened = await godwit(t, ["lookup", "web", "--on", at1], at);
    assert.deepEqual([opened.code, opened.stdout], [0, `Node fake answers at ${at1}.\n`], opened.stderr);
    const listed = await godwit(t, ["lookup"], at);
    assert.equal(listed.stdout, `AT                    NODE  ZONE  SERVICES\n${at1}  fake        web\n`);
    const closed = await godwit(t, ["lookup", "--close", at1], at);
    assert.equal(closed.stdout, `Node fake does not answer at ${at1} any more.\n`);
    const again = await godwit(t, ["lookup", "--close", at1], at);
    assert.deepEqual([again.code, /no lookup is open at/.test(again.stderr)], [1, true]);
    assert.deepEqual(JSON.parse((await godwit(t, ["lookup", "--json"], at)).stdout), []);
    for (const words of [["web"], ["--zone", "z"], ["--on", at1, "--close", at1]])
      assert.equal((await godwit(t, ["lookup", ...words], at)).code, 2, words.join(" "));
  });

  test("expose, services, unexpose: what was asked for, what there is, what is gone", TIMEOUT, async (t) => {
    const { node, at } = await setting(t);
    const exposed = await godwit(
      t,
      ["expose", "web", "--on", "http://127.0.0.1:8080", "--policy", "local", "--pass-on", "relay"],
      at,
    );
    assert.deepEqual([exposed.code, exposed.stderr], [0, ""]);
    assert.equal(exposed.stdout, "Service web is at http://127.0.0.1:8080, by node fake.\n");
    const listed = await godwit(t, ["services"], at);
    assert.equal(
      listed.stdout,
      "SERVICE  PID  HOME  FOR   OPEN\nweb        1  fake  http     3\n\n" +
        "SERVICE  AT                     POLICY  NODE  PASSED ON  STATE\n" +
        "web      http://127.0.0.1:8080  local   fake  relay      holds it\n" +
        "web      http://127.0.0.1:8080  local   n9               not there\n",
    );
    assert.deepEqual(JSON.parse((await godwit(t, ["services", "--json"], at)).stdout), await node.services());
    const bare = await godwit(t, ["expose", "web", "--on", "tls://127.0.0.1:8443", "--cert", "c.pem"], at);
    assert.deepEqual([bare.code, bare.stdout], [2, ""]);
    const nameless = await godwit(t, ["expose", "Web", "--on", "http://127.0.0.1:8080"], at);
    assert.equal(nameless.code, 1);
    assert.match(nameless.stderr, /must be a name of letters, digits and dashes/);
    const gone = await godwit(t, ["unexpose", "web"], at);
    assert.equal(gone.stdout, "Service web is not at http://127.0.0.1:8080 any more.\n");
    const again = await godwit(t, ["unexpose", "web", "--on", "http://127.0.0.1:1"], at);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /is not exposed at http:\/\/127.0.0.1:1: see/);
  });

  test(
    "migrate --dry-run: a row for each resource, and whether it can be moved, by exit code too",
    TIMEOUT,
    async (t) => {
      const { node, at } = await setting(t);
      node.add({ name: "p.ts", source: "" });
      const plan = await godwit(t, ["migrate", "--dry-run", "1", "b"], at);
      assert.deepEqual([plan.code, plan.stderr], [0, ""]);
      assert.equal(
        plan.stdout,
        "handle  kind  attached  bound by  action    resource          why\n" +
          "     3  file  fastened  value     GR refer  big\ufffd[2J.txt at 7  it stays; not CP: it is too large\n" +
          "It can be moved.\n",
      );
      const stuck = await godwit(t, ["migrate", "--dry-run", "1", "full"], at);
      assert.equal(stuck.code, 1);
      assert.match(stuck.stdout, /none +big.* GR: gone\nIt cannot be moved: handle 3\n$/);
      const json = await godwit(t, ["migrate", "--dry-run", "--json", "1", "b"], at);
      assert.deepEqual(JSON.parse(json.stdout), await node.planMove(1, "b"));
    },
  );

  test("migrate: what was done, or why it was not, by exit code too", TIMEOUT, async (t) => {
    const { node, at } = await setting(t);
    node.add({ name: "p.ts", source: "" });
    const moved = await godwit(t, ["migrate", "1", "b"], at);
    assert.deepEqual([moved.code, moved.stderr], [0, ""]);
    const what = "2 rounds, 80 pages, 64 KiB, 20.0 ms in all";
    assert.equal(moved.stdout, `1 p.ts: fake -> b, stopped for 1.3 ms; ${what}; epoch 1\n`);
    const stayed = await godwit(t, ["migrate", "1", "full"], at);
    assert.equal(stayed.code, 1);
    assert.equal(stayed.stdout, `1 p.ts: not moved from fake to full: node full has no room (${what})\n`);
    assert.deepEqual(
      JSON.parse((await godwit(t, ["migrate", "1", "b", "--json"], at)).stdout),
      await node.migrate(1, "b"),
    );
    const cancelled = await godwit(t, ["migrate", "--cancel", "1"], at);
    assert.deepEqual([cancelled.code, cancelled.stdout], [0, stayed.stdout]);
    for (const name of ["q.ts", "r.ts"]) node.add({ name, source: "" });
    const resting = await godwit(t, ["migrate", "--cancel", "2"], at);
    assert.deepEqual([resting.code, resting.stderr], [1, "godwit: process 2 is not being moved\n"]);
    const late = await godwit(t, ["migrate", "--cancel", "3", "--json"], at);
    assert.deepEqual([late.code, JSON.parse(late.stdout).outcome], [1, "moved"]);
    for (const usage of [["1"], ["--cancel", "1", "b"], ["--cancel", "--weak", "1"]])
      assert.equal((await godwit(t, ["migrate", ...usage], at)).code, 2);
    const missing = await godwit(t, ["migrate", "9", "b", "--json"], at);
    assert.deepEqual([missing.code, JSON.parse(missing.stderr).error.code], [1, "ESRCH"]);
  });

  test("drain: every move, what is left, and what becomes of the node", TIMEOUT, async (t) => {
    const { node, at } = await setting(t);
    node.add({ name: "p.ts", source: "" });
    const drained = await godwit(t, ["drain", "fake"], at);
    assert.equal(drained.code, 0);
    assert.match(
      drained.stdout,
      /^1 p\.ts: fake -> other, .*\nNode fake runs nothing any more\. It leaves when the 2 /,
    );
    const stuck = await godwit(t, ["drain", "stuck"], at);
    assert.equal(stuck.code, 1);
    assert.match(stuck.stdout, /\n1 p\.ts stays: no room\nNode stuck could not be drained, and goes on\.\n$/);
  });

  test("events: what is remembered, and with -f what happens", TIMEOUT, async (t) => {
    const { node, at } = await setting(t);
    const happened: ClusterEvent[] = [
      { kind: "joined", atMs: 0, node: "n1" },
      { kind: "started", atMs: 1001, node: "n1", pid: 1, parent: 0, name: "bad\u001b[2J.ts" },
      { kind: "ended", atMs: 2000, node: "n1", pid: 1, name: "p.ts", status: { pid: 1, code: 137, signal: "SIGKILL" } },
      { kind: "died", atMs: 3000, node: "n1" },
    ];
    node.past.push(...happened);
    const { stdout } = await godwit(t, ["events"], at);
    assert.deepEqual(stdout.split("\n"), [
      "00:00:00.000  n1        joined",
      "00:00:01.001  n1        started  1 bad\ufffd[2J.ts",
      "00:00:02.000  n1        ended    1 p.ts: SIGKILL",
      "00:00:03.000  n1        died",
      "",
    ]);
    const following = start(t, ["events", "-f", "--json"], at);
    await until(() => node.listeners.size > 0);
    await following.wrote('"died"');
    for (const listener of node.listeners) listener({ kind: "joined", atMs: 4000, node: "n2" });
    await following.wrote('"n2"');
    assert.deepEqual(
      following.stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
      [...happened, { kind: "joined", atMs: 4000, node: "n2" }],
    );
    following.child.kill("SIGINT");
    await until(() => node.listeners.size === 0);
  });

  test("--node: where a program, a copy or an image goes on; only with --detach", TIMEOUT, async (t) => {
    const { node, at } = await setting(t);
    assert.equal((await godwit(t, ["run", "-d", "--node", "b", "p.ts"], at)).stdout, "1\n");
    assert.equal(node.get(1).options.node, "b");
    assert.equal((await godwit(t, ["fork", "--node", "c", "1"], at)).stdout, "2\n");
    assert.deepEqual(node.forkedTo, ["c"]);
    const { code, stderr } = await godwit(t, ["run", "--node", "b", "p.ts"], at);
    assert.equal(code, 2);
    assert.match(stderr, /--node is for --detach/);
  });
});
