/** `listen` for datagrams, between programs in guests and clients over real sockets. */

import assert from "node:assert/strict";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import type { SpawnOptions } from "../../src/abi/control.ts";
import { DATAGRAM_MAX_BYTES } from "../../src/limits.ts";
import { type Started, type TestNode, withNode } from "./bench-node.ts";

const LISTENING = `const { listen } = globalThis.__godwit.exports;
const socket = listen({ address: "127.0.0.1:0", transport: "udp" });
console.log("at " + socket.address + " ");\n`;
const BLOCKING = `${LISTENING}
for (const { data, remote } of socket) socket.send(data, remote);`;
const AWAITED = `${LISTENING}
for await (const { data, remote } of socket) await socket.sendAsync(data, remote);`;

interface Site {
  readonly process: Started;
  readonly port: number;
}

async function start(t: TestNode, source: string, options: Partial<SpawnOptions> = {}): Promise<Site> {
  const process = await t.start(source, { capabilities: { listen: "all" }, ...options });
  return { process, port: Number((await process.match(/at 127\.0\.0\.1:(\d+) /))[1]) };
}

async function client(): Promise<Socket> {
  const socket = createSocket("udp4");
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
    assert.equal(from.port, port);
    return answer;
  } finally {
    clearInterval(timer);
  }
}

await withNode({ lwps: 2 }, (t) => {
  for (const [name, source, options] of [
    ["by a thread that blocks", BLOCKING, {}],
    ["by await", AWAITED, {}],
    ["into a fresh instance at every poll", BLOCKING, { stress: { every: 1, at: "poll" } }],
  ] as const) {
    test(`echoes datagrams of every size, ${name}`, { timeout: 120_000 }, async () => {
      const site = await start(t, source, options);
      const socket = await client();
      for (const sizeBytes of [0, 1, 1000, DATAGRAM_MAX_BYTES]) {
        const sent = Buffer.alloc(sizeBytes, sizeBytes);
        assert.ok((await ask(socket, site.port, sent)).equals(sent), `${sizeBytes} bytes`);
      }
      socket.close();
      await t.node.signal(site.process.pid, "SIGKILL");
      assert.equal((await site.process.ended).stderr, "");
    });
  }

  test("says what could not be received, and refuses what cannot be sent", { timeout: 120_000 }, async () => {
    const site = await start(
      t,
      `${LISTENING}
      stdin.readLine();
      let received = 0, lost = 0;
      for (;;) {
        const one = socket.receive();
        lost += one.lost;
        received++;
        if (one.data.length === 4) {
          console.log("received " + received + " lost " + lost);
          socket.send("done", one.remote);
          break;
        }
      }
      console.log(socket.receive({ timeoutMs: 0 }) === undefined || "more");
      for (const [data, to] of [[new Uint8Array(65508), "127.0.0.1:1"], ["x", "localhost:1"], ["x", "127.0.0.1"]])
        try { socket.send(data, to); } catch (error) { console.log(error.code); }
      socket.close();
      try { socket.receive(); } catch (error) { console.log(error.code); }`,
    );
    const socket = await client();
    const payload = Buffer.alloc(8_000);
    for (let count = 0; count < 400; count++) {
      await new Promise((resolve) => socket.send(payload, site.port, "127.0.0.1", resolve));
      // The node is in this OS process: it has a turn to take what came.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await t.node.input(site.process.pid, Buffer.from("go\n"));
    assert.equal(String(await ask(socket, site.port, "last")), "done");
    socket.close();
    const { stdout, stderr } = await site.process.ended;
    assert.equal(stderr, "");
    const [, received = "", lost = ""] = /received (\d+) lost (\d+)/.exec(stdout) ?? [];
    // A window's worth waited for it; of the rest it is told, but for what the system itself dropped.
    assert.ok(Number(received) >= 30 && Number(received) < 100, stdout);
    assert.ok(Number(lost) > 50, stdout);
    assert.match(stdout, /EMSGSIZE\nEINVAL\nEINVAL\nECANCELED\n$/);
  });

  test("sends to who has sent, and to others only by the net capability", { timeout: 120_000 }, async () => {
    const [known, other] = [await client(), await client()];
    const heard: string[] = [];
    other.on("message", (data) => heard.push(String(data)));
    const program = `${LISTENING}
      const { remote } = socket.receive();
      socket.send("secret", "127.0.0.1:${other.address().port}");
      socket.send("answer", remote);
      socket.receive();`;
    const allowed = [`127.0.0.1:${other.address().port}`];
    for (const net of [[], allowed]) {
      const site = await start(t, program, { capabilities: { listen: "all", net } });
      assert.equal(String(await ask(known, site.port, "x")), "answer");
      if (net.length > 0) while (heard.length === 0) await once(other, "message");
      // What it sends itself comes after what the guest sent, if that came.
      const self = once(other, "message");
      other.send("mine", other.address().port, "127.0.0.1");
      await self;
      assert.deepEqual(heard.splice(0), net.length > 0 ? ["secret", "mine"] : ["mine"]);
      await t.node.signal(site.process.pid, "SIGKILL");
      await site.process.ended;
    }
    known.close();
    other.close();
  });
});
