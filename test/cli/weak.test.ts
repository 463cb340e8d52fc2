/** `godwit migrate --weak`: code and declared state go to another node, and are started there. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "../../src/client/node-client.ts";
import { godwit, start } from "./command.ts";
import { until } from "../cluster/condition.ts";
import { temporaryFolder } from "./folder.ts";

const PROGRAM = `import { keep, self } from "godwit";
const state = keep("state", () => ({ visits: [] as string[], n: 0 }));
state.visits.push(self.node);
console.log(self.arguments[0], state.visits.join(" "), state.n);
const local = { count: 0 };
setInterval(() => console.log("n", ++state.n, ++local.count), 20);
`;

const STUBBORN = `import { keep } from "godwit";
keep("state", () => ({ cannot: () => "be copied" }));
let n = 0;
setInterval(() => console.log("n", ++n), 20);
`;

test("code and what it keeps go to another node; what cannot, stays and goes on", { timeout: 90_000 }, async (t) => {
  const folder = temporaryFolder(t, { "kept.ts": PROGRAM, "stubborn.ts": STUBBORN });
  const setting = { folder, environment: { GODWIT_SOCKET: join(folder, "node.sock") } };
  const up = start(t, ["up", "--nodes", "2", "--lwps", "1"], setting);
  await up.wrote("are up");
  const client = await connect(join(folder, "node.sock"));
  const output = async (pid: number) => {
    const bytes: Uint8Array[] = [];
    await client.keptOutput(pid, (_, some) => void bytes.push(some));
    return Buffer.concat(bytes).toString();
  };

  const pid = Number((await godwit(t, ["run", "-d", "--node", "n1", "kept.ts", "hello"], setting)).stdout);
  await until("it prints", async () => (await output(pid)).includes("n 5 5"));
  const moved = await godwit(t, ["migrate", "--weak", String(pid), "n2"], setting);
  assert.equal(moved.code, 0, moved.stderr);
  const anew = Number(moved.stdout);
  assert.ok(anew > 0 && anew !== pid);
  await until("it prints", async () => (await output(anew)).includes("\nn "));
  const [head = "", next = ""] = (await output(anew)).split("\n");
  const [, , , , n = ""] = /^(hello) (n1) (n2) (\d+)$/.exec(head) ?? assert.fail(head);
  const before = [...(await output(pid)).matchAll(/^n (\d+) /gm)].at(-1)?.[1];
  assert.equal(n, before, "it goes on from the last that was done");
  assert.equal(next, `n ${Number(n) + 1} 1`, "what was not kept is made anew");
  assert.equal((await client.wait(pid)).signal, "SIGKILL");

  const other = Number((await godwit(t, ["run", "-d", "--node", "n1", "stubborn.ts"], setting)).stdout);
  await until("it prints", async () => (await output(other)).includes("n 1\n"));
  const stays = await godwit(t, ["migrate", "--weak", String(other), "n2"], setting);
  assert.equal(stays.code, 1);
  assert.match(stays.stderr, /"state"/);
  const nowhere = await godwit(t, ["migrate", "--weak", String(other), "n9"], setting);
  assert.equal(nowhere.code, 1);
  const seen = (await output(other)).length;
  await until("it prints", async () => (await output(other)).length > seen);
  assert.equal((await godwit(t, ["stop"], setting)).code, 0);
});
