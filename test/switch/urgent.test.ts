/** What comes out of band through a front whose process is at another node: clients that leave, and pings. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { test } from "node:test";
import { WebSocket } from "ws";
import { until } from "../cluster/condition.ts";
import { withMembers } from "../node/bench-members.ts";
import { front, startServer } from "./served.ts";

const SITE = `
const { onUrgent, upgradeWebSocket } = globalThis.__godwit.exports;
onUrgent(({ kind, message }) => console.error("heard " + kind + " " + message + "."));
let rounds = 0;
serve((request) => {
  if (request.headers.get("upgrade") === "websocket") {
    const { socket, response } = upgradeWebSocket(request);
    socket.onmessage = ({ data }) => {
      if (data !== "spin") return socket.send(data);
      console.error("socket spins.");
      let heard = false;
      const stop = onUrgent(({ kind }) => { heard ||= kind === "ping"; });
      while (!heard) rounds++;
      stop();
      socket.send("over");
    };
    return response;
  }
  console.error("request spins.");
  while (!request.signal.aborted) rounds++;
  console.error("request is over.");
  return new Response("");
}, { name: "web" });`;

await withMembers(["front", "b", "c"], (t) => {
  const all = () => ["front", "b", "c"].map((name) => t.get(name));

  test(
    "a client that leaves, and a ping that says something, are heard in the middle of a loop",
    { timeout: 90_000 },
    async () => {
      const pid = await startServer(t.get("b"), SITE, { seenBy: all() });
      let told = "";
      t.get("b").own.output(pid, true, (_, bytes) => {
        told += Buffer.from(bytes).toString();
      });
      const url = await front(t.get("front"));
      const saw = (what: string) => until(`it says "${what}"`, () => told.includes(what), 30_000);

      const leaving = request(url);
      leaving.on("error", () => {}).end();
      await saw("request spins.");
      leaving.destroy();
      await saw("request is over.");
      assert.match(told, /heard abort /);

      const socket = new WebSocket(url.replace(/^http/, "ws"));
      await once(socket, "open");
      socket.send("spin");
      await saw("socket spins.");
      const ponged = once(socket, "pong");
      const over = once(socket, "message") as Promise<[Buffer]>;
      socket.ping("are you there");
      await saw("heard ping are you there.");
      assert.equal(String((await over)[0]), "over");
      await ponged;

      // One after the home has moved is heard there.
      const { outcome, reason } = await t.get("b").control.migrate(pid, "c");
      assert.equal(outcome, "moved", reason);
      await t.get("b").cluster.handHome([t.get("b").cluster.node.table.living(pid)], "c");
      let moved = "";
      t.get("c").own.output(pid, true, (_, bytes) => {
        moved += Buffer.from(bytes).toString();
      });
      await until("a ping is heard at its new home", () => {
        socket.ping("at home");
        return moved.includes("heard ping at home.");
      });
      socket.close();
      await once(socket, "close");
      await t.get("c").own.signal(pid, "SIGKILL");
    },
  );
});
