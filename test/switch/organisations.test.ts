/** Every organisation of a server behind a service: who works on a request is the server's business. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../cluster/condition.ts";
import { ORGANISATIONS } from "../guest/conversation.ts";
import { withMembers } from "../node/bench-members.ts";
import { front, textOf } from "./served.ts";

await withMembers(["a", "b"], (t) => {
  for (const organisation of ORGANISATIONS)
    test(organisation, { timeout: 120_000 }, async () => {
      const [a, b] = [t.get("a"), t.get("b")];
      const url = await front(a);
      const server = await b.own.spawn({
        name: "server.js",
        source: `const { serve, self, sleep } = globalThis.__godwit.exports;
          serve(async (request) => { const text = await request.text(); sleep(1); return new Response(self.pid + " " + text); },
            { address: "service:web", organisation: "${organisation}", threads: 3, processes: 3 });`,
        capabilities: { listen: ["service:web"] },
      });
      const long = "x".repeat(200_000);
      const pids = new Set<string>();
      await until("as many answer as serve", async () => {
        const bodies = ["short", long, "another", long];
        const texts = await Promise.all(bodies.map((body) => textOf(url, { method: "POST", body })));
        for (const [index, text] of texts.entries()) {
          const [pid = "", said] = text.split(" ");
          pids.add(pid);
          assert.ok(said === bodies[index], `${said?.length} characters`);
        }
        return pids.size >= (organisation === "pre-forked" ? 3 : 1);
      });
      const isAlone = !organisation.includes("process") && organisation !== "pre-forked";
      assert.equal(pids.has(String(server)), isAlone);
      await b.own.signal(server, "SIGKILL");
      await until("nobody serves", async () => ((await a.own.services())[0]?.members.length ?? 0) === 0);
      await a.control.unexpose("web");
    });
});
