/** A service's processes are moved, and their homes too, while clients are in the middle of something: none of them notices. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { get } from "node:http";
import { test } from "node:test";
import { until } from "../cluster/condition.ts";
import { withMembers } from "../node/bench-members.ts";
import type { ClusterMember } from "../../src/node/cluster-member.ts";
import { front, startServer, textOf } from "./served.ts";

const SITE = `
let count = 0;
const byteAt = (index) => (index * 31 + (index >>> 8)) & 0xff;
serve(async (request) => {
  const url = new URL(request.url);
  if (url.pathname === "/count") return new Response(String(++count));
  if (url.pathname === "/digest") {
    let [sum, length] = [0, 0];
    for await (const piece of request.body) {
      for (const byte of piece) if (byte !== byteAt(length++)) return new Response("wrong at " + (length - 1));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return new Response("right " + length);
  }
  if (url.pathname === "/events") {
    let tick = 0;
    const next = async (controller) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      controller.enqueue(new TextEncoder().encode("data: " + tick++ + "\\n\\n"));
      if (tick === Number(url.searchParams.get("n"))) controller.close();
    };
    return new Response(new ReadableStream({ pull: next }), { headers: { "content-type": "text/event-stream" } });
  }
  const size = Number(url.searchParams.get("bytes"));
  let sent = 0;
  const body = new ReadableStream({
    pull(controller) {
      const piece = new Uint8Array(Math.min(30_000, size - sent));
      for (let index = 0; index < piece.length; index++) piece[index] = byteAt(sent + index);
      sent += piece.length;
      if (piece.length > 0) controller.enqueue(piece);
      if (sent === size) controller.close();
    },
  });
  return new Response(body);
}, { address: "service:web" });
`;

const byteAt = (index: number) => (index * 31 + (index >>> 8)) & 0xff;

function content(sizeBytes: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: sizeBytes }, (_, index) => byteAt(index)));
}

/** Moves a process to another node, and its home after it. */
async function moveAway(from: ClusterMember, pid: number, to: string): Promise<void> {
  const { outcome, reason } = await from.control.migrate(pid, to);
  assert.equal(outcome, "moved", reason);
  const entry = from.cluster.node.table.living(pid);
  await from.cluster.handHome([entry], to);
}

await withMembers(["front", "b", "c"], (t) => {
  const members = () => ["front", "b", "c"].map((name) => t.get(name));

  test("a download, an upload, events and many requests, while the home moves", async () => {
    const pid = await startServer(t.get("b"), SITE, { seenBy: members() });
    const url = await front(t.get("front"));
    const sizeBytes = 6_000_000;
    let isDone = false;

    const download = new Promise<string>((resolve, reject) => {
      const hash = createHash("sha256");
      get(`${url}/download?bytes=${sizeBytes}`, (response) => {
        response.on("data", (piece: Buffer) => {
          hash.update(piece);
          // A client that is slow now and then.
          if (Math.random() < 0.2) {
            response.pause();
            setTimeout(() => response.resume(), 5);
          }
        });
        response.on("end", () => resolve(hash.digest("hex"))).on("error", reject);
      }).on("error", reject);
    });
    const upload = textOf(`${url}/digest`, { method: "POST", body: content(1_500_000) });
    const events = textOf(`${url}/events?n=200`);
    // How often the home had moved when each was over.
    const over = new Map<string, number>();
    let turns = 0;
    for (const [name, one] of Object.entries({ download, upload, events }))
      one.then(
        () => over.set(name, turns),
        () => over.set(name, -1),
      );
    let asked = 0;
    const requests = (async () => {
      for (; !isDone; asked++) assert.equal(await textOf(`${url}/count`), String(asked + 1));
    })();
    for (const one of [download, upload, events, requests]) one.catch(() => {}); // awaited below

    const homes = ["b", "c", "front"];
    for (; over.size < 3; turns++) {
      const [from = "", to = ""] = [homes[turns % 3], homes[(turns + 1) % 3]];
      await moveAway(t.get(from), pid, to);
      const so = asked;
      await until("requests go on", () => asked > so + 3);
    }
    assert.equal(await upload, "right 1500000");
    assert.equal(await events, Array.from({ length: 200 }, (_, tick) => `data: ${tick}\n\n`).join(""));
    assert.equal(await download, createHash("sha256").update(content(sizeBytes)).digest("hex"));
    isDone = true;
    await requests;
    for (const [name, moves] of over) assert.ok(moves >= 3, `the home moved ${moves} times during the ${name}`);
  });
});
