/**
 * Nodes that are OS processes of their own: killed, and stopped for a while.
 *
 * @alone: it measures how soon a process is back
 */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { ClusterControl, ClusterEvent } from "../../src/abi/control.ts";
import { Launcher } from "../../src/node/launcher.ts";
import { until } from "../cluster/condition.ts";

const PRELUDE = "const { self, sleep, open } = globalThis.__godwit.exports;\n";

describe("nodes that die", { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "godwit-test-"));
  const events: ClusterEvent[] = [];
  let launcher: Launcher;
  let control: ClusterControl;

  before(async () => {
    const names = ["n1", "n2", "n3", "n4"];
    launcher = await Launcher.start({ name: "test", names, version: "0", respawn: false, log: () => {}, lwps: 1 });
    ({ control } = launcher);
    control.events(false, (event) => events.push(event));
  });
  after(async () => {
    await launcher.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (source: string, node: string, isDurable = true) =>
    control.spawn({
      name: "program.js",
      source: PRELUDE + source,
      workingDirectory: folder,
      capabilities: { read: [folder], write: [folder] },
      ...(isDurable ? { durable: { intervalMs: 200 } } : {}),
      node,
    });
  const hostPid = async (name: string) => {
    const found = (await control.nodes()).find((node) => node.name === name);
    assert.ok(found !== undefined, `there is no node ${name}`);
    return found.hostPid;
  };
  const restored = async (pid: number) => {
    const find = () => events.find((event) => event.kind === "restored" && event.pid === pid);
    await until(`the restore of process ${pid}`, () => find() !== undefined, 30_000);
    return find();
  };

  test("kill -9: its durable processes are back within seconds", async () => {
    const pids: number[] = [];
    for (let n = 0; n < 3; n++)
      pids.push(await start(`for (let n = 1;; n++) { console.log("n " + n); sleep(5); }`, "n2"));
    const [first = 0] = pids;
    let text = "";
    control.output(first, true, (_, bytes) => void (text += Buffer.from(bytes).toString()));
    await until("its output", () => text.includes("n 100\n"));
    const killedMs = performance.now();
    process.kill(await hostPid("n2"), "SIGKILL");
    for (const pid of pids) await restored(pid);
    const tookMs = performance.now() - killedMs;
    assert.ok(tookMs < 12_000, `it took ${tookMs} ms`);
    await until("their being listed", async () => {
      const list = await control.list();
      return pids.every((pid) =>
        list.some((one) => one.pid === pid && one.node !== "n2" && one.exit === undefined && one.epoch > 0),
      );
    });
    let again = "";
    control.output(first, true, (_, bytes) => void (again += Buffer.from(bytes).toString()));
    await until("its output again", () => /^n (\d+)$/m.test(again));
    const at = Number(/^n (\d+)$/m.exec(again)?.[1]);
    const reached = Number([...text.matchAll(/^n (\d+)$/gm)].at(-1)?.[1]);
    assert.ok(at > 20 && at <= reached + 1, `it goes on at ${at}, and had reached ${reached}`);
    for (const pid of pids) await control.signal(pid, "SIGKILL");
  });

  test("a node that is stopped for a while and goes on: nothing of its old processes happens any more", async () => {
    const path = join(folder, "effects");
    const pid = await start(
      `for (;;) { const file = open(${JSON.stringify(path)}, { write: true, create: true, append: true }); file.write(self.epoch + "\\n"); file.close(); sleep(1); }`,
      "n3",
    );
    const lines = () => readFileSync(path, "utf8").trim().split("\n").map(Number);
    await until("effects", () => lines().length > 50);
    const own = await start(`for (let n = 1;; n++) { console.log("n " + n); sleep(5); }`, "n3", false);
    const local = async () => {
      let text = "";
      await control.keptOutput(own, (_, bytes) => void (text += Buffer.from(bytes).toString()));
      return Number([...text.matchAll(/^n (\d+)$/gm)].at(-1)?.[1] ?? 0);
    };
    await until("its output", async () => (await local()) > 10);
    const old = await hostPid("n3");
    process.kill(old, "SIGSTOP");
    try {
      await restored(pid);
      await until("effects of the new one", () => (lines().at(-1) ?? 0) > 0);
    } finally {
      process.kill(old, "SIGCONT");
    }
    await until(
      "its being a member again",
      async () => (await control.nodes()).some(({ name }) => name === "n3"),
      30_000,
    );
    assert.equal(await hostPid("n3"), old, "it is the same node");
    const before = await local();
    await until("its own process goes on", async () => (await local()) > before + 20);
    const { node, epoch } = (await control.list()).find((one) => one.pid === own && one.exit === undefined) ?? {};
    assert.deepEqual([node, epoch], ["n3", 0]);
    await control.signal(own, "SIGKILL");
    const written = lines();
    const first = written.findIndex((epoch) => epoch > 0);
    // What the system had been asked to write when the old owner was stopped cannot be taken back.
    assert.ok(
      written.slice(first).filter((epoch) => epoch === 0).length <= 1,
      "the old owner began nothing once the new one had",
    );
    await control.signal(pid, "SIGKILL");
  });
});
