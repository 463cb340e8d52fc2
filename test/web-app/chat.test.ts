/** The example of Hono's WebSockets: its clients hear one another while its process is handed from LWP to LWP. */

import assert from "node:assert/strict";
import { on, once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";
import { handOver } from "../../src/node/hand-over.ts";
import { startNode } from "../../src/node/node.ts";
import { compileProgram, guestExports } from "../../src/node/program.ts";

const CHAT = fileURLToPath(new URL("../../../examples/hono/chat.ts", import.meta.url));

/** Joins a room; gives the next message, one after the other. */
async function join(url: string): Promise<{ socket: WebSocket; next: () => Promise<string> }> {
  const socket = new WebSocket(url);
  const messages = on(socket, "message");
  await once(socket, "open");
  return { socket, next: async () => String(((await messages.next()) as { value: [Buffer] }).value[0]) };
}

test("rooms of a chat", { timeout: 120_000 }, async (t) => {
  const node = await startNode({ name: "test", lwps: 2 });
  t.after(() => node.stop());
  const program = await compileProgram(CHAT, { guestExports: await guestExports(), listen: "127.0.0.1:0" });
  assert.deepEqual(program.warnings, []);
  const { name, source, sourceMap } = program;
  const pid = await node.spawn({ name, source, sourceMap, capabilities: { listen: ["127.0.0.1:0"] } });
  const url = await new Promise<string>((resolve) => {
    let told = "";
    node.output(pid, true, (_stream, bytes) => {
      told += Buffer.from(bytes).toString();
      const [, found] = /Listening on (http:\S+)\n/.exec(told) ?? [];
      if (found !== undefined) resolve(found.replace(/\/$/, ""));
    });
  });
  const entry = node.table.get(pid);
  let isOver = false;
  let moves = 0;
  const moving = (async () => {
    while (!isOver) {
      if (entry.held === undefined && (await handOver(node, entry, node.lwps.otherThan(entry.lwp)))) moves++;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();

  const plain = await fetch(`${url}/rooms/lobby`);
  assert.equal(plain.status, 426);
  const lobby = `${url.replace("http", "ws")}/rooms/lobby`;
  const ada = await join(lobby);
  assert.equal(await ada.next(), "1 here");
  const bob = await join(lobby);
  assert.deepEqual([await ada.next(), await bob.next()], ["2 here", "2 here"]);
  for (let count = 0; count < 200; count++) {
    const [speaker, other] = count % 2 === 0 ? [ada, bob] : [bob, ada];
    speaker.socket.send(`line ${count}`);
    assert.deepEqual([await speaker.next(), await other.next()], [`line ${count}`, `line ${count}`]);
  }
  assert.deepEqual(await (await fetch(`${url}/rooms`)).json(), { lobby: 2 });
  bob.socket.close();
  assert.equal(await ada.next(), "1 here");
  isOver = true;
  await moving;
  assert.ok(moves > 20, `${moves} moves`);
  ada.socket.terminate();
});
