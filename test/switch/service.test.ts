/** Services by name: requests come in at one node and are answered by processes of others, wherever those are and go. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../cluster/condition.ts";
import { withMembers } from "../node/bench-members.ts";
import { front, startServer, textOf } from "./served.ts";

const HELLO = `serve((request) => new Response(self.pid + " " + new URL(request.url).pathname), { address: "service:web" });`;

await withMembers(["a", "b"], (t) => {
  test("a request at one node is answered by a process of another", async () => {
    const [a, b] = [t.get("a"), t.get("b")];
    const far = await startServer(b, HELLO, { seenBy: [a, b] });
    const url = await front(a);
    assert.equal(await textOf(`${url}/there`), `${far} /there`);

    const near = await startServer(a, HELLO, { seenBy: [a, b] });
    const answers = new Set<string>();
    await until("both answer", async () => {
      answers.add(await textOf(url));
      return answers.size === 2;
    });
    assert.deepEqual([...answers].sort(), [`${near} /`, `${far} /`].sort());

    const [web] = await a.control.services();
    assert.deepEqual(
      web?.members.map(({ pid, home, protocol }) => ({ pid, home, protocol })),
      [
        { pid: near, home: "a", protocol: "http" },
        { pid: far, home: "b", protocol: "http" },
      ].sort((one, other) => one.pid - other.pid),
    );
    assert.deepEqual(
      web?.fronts.map(({ node, policy }) => ({ node, policy })),
      [{ node: "a", policy: "least-loaded" }],
    );

    await a.own.signal(near, "SIGKILL");
    await b.own.signal(far, "SIGKILL");
    await until("nobody serves", async () => (await a.own.services())[0]?.members.length === 0);
    assert.equal((await a.control.unexpose("web")).length, 1);
    await assert.rejects(fetch(url));
  });
});
