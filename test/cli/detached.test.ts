/** `godwit up --detach`: it returns when nodes are up, and no sooner; they go on when who started them has gone. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { temporaryFolder, until } from "./folder.ts";
import { godwit, start } from "./command.ts";

interface Up {
  readonly socket: string;
  readonly hostPid: number;
  readonly nodes: readonly string[];
}

async function up(t: TestContext, environment: Record<string, string>, ...flags: readonly string[]): Promise<Up> {
  const { code, stdout, stderr } = await godwit(t, ["up", "--detach", "--json", ...flags], { environment });
  assert.deepEqual([code, stderr], [0, ""]);
  return JSON.parse(stdout) as Up;
}

suite("godwit up --detach", { concurrency: 2, timeout: 120_000 }, () => {
  for (const [flags, names] of [
    [[], ["local"]],
    [
      ["--nodes", "2"],
      ["n1", "n2"],
    ],
  ] as const)
    test(`what comes behind it finds nodes: ${names.join(", ")}`, async (t) => {
      const folder = temporaryFolder(t, { "app.ts": `setInterval(() => {}, 1000);` });
      const environment = { GODWIT_SOCKET: join(folder, "a.sock") };
      const { socket, hostPid, nodes } = await up(t, environment, ...flags);
      let isStopped = false;
      t.after(() => isStopped || process.kill(hostPid, "SIGKILL"));
      assert.deepEqual([socket, nodes], [environment.GODWIT_SOCKET, names]);
      const run = await godwit(t, ["run", "--detach", "app.ts"], { environment, folder });
      assert.deepEqual([run.code, run.stderr], [0, ""]);
      const again = await godwit(t, ["up", "-d"], { environment });
      assert.equal(again.code, 1);
      assert.match(again.stderr, /^godwit: a node is already running at /);
      const stop = await godwit(t, ["stop"], { environment });
      assert.equal(stop.code, 0);
      isStopped = true;
      await until(() => !existsSync(socket));
      assert.equal(readFileSync(`${socket}.log`, "utf8"), "");
    });

  test("who breaks it off before it is up leaves nothing behind", async (t) => {
    const socket = join(temporaryFolder(t), "a.sock");
    const running = start(t, ["up", "--detach", "--nodes", "2"], { environment: { GODWIT_SOCKET: socket } });
    await until(() => existsSync(`${socket}.log`));
    running.child.kill("SIGINT");
    // It has waited for what it had started.
    const { code, stdout } = await running.ended;
    assert.deepEqual([code, stdout, existsSync(socket)], [1, "", false]);
  });

  test("why it could not start is told", async (t) => {
    const environment = { GODWIT_SOCKET: join(temporaryFolder(t), "a.sock"), HOME: temporaryFolder(t) };
    const flags = ["--engine", "nats://127.0.0.1:1", "--state", temporaryFolder(t)];
    const { code, stdout, stderr } = await godwit(t, ["up", "--detach", ...flags], { environment });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^godwit: cannot connect to NATS at 127\.0\.0\.1:1: /);
  });
});
