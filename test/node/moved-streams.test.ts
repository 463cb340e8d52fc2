/** Servers of streams, datagrams and WebSockets that are moved between nodes while their clients talk: none loses a byte. */

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { WebSocket } from "ws";
import { type TestCluster, withCluster } from "./bench-cluster.ts";
import type { Started } from "./bench-node.ts";

const LISTENING = `const { listen, serve, upgradeWebSocket } = globalThis.__godwit.exports;\n`;
const STREAMS = `${LISTENING}
const listener = listen({ address: "127.0.0.1:0" });
console.log("at " + listener.address + " ");
for (const connection of listener)
  Thread.create(() => {
    console.log("moved to " + self.node + ", still at " + listener.address);
    for (const bytes of connection) connection.write(bytes);
    connection.close();
  });`;
const DATAGRAMS = `${LISTENING}
const socket = listen({ address: "127.0.0.1:0", transport: "udp" });
console.log("at " + socket.address + " ");
for await (const { data, remote } of socket) await socket.sendAsync(data, remote);`;
const SOCKETS = `${LISTENING}
const server = serve((request) => {
  const { socket, response } = upgradeWebSocket(request);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => socket.send(data);
  return response;
}, { address: "127.0.0.1:0" });
console.log("at " + server.address + " ");`;
const MOVES = ["b", "c", "a", "b", "a", "c", "a"];
const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

interface Site {
  readonly process: Started;
  readonly port: number;
}

await withCluster(["a", "b", "c"], (t) => {
  async function start(source: string): Promise<Site> {
    const process = await t.test("a").start(source, { capabilities: { listen: "all" } });
    return { process, port: Number((await process.match(/at 127\.0\.0\.1:(\d+) /))[1]) };
  }

  /** Moves it when so many bytes have come back, at ever other places. */
  class Mover {
    readonly #site: Site;
    readonly #everyBytes: number;
    #bytes = 0;
    readonly #left = [...MOVES];
    #moving: Promise<void> = Promise.resolve();

    constructor(site: Site, everyBytes: number) {
      this.#site = site;
      this.#everyBytes = everyBytes;
    }

    passed(bytes: number): void {
      this.#bytes += bytes;
      if (this.#bytes < this.#everyBytes) return;
      this.#bytes = 0;
      const to = this.#left.shift();
      if (to !== undefined) this.#moving = this.#moving.then(() => move(t, this.#site.process.pid, to));
    }

    async done(): Promise<void> {
      await this.#moving;
      assert.equal(this.#left.length, 0, "it was moved as often as was meant");
    }
  }

  async function kill({ process }: Site): Promise<string> {
    await t.test("a").node.signal(process.pid, "SIGKILL");
    return (await process.ended).stderr;
  }

  test("streams, one of which stands open all the while", { timeout: 180_000 }, async () => {
    const site = await start(STREAMS);
    const mover = new Mover(site, 500_000);
    const idle = connect({ port: site.port, host: "127.0.0.1", allowHalfOpen: true });
    await once(idle, "connect");
    const exchange = async (bytes: Buffer): Promise<Buffer> => {
      const socket: Socket = connect({ port: site.port, host: "127.0.0.1", allowHalfOpen: true });
      socket.end(bytes);
      const pieces: Buffer[] = [];
      for await (const piece of socket as AsyncIterable<Buffer>) {
        pieces.push(piece);
        mover.passed(piece.length);
      }
      return Buffer.concat(pieces);
    };
    const sent = Array.from({ length: 4 }, () => randomBytes(2 ** 20));
    const got = await Promise.all(sent.map(exchange));
    assert.deepEqual(got.map(digest), sent.map(digest));
    await mover.done();
    await move(t, site.process.pid, "b");
    idle.end("still here");
    const [answer] = (await once(idle, "data")) as [Buffer];
    assert.equal(String(answer), "still here");
    // Its address is the one at home, wherever it runs.
    (await exchange(Buffer.from("x"))).toString();
    await site.process.printed(`moved to b, still at 127.0.0.1:${site.port}`);
    assert.equal(await kill(site), "");
  });

  test("datagrams", { timeout: 180_000 }, async () => {
    const site = await start(DATAGRAMS);
    const mover = new Mover(site, 20_000);
    const socket = createSocket("udp4");
    for (let count = 0; count < 160; count++) {
      const answered = once(socket, "message") as Promise<[Buffer]>;
      const send = () => socket.send(`${count} `.padEnd(1000, "x"), site.port, "127.0.0.1");
      send();
      // One may be lost.
      const timer = setInterval(send, 2_000);
      const [data] = await answered;
      clearInterval(timer);
      assert.match(String(data), /^\d+ x+$/);
      mover.passed(data.length);
    }
    socket.close();
    await mover.done();
    assert.equal(await kill(site), "");
  });

  test("WebSockets", { timeout: 180_000 }, async () => {
    const site = await start(SOCKETS);
    const mover = new Mover(site, 200_000);
    const socket = new WebSocket(`ws://127.0.0.1:${site.port}/`);
    await once(socket, "open");
    const sent = Array.from({ length: 400 }, (_, index) => randomBytes(index * 20));
    const got: Buffer[] = [];
    const all = new Promise<void>((resolve) => {
      socket.on("message", (data: Buffer) => {
        mover.passed(data.length);
        if (got.push(data) === sent.length) resolve();
      });
    });
    for (const message of sent) socket.send(message);
    await all;
    assert.deepEqual(got.map(digest), sent.map(digest));
    await mover.done();
    socket.close(1000);
    assert.equal((await once(socket, "close"))[0], 1000);
    assert.equal(await kill(site), "");
  });
});

async function move(t: TestCluster, pid: number, to: string): Promise<void> {
  const { outcome, reason } = await t.get("a").migrate(pid, to);
  assert.equal(outcome, "moved", reason);
}
