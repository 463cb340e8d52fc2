/** The example of a server over raw connections: a client stays connected while it moves, and its home is drained. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { startCluster } from "./node.ts";

test("examples/echo: a client keeps its connection over moves and a drain", { timeout: 120_000 }, async (context) => {
  const node = await startCluster(context, 3);
  const done = async (...command: string[]): Promise<string> => {
    const { stdout, stderr, code } = await node.run(...command);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const start = ["run", "--detach", "--node", "n1", "examples/echo/echo.ts", "--listen", "service:echo"];
  const pid = (await done(...start)).trim();
  const { address } = JSON.parse(await done("expose", "echo", "--on", "tcp://127.0.0.1:0", "--at", "n2", "--json"));
  const { hostname: host, port } = new URL(address);
  const client = connect({ host, port: Number(port) });
  const lines = createInterface(client)[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => (await lines.next()).value;
  assert.equal(await next(), "you are client 1");
  const steps = [
    ["migrate", pid, "n2"],
    ["migrate", pid, "n3"],
    ["drain", "n1"],
  ];
  for (const command of steps) {
    client.write(`before ${command[0]}\n`);
    await done(...command);
    client.write(`after ${command[0]}\n`);
    assert.equal(await next(), `before ${command[0]}`);
    assert.equal(await next(), `after ${command[0]}`);
  }
  client.end();
  await once(client, "close");
});
