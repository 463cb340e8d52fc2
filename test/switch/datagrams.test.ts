/** Datagrams over fronts: who is answered by whom, what is lost, who is forgotten, and what goes on while homes move. */

import assert from "node:assert/strict";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import type { ClusterMember } from "../../src/node/cluster-member.ts";
import { DATAGRAM_MAX_BYTES } from "../../src/limits.ts";
import { until } from "../cluster/condition.ts";
import { withMembers } from "../node/bench-members.ts";
import { startServer } from "./served.ts";

const LISTENING = `const { listen } = globalThis.__godwit.exports;\n`;
const echo = (service: string) => `${LISTENING}
const socket = listen({ name: "${service}", transport: "udp" });
for (const { data, remote } of socket) {
  if (data.length === 3) socket.send(self.pid + " " + remote + " " + self.node, remote);
  else socket.send(data, remote);
}`;

async function front(at: ClusterMember, service: string, policy = "least-loaded"): Promise<number> {
  const { address } = await at.own.expose({ service, address: "udp://127.0.0.1:0", policy });
  return Number(/^udp:\/\/127\.0\.0\.1:(\d+)$/.exec(address)?.[1]);
}

async function client(): Promise<Socket> {
  // It keeps nobody waiting for the end of a test that has failed.
  const socket = createSocket("udp4").unref();
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

/** Sends it until an answer comes: a datagram may be lost. */
async function ask(socket: Socket, port: number, data: string | Buffer): Promise<Buffer> {
  const answered = once(socket, "message") as Promise<[Buffer, RemoteInfo]>;
  const send = () => socket.send(data, port, "127.0.0.1");
  send();
  const timer = setInterval(send, 1_000);
  try {
    const [answer, from] = await answered;
    assert.equal(from.port, port, "it comes from the front's address");
    return answer;
  } finally {
    clearInterval(timer);
  }
}

/** Somebody else, whoever it is, has the port for TCP: then it was not this front's port for datagrams that was in the way. */
async function isInUse(error: unknown, port: number): Promise<{ readonly address: string }> {
  const other = createServer();
  other.listen(port, "127.0.0.1");
  await assert.rejects(once(other, "listening"), { code: "EADDRINUSE" }, String(error));
  return { address: `tcp://127.0.0.1:${port}` };
}

await withMembers(["front", "b", "c"], (t) => {
  const all = () => ["front", "b", "c"].map((name) => t.get(name));

  test("of every size, each client by the process that it began with", { timeout: 90_000 }, async () => {
    const pids = await Promise.all(
      ["b", "c"].map((at) => startServer(t.get(at), echo("echo"), { service: "echo", seenBy: all() })),
    );
    const port = await front(t.get("front"), "echo");
    const clients = await Promise.all(Array.from({ length: 6 }, () => client()));
    const served: number[] = [];
    for (const socket of clients) {
      for (const sizeBytes of [0, 1, 1000, DATAGRAM_MAX_BYTES]) {
        const sent = Buffer.alloc(sizeBytes, sizeBytes);
        assert.ok((await ask(socket, port, sent)).equals(sent), `${sizeBytes} bytes`);
      }
      const words = String(await ask(socket, port, "who")).split(" ");
      assert.equal(words[1], `127.0.0.1:${socket.address().port}`);
      served.push(Number(words[0]));
      for (let again = 0; again < 5; again++)
        assert.equal(String(await ask(socket, port, "who")).split(" ")[0], words[0]);
    }
    for (const pid of pids) assert.equal(served.filter((one) => one === pid).length, 3, "as many with each");

    // Those of a process that ends are another's.
    await t.get("b").own.signal(pids[0] ?? 0, "SIGKILL");
    const orphan = clients[served.indexOf(pids[0] ?? 0)] as Socket;
    assert.equal(String(await ask(orphan, port, "who")).split(" ")[0], String(pids[1]));
    for (const socket of clients) socket.close();
    await t.get("front").own.unexpose("echo");
    await t.get("c").own.signal(pids[1] ?? 0, "SIGKILL");
  });

  test("go on while the process moves, and its home", { timeout: 120_000 }, async () => {
    const pid = await startServer(t.get("b"), echo("moved"), { service: "moved", seenBy: all() });
    const port = await front(t.get("front"), "moved");
    const sockets = await Promise.all([client(), client()]);
    const homes = ["b", "c", "front"];
    for (let turn = 0; turn < 6; turn++) {
      const [from = "", to = ""] = [homes[turn % 3], homes[(turn + 1) % 3]];
      let isOver = false;
      const asking = sockets.map(async (socket, index) => {
        for (let count = 0; !isOver; count++) {
          const said = `client ${index} in turn ${turn}, ${count}`;
          assert.equal(String(await ask(socket, port, said)), said);
        }
      });
      const { outcome, reason } = await t.get(from).control.migrate(pid, to);
      assert.equal(outcome, "moved", reason);
      await t.get(from).cluster.handHome([t.get(from).cluster.node.table.living(pid)], to);
      isOver = true;
      await Promise.all(asking);
      // Both are known as they were: they have sessions, with the same process at its new home.
      await until("the front knows the new home, and that both are there", async () => {
        const service = (await t.get("front").own.services()).find(({ name }) => name === "moved");
        const [member] = service?.members ?? [];
        return member?.home === to && member.open === 2 && member.protocol === "udp";
      });
      const [socket] = sockets;
      assert.equal(String(await ask(socket, port, "who")), `${pid} 127.0.0.1:${socket.address().port} ${to}`);
    }
    for (const socket of sockets) socket.close();
    await t.get("front").own.unexpose("moved");
    await t.get("b").own.signal(pid, "SIGKILL");
  });

  test(
    "a client of two fronts is answered by the one that it asked last, also when the home moves",
    { timeout: 60_000 },
    async () => {
      const pid = await startServer(t.get("b"), echo("two"), { service: "two", seenBy: all() });
      const ports = [await front(t.get("front"), "two"), await front(t.get("c"), "two")];
      const socket = await client();
      const askBoth = async (what: string) => {
        for (const turn of [0, 1, 0, 0, 1, 1, 0]) {
          const said = `${what} by ${turn}`;
          assert.equal(String(await ask(socket, ports[turn] ?? 0, said)), said);
        }
      };
      await askBoth("before");
      assert.equal((await t.get("b").control.migrate(pid, "c")).outcome, "moved");
      await t.get("b").cluster.handHome([t.get("b").cluster.node.table.living(pid)], "c");
      await askBoth("after");
      socket.close();
      await t.get("front").control.unexpose("two");
      await t.get("c").own.signal(pid, "SIGKILL");
    },
  );

  test("what a busy process has no room for is lost, and counted", { timeout: 90_000 }, async () => {
    const pid = await startServer(
      t.get("b"),
      `${LISTENING}
      const socket = listen({ name: "busy", transport: "udp" });
      const { remote } = socket.receive();
      socket.send("ready", remote);
      const untilMs = Date.now() + 1500;
      while (Date.now() < untilMs);
      let received = 0, lost = 0;
      for (;;) {
        const one = socket.receive();
        lost += one.lost;
        if (one.data.length === 4) socket.send(received + " " + lost, one.remote);
        else received++;
      }`,
      { service: "busy", seenBy: all() },
    );
    const port = await front(t.get("front"), "busy");
    const socket = await client();
    assert.equal(String(await ask(socket, port, "begin")), "ready");
    const payload = Buffer.alloc(8_000);
    for (let count = 0; count < 400; count++) {
      await new Promise((resolve) => socket.send(payload, port, "127.0.0.1", resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const [received = 0, lost = 0] = String(await ask(socket, port, "done"))
      .split(" ")
      .map(Number);
    assert.ok(received >= 30 && received < 120, `${received} were received`);
    assert.ok(lost > 50 && received + lost <= 420, `${lost} were lost`);
    socket.close();
    await t.get("front").own.unexpose("busy");
    await t.get("b").own.signal(pid, "SIGKILL");
  });

  test("first ones wait for a process that is yet to come", { timeout: 60_000 }, async () => {
    const port = await front(t.get("front"), "late");
    const socket = await client();
    const answered = once(socket, "message") as Promise<[Buffer]>;
    socket.send("early", port, "127.0.0.1");
    const pid = await startServer(t.get("c"), echo("late"), { service: "late", seenBy: all() });
    assert.equal(String((await answered)[0]), "early");
    // TCP has ports of its own, of which anybody may have this one.
    const tcp = await t
      .get("front")
      .own.expose({ service: "late", address: `tcp://127.0.0.1:${port}` })
      .catch((error: unknown) => isInUse(error, port));
    assert.equal(tcp.address, `tcp://127.0.0.1:${port}`);
    const twice = t.get("front").own.expose({ service: "other", address: `udp://127.0.0.1:${port}` });
    await assert.rejects(twice, { code: "EADDRINUSE" });
    await t.get("front").own.unexpose("late");
    await until("nothing is open", async () => {
      const services = await t.get("front").own.services();
      return services.find(({ name }) => name === "late")?.members[0]?.open === 0;
    });
    socket.close();
    await t.get("c").own.signal(pid, "SIGKILL");
  });
});
