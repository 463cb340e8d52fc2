/** Connections that are given to the node of their process, between nodes that are OS processes: who owns them, and what comes through. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Agent, request } from "node:http";
import { after, before, describe, test } from "node:test";
import { until } from "../cluster/condition.ts";
import { RawClient } from "../node/raw-client.ts";
import { connectionsOf, Launched } from "./launched.ts";

const ECHO = (name: string, service = "web") => `
serve(async (request) => {
  const { pathname } = new URL(request.url);
  const digest = async () => {
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await request.arrayBuffer()));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  };
  if (request.method === "POST") return new Response(await digest());
  return new Response("${name} " + pathname + " for " + request.headers.get("host"));
}, { address: "service:${service}" });
`;

function portOf(address: string): number {
  return Number(new URL(address).port);
}

/** A request on a connection of its own, or of the agent's. */
function ask(
  url: string,
  options: { agent?: Agent; method?: string; headers?: Record<string, string> } = {},
  body?: Buffer,
) {
  return new Promise<string>((resolve, reject) => {
    const asked = request(url, { agent: false, ...options }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (more: string) => (text += more));
      response.on("end", () => resolve(text)).on("error", reject);
    });
    asked.on("error", reject).end(body);
  });
}

describe("handoff", { timeout: 120_000 }, () => {
  let nodes: Launched;
  before(async () => {
    nodes = await Launched.start(["front", "b", "c"]);
  });
  after(() => nodes.stop());

  test("a connection is the other node's, whole, and the front's no more", async () => {
    await nodes.serve("b", ECHO("b"));
    const front = await nodes.front("front", { passOn: "handoff" });
    const port = portOf(front.address);
    const client = await RawClient.connect(front.address);
    client.send(`GET /one HTTP/1.1\r\nHost: x\r\n\r\n`);
    await client.seen(/b \/one for x/);
    await until("the front has let go of it", async () => connectionsOf(await nodes.hostPid("front"), port) === 0);
    assert.equal(connectionsOf(await nodes.hostPid("b"), port), 1);
    assert.equal(connectionsOf(process.pid, port), 0, "the launcher has none");
    assert.deepEqual(await nodes.passed(front), { handedOff: 1, kept: 0, at: { front: 0, b: 1 } });
    // What is said later, in pieces, and at once.
    client.send("GET /two HT").send("TP/1.1\r\nHost: y\r\n\r\n");
    await client.seen(/b \/two for y/);
    client.send("GET /three HTTP/1.1\r\nHost: z\r\n\r\n".repeat(20));
    await until("all are answered", () => client.text.split("/three for z").length === 21);
    client.socket.destroy();
    await until("it is gone", async () => (await nodes.passed(front)).at["b"] === undefined);
    await until("and closed", async () => connectionsOf(await nodes.hostPid("b"), port) === 0);
    await nodes.control.unexpose("web");
  });

  test("bytes that come while it is on its way are not lost: large bodies, sent at once", async () => {
    const front = await nodes.front("front");
    const body = Buffer.alloc(3_000_000);
    for (let at = 0; at < body.length; at++) body[at] = (at * 31 + (at >> 8)) & 255;
    const digest = createHash("sha256").update(body).digest("hex");
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask(front.address, { method: "POST" }, body)));
    assert.deepEqual(
      answers,
      answers.map(() => digest),
    );
    assert.equal((await nodes.passed(front)).handedOff, 12);
    await nodes.control.unexpose("web");
  });

  test("relay keeps all; a front's own process keeps its own; they are spread by connections", async () => {
    const relay = await nodes.front("front", { passOn: "relay" });
    assert.equal(relay.connections, undefined);
    assert.match(await ask(relay.address), /^b/);
    await nodes.serve("front", ECHO("front"));
    const front = await nodes.front("front");
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    const seen = await Promise.all(Array.from({ length: 8 }, () => ask(front.address, { agent })));
    assert.equal(seen.filter((text) => text.startsWith("front")).length, 4, seen.join());
    const { handedOff, kept } = await nodes.passed(front);
    assert.deepEqual([handedOff, kept], [4, 4]);
    agent.destroy();
    await nodes.control.unexpose("web");
  });

  test("policies that look at the request: content and hash, and a request for somebody else on the same connection", async () => {
    await nodes.serve("c", ECHO("images", "images"), "images");
    const front = await nodes.front("front", { policy: "content:/images=images" });
    const client = await RawClient.connect(front.address);
    // The head comes in two pieces: it is waited for.
    client.send("GET /images/a HTTP/1.1\r\nHo");
    client.send("st: x\r\n\r\n");
    await client.seen(/images \/images\/a for x/);
    const port = portOf(front.address);
    await until("it is c's", async () => connectionsOf(await nodes.hostPid("c"), port) === 1);
    client.send("GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
    await client.seen(/(b|front) \/other for x/);
    assert.equal(connectionsOf(await nodes.hostPid("c"), port), 1);
    client.socket.destroy();
    const hashed = await nodes.front("front", { policy: "hash:query.key" });
    for (const key of ["a", "b", "c", "d", "e", "f"]) {
      const [first, second] = [await ask(`${hashed.address}/?key=${key}`), await ask(`${hashed.address}/?key=${key}`)];
      assert.equal(first, second);
    }
    const { handedOff, kept } = await nodes.passed(hashed);
    assert.equal(handedOff + kept, 12);
    await nodes.control.unexpose("web");
  });

  test("a head that is no request, none at all, or too slow is the front's own affair", async () => {
    const front = await nodes.front("front", { policy: "content:/images=images" });
    const wrong = await RawClient.connect(front.address);
    wrong.send("GET /images HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    await wrong.seen(/^HTTP\/1.1 400 /);
    const silent = await RawClient.connect(front.address);
    silent.send("GET /images/slow HTTP/1.1\r\n");
    await until("it is not waited for any more", async () => (await nodes.passed(front)).kept === 2);
    silent.send("Host: x\r\n\r\n");
    await silent.seen(/images \/images\/slow for x/);
    const gone = await RawClient.connect(front.address, { allowHalfOpen: true });
    gone.socket.end();
    await gone.closed;
    for (const one of [wrong, silent]) one.socket.destroy();
    await nodes.control.unexpose("web");
  });
});
