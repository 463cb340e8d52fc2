/** Each command as a user runs it, against a node that the test drives. */

import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, suite, test } from "node:test";
import { startDaemon } from "../../src/node/daemon.ts";
import { type Outcome, type Setting, godwit, start } from "./command.ts";
import { FakeNode } from "./fake-node.ts";
import { temporaryFolder, until } from "./folder.ts";

const TIMEOUT = { timeout: 60_000 };
const PROGRAM = { name: "p.ts", source: "" } as const;

async function setting(
  test: TestContext,
): Promise<{ node: FakeNode; folder: string; at: Required<Pick<Setting, "folder" | "environment">> }> {
  const folder = temporaryFolder(test);
  const socket = join(folder, "s.sock");
  const node = new FakeNode();
  const daemon = await startDaemon(node, { socket, version: "1", log: (line) => assert.fail(line) });
  test.after(async () => {
    await daemon.stop();
    await daemon.ended;
  });
  return { node, folder, at: { folder, environment: { GODWIT_SOCKET: socket } } };
}

function succeeded({ code, stdout, stderr }: Outcome): string {
  assert.equal(code, 0, stderr);
  assert.equal(stderr, "");
  return stdout;
}

suite("commands", () => {
  test("--version and help need no node; usage mistakes are exit 2 with a hint", TIMEOUT, async (t) => {
    const version = JSON.parse(readFileSync("package.json", "utf8")).version;
    assert.equal(succeeded(await godwit(t, ["--version"])), `${version}\n`);
    assert.match(succeeded(await godwit(t, ["--help"])), /checkpoint +Save a process/);
    assert.equal(succeeded(await godwit(t, ["help", "ps"])), succeeded(await godwit(t, ["ps", "--help"])));
    for (const [args, hint] of [
      [[], /^Usage: godwit COMMAND/],
      [["rnu"], /^godwit: unknown command 'rnu'; did you mean "run"\? \(see "godwit --help"\)\n$/],
      [["help", "chekpoint"], /unknown command 'chekpoint'; did you mean "checkpoint"/],
      [["run"], /missing required argument 'file' \(see "godwit run --help"\)/],
      [["kill", "seven"], /"seven" is no pid/],
      [["ps", "--al"], /unknown option '--al'.*--all/],
    ] as const) {
      const outcome = await godwit(t, args);
      assert.equal(outcome.code, 2, outcome.stderr);
      assert.match(outcome.stderr, hint);
      assert.equal(outcome.stdout, "");
    }
    const json = await godwit(t, ["ps", "--json", "--nope"]);
    assert.equal(json.code, 2);
    assert.equal(JSON.parse(json.stderr).error.code, "EINVAL");
  });

  test("without a node: exit 1, and what to do", TIMEOUT, async (t) => {
    const folder = temporaryFolder(t);
    const at = { environment: { GODWIT_SOCKET: join(folder, "none.sock") } };
    for (const args of [["ps"], ["kill", "1"], ["logs", "1"], ["inspect", "1"], ["stop"], ["top"]]) {
      const outcome = await godwit(t, args, at);
      assert.equal(outcome.code, 1);
      assert.match(outcome.stderr, /^godwit: no node is running at .*none\.sock: start one with `godwit up`\n$/);
    }
    const json = await godwit(t, ["ps", "--json"], at);
    assert.equal(JSON.parse(json.stderr).error.code, "ENONODE");
    assert.equal((await godwit(t, ["attach", "1"], at)).code, 125);
  });

  test("ps: a table, ended ones with --all, JSON", TIMEOUT, async (t) => {
    const { node, at } = await setting(t);
    node.add(PROGRAM);
    node.get(node.add({ name: "bad\u001b[2J.ts", source: "" })).end({ pid: 2, code: 3 });
    const lines = succeeded(await godwit(t, ["ps"], at))
      .trimEnd()
      .split("\n");
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? "", /^PID +PARENT +STATE +NODE +LWP +THREADS +MEMORY +CPU +AGE +MAIL +EPOCH +NAME$/);
    assert.match(lines[1] ?? "", /^ +1 +0 +running .* 1 MiB +10ms .* p\.ts$/);
    const all = succeeded(await godwit(t, ["ps", "-a"], at));
    assert.match(all, /ended \(exit 3\).*bad\ufffd\[2J\.ts/);
    const json = JSON.parse(succeeded(await godwit(t, ["ps", "--all", "--json"], at)));
    assert.deepEqual(json, await node.list());
  });

  test("top: one look when nobody watches, JSON lines", TIMEOUT, async (t) => {
    const { node, at } = await setting(t);
    node.add(PROGRAM);
    assert.match(succeeded(await godwit(t, ["top"], at)), /^Node fake: 1 process \(1 running\), 1 MiB\n\n *PID +CPU%/);
    const lines = succeeded(await godwit(t, ["top", "--json", "-n", "2", "-i", "100ms"], at))
      .trimEnd()
      .split("\n");
    assert.equal(lines.length, 2);
    for (const line of lines) assert.equal(JSON.parse(line)[0].cpuPercent, 0);
  });

  test("signal, kill, pause, resume: quiet, several at once, each failure told", TIMEOUT, async (t) => {
    const { node, at } = await setting(t);
    node.add(PROGRAM);
    node.add(PROGRAM);
    assert.equal(succeeded(await godwit(t, ["signal", "usr1", "1", "2"], at)), "");
    assert.deepEqual(node.get(2).signals, ["SIGUSR1"]);
    assert.equal(succeeded(await godwit(t, ["pause", "1"], at)), "");
    assert.equal(node.get(1).state, "paused");
    assert.equal(succeeded(await godwit(t, ["resume", "--json", "1"], at)), '{"pids":[1]}\n');
    assert.equal(node.get(1).state, "running");
    const mixed = await godwit(t, ["kill", "9", "1", "8", "2"], at);
    assert.equal(mixed.code, 1);
    assert.equal(mixed.stderr, "godwit: there is no process 9\ngodwit: there is no process 8\n");
    assert.deepEqual(node.get(1).signals.at(-1), "SIGKILL");
    assert.deepEqual(node.get(2).signals.at(-1), "SIGKILL");
  });

  test("logs: streams apart, what is kept, following to the end, JSON", TIMEOUT, async (t) => {
    const { node, at } = await setting(t);
    node.add(PROGRAM);
    await node.write(1, "stdout", "out é");
    await node.write(1, "stderr", "err\n");
    const kept = await godwit(t, ["logs", "1"], at);
    assert.deepEqual([kept.code, kept.stdout, kept.stderr], [0, "out é", "err\n"]);
    const json = succeeded(await godwit(t, ["logs", "--json", "1"], at))
      .trimEnd()
      .split("\n");
    assert.deepEqual(
      json.map((line) => JSON.parse(line)),
      [
        { stream: "stdout", text: "out é" },
        { stream: "stderr", text: "err\n" },
      ],
    );
    const following = start(t, ["logs", "-f", "1"], at);
    await following.wrote("out é");
    await node.write(1, "stdout", " and more");
    node.get(1).end({ pid: 1, code: 4 });
    assert.deepEqual(await following.ended, { code: 0, signal: null, stdout: "out é and more", stderr: "err\n" });
    assert.equal((await godwit(t, ["logs", "7"], at)).stderr, "godwit: there is no process 7\n");
  });

  test("attach: input and output, the program's exit code", TIMEOUT, async (t) => {
    const { node, at } = await setting(t);
    node.add(PROGRAM);
    await node.write(1, "stdout", "before;");
    const attached = start(t, ["attach", "1"], at);
    await until(() => node.get(1).subscribers.size === 1);
    await node.write(1, "stdout", "after;");
    await attached.wrote("after;");
    attached.child.stdin.end("typed");
    await until(() => node.get(1).input.at(-1) === null);
    assert.equal(node.get(1).input.slice(0, -1).join(""), "typed");
    node.get(1).end({ pid: 1, code: 42 });
    assert.deepEqual(await attached.ended, { code: 42, signal: null, stdout: "after;", stderr: "" });
  });

  test("attach: Ctrl-C reaches the program, twice kills it; leaving leaves it", TIMEOUT, async (t) => {
    const { node, at } = await setting(t);
    node.add(PROGRAM);
    const leaver = start(t, ["attach", "1"], at);
    await until(() => node.get(1).subscribers.size === 1);
    leaver.child.kill("SIGQUIT");
    assert.equal((await leaver.ended).code, 0);
    const closed = start(t, ["attach", "1"], at);
    await until(() => node.get(1).subscribers.size === 1);
    closed.child.kill("SIGHUP");
    assert.equal((await closed.ended).code, 129);
    assert.equal(node.get(1).state, "running");
    const attached = start(t, ["attach", "--no-input", "1"], at);
    await until(() => node.get(1).subscribers.size === 1);
    attached.child.kill("SIGINT");
    await until(() => node.get(1).signals.length === 1);
    attached.child.kill("SIGINT");
    assert.equal((await attached.ended).code, 137);
    assert.deepEqual(node.get(1).signals, ["SIGINT", "SIGKILL"]);
    assert.deepEqual(node.get(1).input, [], "leaving does not end its input");
  });

  test("inspect: regions, threads and their stacks, resources, mailbox", TIMEOUT, async (t) => {
    const { node, at } = await setting(t);
    node.add(PROGRAM);
    const text = succeeded(await godwit(t, ["inspect", "1"], at));
    for (const part of [
      /^process +1 \(parent 0, epoch 0\)$/m,
      /^may read +all$/m,
      /^may write +nothing$/m,
      /^heap +0x00010000 +0x00100000 +960 KiB +4 KiB +up to 0x10000000$/m,
      /^1 {2}main: blocked in sleep, priority 5/m,
      /^ {4}at wait \(wait\.ts:3:5\)$/m,
      /^ +0|0 +stdin +fixed +type +standard input$/m,
    ]) {
      assert.match(text, part);
    }
    assert.deepEqual(JSON.parse(succeeded(await godwit(t, ["inspect", "1", "--json"], at))), await node.inspect(1));
  });

  test("fork, checkpoint and restore", TIMEOUT, async (t) => {
    const { node, at, folder } = await setting(t);
    node.add(PROGRAM);
    assert.equal(succeeded(await godwit(t, ["fork", "1"], at)), "2\n");
    assert.equal(succeeded(await godwit(t, ["fork", "1", "--json"], at)), '{"pid":3,"parent":1}\n');
    writeFileSync(join(folder, "p.image"), "old", { mode: 0o644 });
    assert.equal(succeeded(await godwit(t, ["checkpoint", "1", "-o", "p.image"], at)), "p.image: 8 B\n");
    assert.equal(readFileSync(join(folder, "p.image"), "utf8"), "an image");
    assert.equal(statSync(join(folder, "p.image")).mode & 0o777, 0o600, "an image is its owner's alone");
    const args = ["restore", "-d", "--allow-read=.", "--memory", "8M", "p.image"];
    assert.equal(succeeded(await godwit(t, args, at)), "4\n");
    assert.equal(node.images.toString(), "an image");
    assert.deepEqual(node.get(4).options, {
      capabilities: { read: [folder] },
      environment: {},
      quotas: { memoryBytes: 8 * 2 ** 20 },
      workingDirectory: folder,
    });
    const missing = await godwit(t, ["checkpoint", "1", "-o", "no/such/folder.image"], at);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /cannot write no\/such\/folder\.image: there is no such file or folder/);
    assert.equal((await godwit(t, ["restore", "gone.image"], at)).code, 127);
    const notOne = await godwit(t, ["inspect", "p.image"], at);
    assert.equal(notOne.code, 1);
    assert.match(notOne.stderr, /image/);
  });

  test("stop: the node is gone when it returns", TIMEOUT, async (t) => {
    const { node, at } = await setting(t);
    assert.equal(succeeded(await godwit(t, ["stop"], at)), "Node fake has stopped.\n");
    assert.equal(node.stops, 1);
    assert.equal((await godwit(t, ["ps"], at)).code, 1);
  });
});
