/**
 * Requests that mean one thing to one server and another to the next: refused, or taken in the one sense that they have. The
 * program tells what it saw; nothing that was hidden in a body may be among it.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type TestNode, withNode } from "./bench-node.ts";
import { get, REFUSED, SEEING, TAKEN } from "./framing-cases.ts";
import { exchange, RawClient } from "./raw-client.ts";

async function start(
  t: TestNode,
): Promise<{ readonly url: string; seen(): Promise<unknown[]>; stop(): Promise<string> }> {
  const process = await t.start(SEEING("127.0.0.1:0"), { capabilities: { listen: "all" } });
  const url = (await process.match(/at (\S+)\n/))[1] ?? "";
  return {
    url,
    seen: async () => (await (await fetch(new URL("/seen", url))).json()) as unknown[],
    stop: async () => {
      await t.node.signal(process.pid, "SIGKILL");
      return (await process.ended).stderr;
    },
  };
}

await withNode({ lwps: 1 }, (t) => {
  test(
    "requests of two meanings are refused, the connection closed, and nothing seen",
    { timeout: 120_000 },
    async () => {
      const site = await start(t);
      for (const [name, [request, status]] of Object.entries(REFUSED)) {
        const { text, statuses } = await exchange(site.url, request);
        // A body that turns out to be malformed when its head was taken: no second answer, and no hidden request.
        assert.deepEqual(statuses, [status], `${name}: ${JSON.stringify(text)}`);
        assert.match(text, /\r\nconnection: close\r\n/i, name);
      }
      assert.deepEqual(await site.seen(), []);
      assert.equal(await site.stop(), "");
    },
  );

  test("requests of one meaning are taken in it, and the next one after them", { timeout: 60_000 }, async () => {
    const site = await start(t);
    for (const [name, [request, seen]] of Object.entries(TAKEN)) {
      const client = (await RawClient.connect(site.url)).send(request);
      client.send("GET /next HTTP/1.1\r\nHost: z\r\nConnection: close\r\n\r\n");
      await client.closed;
      assert.deepEqual(client.statuses, [200, 200], `${name}: ${JSON.stringify(client.text)}`);
      assert.deepEqual(new Set(await site.seen()), new Set([seen, ["GET", "z", "/next", ""]]), name);
    }
    assert.equal(await site.stop(), "");
  });

  test(
    "HTTP/1.0 without Host means the address it is connected to; there are no upgrades, no tunnels",
    { timeout: 60_000 },
    async () => {
      const site = await start(t);
      const { statuses } = await exchange(site.url, "GET /old HTTP/1.0\r\n\r\n");
      assert.deepEqual(statuses, [200]);
      assert.deepEqual(await site.seen(), [["GET", new URL(site.url).host, "/old", ""]]);
      const upgrade = await exchange(site.url, get("Host: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"));
      assert.deepEqual(upgrade.statuses, [200], "no other protocols: answered, and closed");
      const tunnel = await exchange(site.url, "CONNECT y:80 HTTP/1.1\r\nHost: y:80\r\n\r\n");
      assert.equal(tunnel.text, "", "closed at once");
      assert.equal(await site.stop(), "");
    },
  );

  test("a thousand requests on their way at once are answered in order", { timeout: 60_000 }, async () => {
    const site = await start(t);
    const paths = Array.from({ length: 1000 }, (_, index) => `/${index}`);
    const requests = paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\nX${path.slice(1)}: 1\r\n\r\n`).join("");
    const client = (await RawClient.connect(site.url)).send(requests);
    await client.seen(/"x999"\]/);
    const answers = [...client.text.matchAll(/\["host","x(\d+)"\]/g)].map(([, index]) => `/${index ?? ""}`);
    assert.deepEqual(answers, paths);
    assert.deepEqual(new Set(client.statuses), new Set([200]));
    client.socket.destroy();
    assert.equal(await site.stop(), "");
  });

  test("clients that leave in the middle are forgotten", { timeout: 60_000 }, async () => {
    const site = await start(t);
    const parts = ["GET /part HT", "POST /part HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab"];
    for (const part of parts) {
      const leaving = (await RawClient.connect(site.url)).send(part);
      leaving.socket.resetAndDestroy();
      await leaving.closed;
      const ending = await RawClient.connect(site.url, { allowHalfOpen: true });
      ending.socket.end(part);
      await ending.closed;
    }
    assert.deepEqual(await site.seen(), []);
    assert.equal(await site.stop(), "");
  });
});
