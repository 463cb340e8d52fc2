/** `upgradeWebSocket`: guests that serve WebSockets, to a client that is not ours and to one in a guest. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { WebSocket } from "ws";
import type { SpawnOptions } from "../../src/abi/control.ts";
import { FRAME_MAX_BYTES, SOCKETS_SERVED_MAX } from "../../src/limits.ts";
import { type Started, type TestNode, withNode } from "./bench-node.ts";

const PATIENCE = { timeout: 120_000 };
const ECHO = `const { serve, upgradeWebSocket } = globalThis.__godwit.exports;
const server = serve((request) => {
  if (request.headers.get("upgrade") !== "websocket") return new Response("plain " + request.method + (request.headers.get("upgrade") ?? ""));
  const { pathname } = new URL(request.url);
  if (pathname === "/no") return new Response("not here", { status: 403 });
  if (pathname === "/throw") return upgradeWebSocket(request, { protocol: "never" }).response;
  const offered = request.headers.get("sec-websocket-protocol")?.split(",").map((one) => one.trim()) ?? [];
  const { socket, response } = upgradeWebSocket(request, { protocol: offered.at(-1) ?? "" });
  socket.binaryType = "arraybuffer";
  socket.onopen = () => { if (pathname === "/hello") socket.send("hello " + socket.protocol + " " + socket.url); };
  socket.onmessage = ({ data }) => { if (data === "close me") socket.close(4002, "as you wish"); else socket.send(data); };
  socket.onclose = ({ code, reason, wasClean }) => console.log("closed " + [code, reason, wasClean].join());
  return response;
}, { address: "127.0.0.1:0" });
console.log("at " + server.address + " ");`;

interface Site {
  readonly process: Started;
  readonly host: string;
}

async function start(t: TestNode, source = ECHO, options: Partial<SpawnOptions> = {}): Promise<Site> {
  const process = await t.start(source, { capabilities: { listen: "all" }, ...options });
  return { process, host: (await process.match(/at (127\.0\.0\.1:\d+) /))[1] ?? "" };
}

async function open(site: Site, path = "/", protocols: string[] = []): Promise<WebSocket> {
  const socket = new WebSocket(`ws://${site.host}${path}`, protocols);
  await once(socket, "open");
  return socket;
}

async function answer(socket: WebSocket): Promise<Buffer> {
  return ((await once(socket, "message")) as [Buffer])[0];
}

async function kill(t: TestNode, { process }: Site): Promise<string> {
  await t.node.signal(process.pid, "SIGKILL");
  return (await process.ended).stderr;
}

/** Sends raw bytes, and gives what comes back up to where it matches. */
async function raw(site: Site, text: string, expected: RegExp): Promise<void> {
  const socket = connect(Number(site.host.split(":")[1]), "127.0.0.1");
  socket.write(text);
  let got = "";
  for await (const piece of socket) if (expected.test((got += String(piece)))) return;
  assert.match(got, expected);
}

const OPENING = [
  "GET / HTTP/1.1",
  "Host: x",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

await withNode({ lwps: 2 }, (t) => {
  for (const [name, options] of Object.entries({
    "as it is": {},
    "into a fresh instance at every poll": { stress: { every: 1, at: "poll" } },
  } as const)) {
    test(`talks to a client of Node's, ${name}`, PATIENCE, async () => {
      const site = await start(t, ECHO, options);
      const socket = new WebSocket(`ws://${site.host}/hello?x`, ["a", "b"]);
      assert.equal(String(await answer(socket)), `hello b ws://${site.host}/hello?x`);
      assert.equal(socket.protocol, "b");
      assert.equal(socket.extensions, "");
      for (const data of [
        "text",
        "",
        "ünï😀",
        Buffer.from([1, 2, 3]),
        Buffer.alloc(0),
        Buffer.alloc(FRAME_MAX_BYTES, 7),
      ]) {
        socket.send(data);
        const [got, isBinary] = (await once(socket, "message")) as [Buffer, boolean];
        assert.equal(isBinary, typeof data !== "string");
        assert.ok(got.equals(Buffer.from(data)), String(data).slice(0, 20));
      }
      socket.ping("are you there");
      assert.equal(String((await once(socket, "pong"))[0]), "are you there");
      socket.send("close me");
      const [code, reason] = (await once(socket, "close")) as [number, Buffer];
      assert.deepEqual([code, String(reason)], [4002, "as you wish"]);
      await site.process.printed("closed 4002,as you wish,true");
      assert.equal(await kill(t, site), "");
    });
  }

  test("closes as the client says, and notices one that is gone", PATIENCE, async () => {
    const site = await start(t);
    const clean = await open(site);
    clean.close(1000, "bye");
    await once(clean, "close");
    await site.process.printed("closed 1000,bye,true");
    (await open(site)).close();
    await site.process.printed("closed 1005,,true");
    (await open(site)).terminate();
    await site.process.printed("closed 1006,,false");
    assert.equal(await kill(t, site), "");
  });

  test("a process that ends leaves no client waiting", PATIENCE, async () => {
    const site = await start(t);
    const socket = await open(site);
    const closed = once(socket, "close");
    await kill(t, site);
    assert.equal((await closed)[0], 1006);
  });

  test("may refuse, and is not talked into what was not asked for", PATIENCE, async () => {
    const site = await start(t);
    for (const [path, status] of Object.entries({ "/no": 403, "/throw": 500 })) {
      const socket = new WebSocket(`ws://${site.host}${path}`);
      const [, response] = (await once(socket, "unexpected-response")) as [unknown, { statusCode: number }];
      assert.equal(response.statusCode, status);
      socket.on("error", () => {});
      socket.terminate();
    }
    const without = (gone: string) => `${OPENING.filter((line) => !line.startsWith(gone)).join("\r\n")}\r\n\r\n`;
    // No WebSocket, but a request all the same; with the header there, `upgradeWebSocket` says that there is no key.
    await raw(site, without("Upgrade"), /^HTTP\/1\.1 200 OK[^]*plain GET$/);
    await raw(site, without("Sec-WebSocket-Key"), /^HTTP\/1\.1 500 /);
    await raw(site, without("Sec-WebSocket-Version"), /^HTTP\/1\.1 500 /);
    const post = without("none").replace("GET", "POST").replace("Host: x", "Host: x\r\nContent-Length: 2");
    await raw(site, `${post}ab`, /^HTTP\/1\.1 500 /);
    const h2c = "POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nab";
    await raw(site, h2c, /^HTTP\/1\.1 200 OK[^]*plain POSTh2c$/);
    assert.match(await kill(t, site), /does not ask|did not offer|was granted/);
  });

  test("what breaks the protocol, or is too large, ends that client and no other", PATIENCE, async () => {
    const site = await start(t);
    const other = await open(site);
    const large = await open(site);
    large.on("error", () => {});
    large.send(Buffer.alloc(FRAME_MAX_BYTES + 1));
    assert.equal((await once(large, "close"))[0], 1009);
    // A frame that is not masked, and one of an opcode that there is none of.
    for (const frame of [Buffer.from([0x81, 1, 65]), Buffer.from([0x83, 0x81, 0, 0, 0, 0, 65])]) {
      const socket = connect(Number(site.host.split(":")[1]), "127.0.0.1");
      socket.write(`${OPENING.join("\r\n")}\r\n\r\n`);
      assert.match(String((await once(socket, "data"))[0]), /^HTTP\/1\.1 101 /);
      socket.write(frame);
      const pieces: Buffer[] = [];
      for await (const piece of socket as AsyncIterable<Buffer>) pieces.push(piece);
      // A close frame, 1002.
      assert.deepEqual([...Buffer.concat(pieces).subarray(0, 4)], [0x88, 2, 3, 0xea]);
    }
    other.send("still here");
    assert.equal(String(await answer(other)), "still here");
    await site.process.match(/(closed 1006,,false\n){3}/);
    other.terminate();
    assert.equal(await kill(t, site), "");
  });

  test("a client that does not read slows its server, and gets all in the end", PATIENCE, async () => {
    const site = await start(
      t,
      `const { serve, upgradeWebSocket } = globalThis.__godwit.exports;
      const server = serve((request) => {
        const { socket, response } = upgradeWebSocket(request);
        socket.onopen = async () => {
          for (let n = 0; n < 400; n++) {
            socket.send(new Uint8Array(65536).fill(n));
            while (socket.bufferedAmount > 65536) await new Promise((done) => setTimeout(done, 1));
            if (n === 30) console.log("thirty");
          }
          console.log("all");
          socket.close(1000);
        };
        return response;
      }, { address: "127.0.0.1:0" });
      console.log("at " + server.address + " ");`,
    );
    const socket = await open(site);
    socket.pause();
    let bytes = 0;
    let order = 0;
    socket.on("message", (data: Buffer) => {
      assert.equal(data[0], order++ % 256);
      bytes += data.length;
    });
    const done = site.process.printed("all").then(() => "all");
    const early = await Promise.race([done, new Promise((resolve) => setTimeout(() => resolve("waits"), 1_500))]);
    assert.equal(early, "waits");
    socket.resume();
    await once(socket, "close");
    assert.equal(bytes, 400 * 65536);
    assert.equal(await kill(t, site), "");
  });

  test("a guest talks to a guest", PATIENCE, async () => {
    const site = await start(t);
    const { stdout, stderr } = await t.run(
      `const socket = new WebSocket("ws://${site.host}/hello", ["p"]);
      socket.onmessage = ({ data }) => { console.log(data); socket.send("close me"); };
      socket.onclose = ({ code, reason, wasClean }) => console.log(code, reason, wasClean);`,
      { capabilities: { net: "all" } },
    );
    assert.equal(stderr, "");
    assert.equal(stdout, `hello p ws://${site.host}/hello\n4002 as you wish true\n`);
    assert.equal(await kill(t, site), "");
  });

  test("has at most so many at once", PATIENCE, async () => {
    const site = await start(t);
    const sockets = await Promise.all(Array.from({ length: SOCKETS_SERVED_MAX }, () => open(site)));
    const beyond = new WebSocket(`ws://${site.host}/`);
    const [, response] = (await once(beyond, "unexpected-response")) as [unknown, { statusCode: number }];
    assert.equal(response.statusCode, 503);
    beyond.on("error", () => {}).terminate();
    const last = sockets.pop();
    last?.close();
    await site.process.printed("closed 1005,,true");
    const again = await open(site);
    again.send("room");
    assert.equal(String(await answer(again)), "room");
    for (const socket of [...sockets, again]) socket.terminate();
    await kill(t, site);
  });
});
