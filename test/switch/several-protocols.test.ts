/** A process that serves one service as a server of requests, of connections and of datagrams, at once. */

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import type { ClusterMember } from "../../src/node/cluster-member.ts";
import { until } from "../cluster/condition.ts";
import { withMembers } from "../node/bench-members.ts";
import { front, PRELUDE, textOf } from "./served.ts";

const LIMIT = { timeout: 60_000 };

/** `/stop` ends the datagrams, and nothing else. */
const ALL = `${PRELUDE}const { listen } = globalThis.__godwit.exports;
const socket = listen({ name: "all", transport: "udp" });
serve(({ url }) => {
  if (url.endsWith("/stop")) socket.close();
  return new Response("http " + self.pid);
}, { address: "service:all" });
Thread.create(() => { for (const connection of listen({ name: "all" })) { connection.write("tcp " + self.pid); connection.close(); } });
Thread.create(() => { for (const { remote } of socket) socket.send("udp " + self.pid, remote); });
`;
const PROGRAM = { name: "all.js", source: ALL, capabilities: { listen: ["service:all"] } };

async function byStream(address: string): Promise<string> {
  const { port, hostname } = new URL(address);
  return text(connect({ port: Number(port), host: hostname }));
}

/** A datagram may be lost: it is sent until there is an answer. */
async function byDatagram(address: string): Promise<string> {
  const { port, hostname } = new URL(address);
  const socket = createSocket("udp4");
  const answered = once(socket, "message");
  const send = () => socket.send("x", Number(port), hostname);
  send();
  const timer = setInterval(send, 1_000);
  try {
    return String((await answered)[0]);
  } finally {
    clearInterval(timer);
    socket.close();
  }
}

async function protocolsOf({ control }: ClusterMember): Promise<string[]> {
  const found = (await control.services()).find(({ name }) => name === "all");
  return found?.members.map(({ pid, protocol }) => `${protocol} ${pid}`) ?? [];
}

await withMembers(["front", "b", "c"], (t) => {
  const fronts = async (start = {}) => {
    const at = t.get("front");
    const [http, tcp, udp] = await Promise.all(
      ["http", "tcp", "udp"].map((scheme) =>
        front(at, { service: "all", address: `${scheme}://127.0.0.1:0`, ...(scheme === "http" ? start : {}) }),
      ),
    );
    return async () =>
      Promise.all([textOf(http ?? ""), byStream(tcp ?? ""), byDatagram(udp ?? "")]).then((said) => ({ said, http }));
  };

  test(
    "each front is answered by it, before and after its home has moved; one can be given up alone",
    LIMIT,
    async () => {
      const b = t.get("b");
      const pid = await b.own.spawn(PROGRAM);
      const every = ["http", "tcp", "udp"].map((protocol) => `${protocol} ${pid}`);
      const isKnown = (protocols: readonly string[]) =>
        until(
          `it serves by ${protocols.join()}`,
          async () => (await protocolsOf(t.get("front"))).join() === protocols.join(),
        );
      await isKnown(every);
      const ask = await fronts();
      const { said, http } = await ask();
      assert.deepEqual(said, every);
      assert.equal((await b.control.migrate(pid, "c")).outcome, "moved");
      await b.cluster.handHome([b.cluster.node.table.living(pid)], "c");
      await isKnown(every);
      assert.deepEqual((await ask()).said, every);
      assert.equal(await textOf(`${http}/stop`), `http ${pid}`);
      await isKnown(every.slice(0, 2));
      assert.equal(await textOf(http ?? ""), `http ${pid}`);
      await t.get("front").control.unexpose("all");
      await t.get("c").own.signal(pid, "SIGKILL");
      await isKnown([]);
    },
  );

  test("one that is started when it is wanted has clients of all kinds, and is ended without any", LIMIT, async () => {
    const ask = await fronts({ start: { program: PROGRAM, idleMs: 300 } });
    const living = async () =>
      (await t.get("b").control.list()).filter(({ name, state }) => name === "all.js" && state !== "ended").length;
    assert.equal(await living(), 0);
    const { said } = await ask();
    const [pid] = said.map((one) => one.split(" ")[1]);
    assert.deepEqual(
      said,
      ["http", "tcp", "udp"].map((protocol) => `${protocol} ${pid}`),
    );
    assert.equal(await living(), 1);
    await t.get("front").control.unexpose("all");
    await until("it is ended", async () => (await living()) === 0, 20_000);
  });
});
