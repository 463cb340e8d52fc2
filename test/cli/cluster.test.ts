/** Several nodes on one machine, as a user runs them: each an OS process, which may die. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, suite, test } from "node:test";
import type { ClusterEvent, NodeInfo, ProcessInfo } from "../../src/abi/control.ts";
import { type NodeClient, connect } from "../../src/client/node-client.ts";
import { type Outcome, type Running, type Setting, godwit, start } from "./command.ts";
import { temporaryFolder } from "./folder.ts";

const TIMEOUT = { timeout: 120_000 };

/** Counts for ever; it goes on where it was, or it does not print the next number. */
const COUNTER = `
let n = 0;
for (;;) { for (let i = 0; i < 200000; i++) n++; console.log("at", n / 200000); }
`;
/** Ends when it is told to, and says what it was told before. */
const LISTENER = `
import { stdin } from "godwit";
console.log("ready");
const text = stdin.readText();
console.log("heard", text.length, text === "abc\\n".repeat(25000));
`;

/** Adds what it is sent by name, up to 200 numbers, and tells the sum to another name. */
const ADDER = `
import { receive, register, send } from "godwit";
register("adder");
console.log("ready");
let sum = 0, last = 0;
for (let n = 0; n < 200; n++) {
  const { message } = receive();
  if (message !== last + 1) throw new Error("got " + message + " after " + last);
  last = message;
  sum += message;
}
send("asker", sum);
`;
const ASKER = `
import { lookup, receive, register, send, sleep } from "godwit";
register("asker");
try { register("adder"); } catch (error) { console.log(error.code); }
while (lookup("adder") === undefined) sleep(5);
for (let n = 1; n <= 200; n++) { send("adder", n); sleep(2); }
console.log("sum", receive().message);
`;

const NUMBERS = 10_000;
const MOVES = 100;
/** Takes numbers by name, and stops at the first that is missing, there twice, or out of turn. */
const TAKER = `
import { exit, receive, register } from "godwit";
register("numbers");
console.log("ready");
for (let n = 0; n < ${NUMBERS}; n++) {
  const { message } = receive();
  if (message !== n) { console.log("expected", n, "and got", message); exit(1); }
  if (n % ${NUMBERS / MOVES} === 0) console.log("at " + n + ";");
}
console.log("all");
`;
const GIVER = `
import { send, sleep } from "godwit";
for (let n = 0; n < ${NUMBERS}; n++) {
  for (;;) try { send("numbers", n); break; } catch (error) { if (error.code !== "ENOSPC") throw error; sleep(1); }
}
console.log("sent");
`;

interface Cluster {
  readonly up: Running;
  readonly client: NodeClient;
  readonly at: Required<Pick<Setting, "folder" | "environment">>;
  readonly nodes: () => Promise<Map<string, NodeInfo>>;
}

async function cluster(t: TestContext, ...flags: readonly string[]): Promise<Cluster> {
  const folder = temporaryFolder(t, {
    "counter.ts": COUNTER,
    "listener.ts": LISTENER,
    "adder.ts": ADDER,
    "asker.ts": ASKER,
    "giver.ts": GIVER,
    "taker.ts": TAKER,
  });
  const socket = join(folder, "s.sock");
  const at = { folder, environment: { GODWIT_SOCKET: socket } };
  const up = start(t, ["up", "--nodes", "3", ...flags], at);
  await up.wrote("are up");
  const client = await connect(socket);
  const nodes = async () => new Map((await client.nodes()).map((node) => [node.name, node]));
  return { up, client, at, nodes };
}

function succeeded({ code, stdout, stderr }: Outcome): string {
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Until `holds`; a test that waits in vain fails by its own time limit. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A process's output so far, and how far it has counted. */
async function output(client: NodeClient, pid: number): Promise<string> {
  let text = "";
  await client.follow(pid, (_, bytes) => void (text += Buffer.from(bytes).toString()), {
    replay: true,
    keptOnly: true,
  });
  return text;
}

/** The whole numbers that it has counted and that are remembered: each once, in order. */
async function counted(client: NodeClient, pid: number): Promise<number> {
  const lines = (await output(client, pid)).split("\n").slice(1, -1);
  const numbers = lines.map((line) => Number(/^at (\d+)$/.exec(line)?.[1]));
  for (const [index, n] of numbers.entries()) if (index > 0) assert.equal(n, (numbers[index - 1] ?? 0) + 1);
  return numbers.at(-1) ?? 0;
}

/** Waits until it counts on. */
async function countsOn(client: NodeClient, pid: number): Promise<void> {
  const before = await counted(client, pid);
  await until(async () => (await counted(client, pid)) > before + 1);
}

async function find(client: NodeClient, pid: number): Promise<ProcessInfo | undefined> {
  return (await client.list()).find((info) => info.pid === pid);
}

suite("godwit up --nodes", () => {
  test("processes on all nodes, moved, cloned and drained from any of them", TIMEOUT, async (t) => {
    const { client, at, nodes } = await cluster(t);
    assert.deepEqual([...(await nodes()).keys()], ["n1", "n2", "n3"]);
    const table = succeeded(await godwit(t, ["nodes"], at));
    assert.match(table, /^NODE +STATE +PROCESSES .*\nn1 +up +0 .*\nn2 +up .*\nn3 +up /);

    const pid = Number(succeeded(await godwit(t, ["run", "-d", "--node", "n2", "counter.ts"], at)));
    const other = Number(succeeded(await godwit(t, ["run", "-d", "--node", "n3", "listener.ts"], at)));
    assert.deepEqual([(await find(client, pid))?.node, (await find(client, other))?.node], ["n2", "n3"]);
    await countsOn(client, pid);

    // By the socket of a node that it is neither at home at nor runs at.
    const elsewhere = { ...at, environment: { GODWIT_SOCKET: (await nodes()).get("n3")?.socket ?? "" } };
    const moved = JSON.parse(succeeded(await godwit(t, ["migrate", String(pid), "n1", "--json"], elsewhere)));
    assert.deepEqual([moved.outcome, moved.from, moved.to, moved.epoch], ["moved", "n2", "n1", 1]);
    assert.match(succeeded(await godwit(t, ["ps"], elsewhere)), new RegExp(`^ *${pid} +0 +\\w+ +n1 +- `, "m"));
    await countsOn(client, pid);
    const refused = await godwit(t, ["migrate", String(pid), "n9"], at);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /there is no node n9 in this cluster, which has n1, n2, n3/);

    const clone = Number(succeeded(await godwit(t, ["fork", "--node", "n3", String(pid)], at)));
    assert.equal((await find(client, clone))?.node, "n3");
    await countsOn(client, clone);

    // Input goes to its home, and from there to where it runs.
    await client.migrate(other, "n2");
    await client.input(other, Buffer.alloc(100_000, "abc\n"));
    await client.input(other, null);
    assert.equal((await client.wait(other)).code, 0);
    assert.match(await output(client, other), /ready\nheard 100000 true\n/);

    const drained = succeeded(await godwit(t, ["drain", "n2"], at));
    assert.match(drained, /Node n2 /);
    const left = await client.list();
    assert.deepEqual(
      left.filter(({ node, state }) => node === "n2" && state !== "ended").map(({ name }) => name),
      [],
    );
    await countsOn(client, pid);
    const late = await godwit(t, ["run", "-d", "--node", "n2", "counter.ts"], at);
    assert.equal(late.code, 125);
    assert.match(late.stderr, /there is no node n2|node n2 is being drained/);

    const events: ClusterEvent[] = [];
    await client.watch((event) => events.push(event), { replay: true, keptOnly: true });
    const kinds = new Set(events.map(({ kind }) => kind));
    for (const kind of ["joined", "started", "moved", "ended"] as const) assert.ok(kinds.has(kind), kind);
    assert.match(
      succeeded(await godwit(t, ["events"], at)),
      new RegExp(`moved +${pid} counter.ts: n2 -> n1, stopped for`),
    );
  });

  test("names are the whole cluster's, and messages to them find whoever has them", TIMEOUT, async (t) => {
    const { client, at } = await cluster(t);
    const run = async (node: string, file: string) =>
      Number(succeeded(await godwit(t, ["run", "-d", "--node", node, file], at)));
    const adder = await run("n1", "adder.ts");
    await until(async () => (await output(client, adder)).includes("ready"));
    const asker = await run("n2", "asker.ts");
    // It is sent to, in order, wherever it is.
    for (const node of ["n3", "n2", "n1"]) assert.equal((await client.migrate(adder, node)).outcome, "moved");
    assert.equal((await client.wait(asker)).code, 0);
    assert.equal(await output(client, asker), "EEXIST\nsum 20100\n");
    assert.equal((await client.wait(adder)).code, 0);
    // A name is free when whoever had it has ended.
    const next = await run("n3", "adder.ts");
    await until(async () => (await output(client, next)).includes("ready"));
  });

  test(
    `${NUMBERS} numbered messages reach a process that moves ${MOVES} times, once and in order`,
    TIMEOUT,
    async (t) => {
      const { client, at } = await cluster(t);
      const run = async (node: string, file: string) =>
        Number(succeeded(await godwit(t, ["run", "-d", "--node", node, file], at)));
      const taker = await run("n1", "taker.ts");
      let printed = "";
      let heard = () => {};
      const followed = client.follow(
        taker,
        (_, bytes) => {
          printed += Buffer.from(bytes).toString();
          heard();
        },
        {
          replay: true,
        },
      );
      const told = (text: string) =>
        new Promise<void>((resolve, reject) => {
          heard = () => (printed.includes(text) ? resolve() : undefined);
          void followed.then(() => reject(new Error(`it ended without saying ${text}: ${printed}`)), reject);
          heard();
        });
      await told("ready");
      const giver = await run("n2", "giver.ts");
      for (let move = 0; move < MOVES; move++) {
        await told(`at ${(move * NUMBERS) / MOVES};`);
        const { outcome, reason } = await client.migrate(taker, ["n2", "n3", "n1"][move % 3] ?? "");
        assert.equal(outcome, "moved", `move ${move}: ${reason}`);
      }
      assert.equal((await client.wait(taker)).code, 0, printed);
      await followed;
      assert.match(printed, /all\n$/);
      assert.equal((await client.wait(giver)).code, 0);
    },
  );

  test("stop ends all nodes, and leaves nothing", TIMEOUT, async (t) => {
    const { client, up, at, nodes } = await cluster(t);
    const infos = [...(await nodes()).values()];
    await godwit(t, ["run", "-d", "counter.ts"], at);
    const folder = dirname(infos[0]?.socket ?? "");
    assert.ok(existsSync(folder));
    await client.stop();
    const { code, stderr } = await up.ended;
    assert.deepEqual([code, stderr], [0, ""]);
    for (const { hostPid } of infos) assert.ok(!isRunning(hostPid), "no node is left");
    assert.ok(!existsSync(folder));
  });

  test("a node that is killed is told of, and what it had is gone; the others go on", TIMEOUT, async (t) => {
    const { client, up, at, nodes } = await cluster(t);
    const pids = new Map<string, number>();
    for (const name of ["n1", "n2", "n3"])
      pids.set(name, Number(succeeded(await godwit(t, ["run", "-d", "--node", name, "counter.ts"], at))));
    const [own, lost, third] = [pids.get("n1") ?? 0, pids.get("n2") ?? 0, pids.get("n3") ?? 0];
    await client.migrate(third, "n2");
    process.kill((await nodes()).get("n2")?.hostPid ?? 0, "SIGKILL");
    await until(async () => !(await nodes()).has("n2"));
    assert.match(up.stderr, /node n2 \(process \d+\) ended by SIGKILL/);
    // Its home tells what became of one that ran there.
    const status = await client.wait(third);
    assert.match(status.reason ?? "", /node n2, which ran it, is gone/);
    await assert.rejects(client.inspect(lost), { code: "ESRCH", message: /had its home on node n2, which is gone/ });
    await countsOn(client, own);
    const events: ClusterEvent[] = [];
    await client.watch((event) => events.push(event), { replay: true, keptOnly: true });
    assert.ok(events.some(({ kind, node }) => kind === "died" && node === "n2"));
  });

  test("--respawn starts a node again that died, under its name and with pids of its own", TIMEOUT, async (t) => {
    const { client, at, nodes } = await cluster(t, "--respawn");
    const before = Number(succeeded(await godwit(t, ["run", "-d", "--node", "n1", "counter.ts"], at)));
    const dead = (await nodes()).get("n1")?.hostPid ?? 0;
    process.kill(dead, "SIGKILL");
    await until(async () => ((await nodes()).get("n1")?.hostPid ?? dead) !== dead);
    const next = Number(succeeded(await godwit(t, ["run", "-d", "--node", "n1", "counter.ts"], at)));
    assert.notEqual(next, before, "a pid that somebody remembers is no other process's");
    await countsOn(client, next);
    const moved = await client.migrate(next, "n2");
    assert.equal(moved.outcome, "moved");
  });

  test("nodes end when the process that started them is killed", TIMEOUT, async (t) => {
    const { up, nodes } = await cluster(t);
    const infos = [...(await nodes()).values()];
    up.child.kill("SIGKILL");
    await until(async () => infos.every(({ hostPid }) => !isRunning(hostPid)));
    await until(async () => !existsSync(dirname(infos[0]?.socket ?? "")));
  });
});
