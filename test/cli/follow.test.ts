/** Processes that are waited for and watched from outside while their home moves, or is killed: nodes are OS processes. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, suite, test } from "node:test";
import { type NodeClient, connect } from "../../src/client/node-client.ts";
import { type Running, type Setting, godwit, start } from "./command.ts";
import { temporaryFolder } from "./folder.ts";

const TIMEOUT = { timeout: 120_000 };

/** Counts aloud until it is told to end, and then ends with code 7. */
const COUNTER = `
import { exit, onSignal, sleep } from "godwit";
onSignal("SIGUSR1", () => exit(7));
for (let n = 1; ; n++) { console.log("n", n); sleep(5); }
`;

interface Cluster {
  readonly client: NodeClient;
  readonly at: Required<Pick<Setting, "folder" | "environment">>;
}

async function cluster(t: TestContext): Promise<Cluster> {
  const folder = temporaryFolder(t, { "counter.ts": COUNTER });
  const socket = join(folder, "s.sock");
  const at = { folder, environment: { GODWIT_SOCKET: socket } };
  const up = start(t, ["up", "--nodes", "3"], at);
  await up.wrote("are up");
  return { client: await connect(socket), at };
}

/** Until `holds`; a test that waits in vain fails by its own time limit. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

function numbers(text: string): number[] {
  return [...text.matchAll(/^n (\d+)$/gm)].map(([, n]) => Number(n));
}

const last = ({ stdout }: Running) => numbers(stdout).at(-1) ?? 0;

/** Waits until what it shows has gone on for a good while. */
async function goesOn(running: Running): Promise<void> {
  const from = numbers(running.stdout).length;
  await until(() => numbers(running.stdout).length > from + 50);
}

/** Each number once, in order. */
function assertWhole(text: string): void {
  const all = numbers(text);
  all.forEach((n, index) => assert.equal(n, (all[0] ?? 0) + index));
}

async function kill(client: NodeClient, name: string): Promise<void> {
  const found = (await client.nodes()).find((node) => node.name === name);
  process.kill(found?.hostPid ?? assert.fail(`there is no node ${name}`), "SIGKILL");
}

/** Starts one on n2. */
async function begin(t: TestContext, at: Setting, ...flags: readonly string[]): Promise<number> {
  const { code, stdout, stderr } = await godwit(t, ["run", "--detach", "--node", "n2", ...flags, "counter.ts"], at);
  assert.equal(code, 0, stderr);
  return Number(stdout);
}

suite("following a process", () => {
  test(
    "attach, logs -f and wait go on at the new home after a drain: nothing is lost or told twice",
    TIMEOUT,
    async (t) => {
      const { client, at } = await cluster(t);
      const pid = await begin(t, at);
      const attach = start(t, ["attach", "--no-input", String(pid)], at);
      const logs = start(t, ["logs", "--follow", String(pid)], at);
      const waited = client.wait(pid);
      await goesOn(attach);
      for (const node of ["n2", "n3"]) {
        const report = await client.drain(node);
        assert.deepEqual([report.left, report.homed], [[], 0]);
        await until(async () => (await client.nodes()).every(({ name }) => name !== node));
        await Promise.all([attach, logs].map(goesOn));
      }
      await client.signal(pid, "SIGUSR1");
      assert.deepEqual([(await waited).code, (await attach.ended).code, (await logs.ended).code], [7, 7, 0]);
      for (const { stdout } of [attach, logs]) assertWhole(stdout);
      assert.equal(last(attach), last(logs));
    },
  );

  test("kill -9 of the home: the node that runs it takes it over, and is followed", TIMEOUT, async (t) => {
    const { client, at } = await cluster(t);
    const pid = await begin(t, at);
    const logs = start(t, ["logs", "--follow", String(pid)], at);
    assert.equal((await client.migrate(pid, "n3")).outcome, "moved");
    const waited = client.wait(pid);
    await goesOn(logs);
    await kill(client, "n2");
    await goesOn(logs);
    await client.signal(pid, "SIGUSR1");
    assert.deepEqual([(await waited).code, (await logs.ended).code], [7, 0]);
    const all = numbers(logs.stdout);
    all.forEach((n, index) => assert.ok(index === 0 || n > (all[index - 1] ?? 0), `${n} is told once`));
  });

  test(
    "kill -9 of a durable process's node: it is followed to where it is restored; another is gone",
    TIMEOUT,
    async (t) => {
      const { client, at } = await cluster(t);
      const pid = await begin(t, at, "--durable=200ms");
      const logs = start(t, ["logs", "--follow", String(pid)], at);
      const mortal = start(t, ["attach", "--no-input", String(await begin(t, at))], at);
      const waited = client.wait(pid);
      await until(() => last(logs) > 100 && last(mortal) > 20);
      const before = last(logs);
      await kill(client, "n2");
      const { code, stderr } = await mortal.ended;
      assert.notEqual(code, 0);
      assert.match(stderr, /process \d+ had its home on node n2, which is gone/);
      await until(() => last(logs) > before + 50);
      await client.signal(pid, "SIGUSR1");
      assert.deepEqual([(await waited).code, (await logs.ended).code], [7, 0]);
      const all = numbers(logs.stdout);
      const breaks = all.filter((n, index) => index > 0 && n !== (all[index - 1] ?? 0) + 1);
      assert.ok(breaks.length <= 1, `it goes on from one image: ${breaks.join()}`);
    },
  );
});
