/** Requests that could mean two things, through a front whose process is at another node: refused, or seen as the one that they are. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { withMembers } from "../node/bench-members.ts";
import { REFUSED, SEEING, TAKEN } from "../node/framing-cases.ts";
import { exchange, RawClient } from "../node/raw-client.ts";
import { front, startServer } from "./served.ts";

await withMembers(["a", "b"], (t) => {
  const source = SEEING("service:web").replaceAll("const { serve } = globalThis.__godwit.exports;", "");
  let url = "";
  const seen = async () => (await (await fetch(`${url}/seen`)).json()) as unknown[];

  test(
    "what means two things is answered once, the connection closed, and no process sees it",
    { timeout: 180_000 },
    async () => {
      await startServer(t.get("b"), source, { seenBy: [t.get("a")] });
      url = await front(t.get("a"));
      for (const [name, [request, status]] of Object.entries(REFUSED)) {
        const { text, statuses } = await exchange(url, request);
        assert.deepEqual(statuses, [status], `${name}: ${JSON.stringify(text)}`);
        assert.match(text, /\r\nconnection: close\r\n/i, name);
        assert.deepEqual(await seen(), [], name);
      }
    },
  );

  test("what means one thing is seen as that, once, and the next request behind it", { timeout: 90_000 }, async () => {
    for (const [name, [request, is]] of Object.entries(TAKEN)) {
      const client = (await RawClient.connect(url)).send(request);
      client.send("GET /next HTTP/1.1\r\nHost: z\r\nConnection: close\r\n\r\n");
      await client.closed;
      assert.deepEqual(client.statuses, [200, 200], `${name}: ${JSON.stringify(client.text)}`);
      const all = await seen();
      assert.equal(all.length, 2, name);
      assert.deepEqual(new Set(all), new Set([is, ["GET", "z", "/next", ""]]), name);
    }
  });
});
