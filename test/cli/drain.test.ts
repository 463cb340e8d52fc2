/** A node is drained that has what a process cannot take along. Nodes are OS processes. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "../../src/client/node-client.ts";
import { type Running, godwit, start } from "./command.ts";
import { temporaryFolder, until } from "./folder.ts";

/** Writes to a file of the machine where it was started, by its identity. */
const WRITER = `
import { open, sleep } from "godwit";
const file = open("notes", { write: true, create: true });
console.log("open");
for (let n = 1; ; n++) { try { file.write(n + "\\n"); } catch (error) { console.log("lost", error.code); break; } sleep(5); }
`;

test(
  "a process stays that needs a file of the node, and its reason is told; with --force it goes without",
  { timeout: 120_000 },
  async (t) => {
    const folder = temporaryFolder(t, { "writer.ts": WRITER });
    const socket = join(folder, "s.sock");
    const at = { folder, environment: { GODWIT_SOCKET: socket } };
    await start(t, ["up", "--nodes", "2"], at).wrote("are up");
    const client = await connect(socket);
    const begin = async (): Promise<[number, Running]> => {
      const run = await godwit(
        t,
        ["run", "--detach", "--allow-read=.", "--allow-write=.", "--node", "n2", "writer.ts"],
        at,
      );
      assert.equal(run.code, 0, run.stderr);
      const logs = start(t, ["logs", "--follow", run.stdout.trim()], at);
      await logs.wrote("open");
      return [Number(run.stdout), logs];
    };
    const [pid, logs] = await begin();
    const [other, otherLogs] = await begin();
    assert.equal((await client.migrate(other, "n1")).outcome, "moved", "it uses the file from afar");

    const refused = await godwit(t, ["drain", "n2"], at);
    assert.equal(refused.code, 1, refused.stdout);
    for (const one of [pid, other])
      assert.match(
        refused.stdout,
        new RegExp(`^${one} writer.ts stays: handle \\d+ \\(file, .*node n2, which has it, goes away`, "m"),
      );
    assert.ok((await client.nodes()).some(({ name, state }) => name === "n2" && state === "up"));
    assert.ok(!logs.stdout.includes("lost") && !otherLogs.stdout.includes("lost"));

    const forced = await godwit(t, ["drain", "--force", "n2"], at);
    assert.equal(forced.code, 0, forced.stdout);
    await until(() => logs.stdout.includes("lost") && otherLogs.stdout.includes("lost"));
  },
);
