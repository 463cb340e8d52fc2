/** The example of route optimisation, by the command line: a client finds a process at another node, directly and relayed. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { startCluster, until } from "./node.ts";

const run = promisify(execFile);

test(
  "examples/route: directly, and relayed when its care-of address is gone",
  { timeout: 120_000 },
  async (context) => {
    const node = await startCluster(context, 2);
    const json = async (...command: string[]): Promise<{ address: string; careOf?: string }> => {
      const { stdout, stderr, code } = await node.run(...command, "--json");
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    };
    const started = await node.run(
      "run",
      "--detach",
      "--node",
      "n2",
      "examples/route/app.ts",
      "--listen",
      "service:where",
    );
    assert.equal(started.code, 0, started.stderr);
    await json("expose", "where", "--on", "http://127.0.0.1:0", "--at", "n1");
    const direct = await json("expose", "where", "--on", "http://127.0.0.1:0", "--care-of", "--at", "n2");
    assert.equal(direct.careOf, direct.address);
    const { address: lookup } = await json("lookup", "where", "--on", "http://127.0.0.1:0");
    const asked = async () => (await run(process.execPath, ["examples/route/client.mjs", lookup])).stdout;
    await until(
      "it goes there",
      async () => (await asked()) === `directly, at ${direct.address.slice("http://".length)}\n`,
    );
    assert.equal((await node.run("unexpose", "where", "--on", direct.address)).code, 0);
    await until("it is relayed", async () => (await asked()) === "relayed by the stable address\n");
  },
);
