/** WebSockets to a service, over a front, while its process and its home move: every message arrives once, in order. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { WebSocket } from "ws";
import { until } from "../cluster/condition.ts";
import { withMembers } from "../node/bench-members.ts";
import { front, startServer } from "./served.ts";

const SITE = `
const { upgradeWebSocket } = globalThis.__godwit.exports;
serve((request) => {
  const { socket, response } = upgradeWebSocket(request, { protocol: "count" });
  socket.onmessage = ({ data }) => { if (data === "close") socket.close(4000, "closed"); else socket.send(data + " " + self.node); };
  return response;
}, { name: "web" });
`;

await withMembers(["front", "b", "c"], (t) => {
  test("goes on while its home moves, from node to node and back", { timeout: 90_000 }, async () => {
    const all = ["front", "b", "c"].map((name) => t.get(name));
    const pid = await startServer(t.get("b"), SITE, { seenBy: all });
    const url = (await front(t.get("front"))).replace(/^http/, "ws");
    const socket = new WebSocket(`${url}/`, "count");
    await once(socket, "open");
    assert.equal(socket.protocol, "count");
    const got: string[] = [];
    socket.on("message", (data: Buffer) => got.push(String(data)));
    let sent = 0;
    const talking = setInterval(() => socket.send(`${sent++}`), 1);
    const homes = ["b", "c", "front"];
    try {
      for (let turn = 0; turn < 6; turn++) {
        const [from = "", to = ""] = [homes[turn % 3], homes[(turn + 1) % 3]];
        const { outcome, reason } = await t.get(from).control.migrate(pid, to);
        assert.equal(outcome, "moved", reason);
        const own = t.get(from).cluster.node.table.living(pid);
        await t.get(from).cluster.handHome([own], to);
        const so = got.length;
        await until("messages go on", () => got.length > so + 5, 30_000);
      }
    } finally {
      clearInterval(talking);
    }
    await until("all are answered", () => got.length === sent, 30_000);
    assert.deepEqual(
      got.map((text) => text.split(" ")[0]),
      Array.from({ length: sent }, (_, index) => String(index)),
    );
    assert.deepEqual(new Set(got.map((text) => text.split(" ")[1])), new Set(homes));
    socket.send("close");
    const [code, why] = (await once(socket, "close")) as [number, Buffer];
    assert.deepEqual([code, String(why)], [4000, "closed"]);
    await t.get("b").own.signal(pid, "SIGKILL");
  });
});
