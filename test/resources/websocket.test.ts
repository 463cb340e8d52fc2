import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { createServer as createTls } from "node:https";
import type { AddressInfo, Server, Socket } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";

import { type Frame, FRAME_KINDS, type FrameKind } from "../../src/abi/channel.ts";
import { FRAGMENTS_MAX, FRAME_MAX_BYTES } from "../../src/limits.ts";
import { NameLookup } from "../../src/resources/name-lookup.ts";
import { NetAccess } from "../../src/resources/net-access.ts";
import { openSocket } from "../../src/resources/websocket.ts";
import { closedPort, eventually, rawServer } from "./local-server.ts";
import { json, RecordedLine } from "./recorded-line.ts";

type Net = NetAccess | readonly string[] | "all";
const LOCAL = ["127.0.0.1"];

function open(url: string, net: Net = LOCAL, protocols: readonly string[] = [], windowBytes = Infinity) {
  const line = new RecordedLine(windowBytes);
  const driver = line.join(openSocket({ kind: "socket", url, protocols }, line, net));
  return { line, driver };
}

/** A server by `ws`, on `http`. */
async function serve(context: TestContext, meet: (socket: WebSocket) => void, http: Server = createHttp()) {
  const server = new WebSocketServer({ server: http as ReturnType<typeof createHttp>, perMessageDeflate: true });
  const sockets = new Set<WebSocket>();
  const requests: NodeJS.Dict<string | string[]>[] = [];
  server.on("connection", (socket, request) => {
    requests.push(request.headers);
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    meet(socket);
  });
  context.after(() => {
    for (const socket of sockets) socket.terminate();
    server.close();
    http.close();
  });
  await once(http.listen(0, "127.0.0.1"), "listening");
  const { port } = http.address() as AddressInfo;
  return { port, url: `ws://127.0.0.1:${port}/`, sockets, requests };
}

/** A server that opens a WebSocket as it should, and then does with the connection what it likes. */
async function rawSocketServer(context: TestContext, misbehave: (socket: Socket) => void, more = "") {
  const server = await rawServer(context, (socket, start) => {
    const key = /sec-websocket-key: (.*)\r\n/i.exec(start)?.[1] ?? "";
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${more}\r\n`,
    );
    misbehave(socket);
  });
  return { ...server, url: `ws://${server.host}/`, open: server.open };
}

const frame = (kind: FrameKind, value: string | Uint8Array): Frame => ({ kind, bytes: Buffer.from(value) });
const text = (value: string) => frame(FRAME_KINDS.text, value);
const binary = (value: string | Uint8Array) => frame(FRAME_KINDS.data, value);
const end = (code: number, reason = "") => frame(FRAME_KINDS.end, JSON.stringify({ code, reason }));

const isOpen = (line: RecordedLine) => line.until(() => line.frames.length > 0, "the head");

/** An empty fragment of a text message, its first or one that goes on. */
const FIRST = Buffer.from([0x01, 0x00]);
const NEXT = Buffer.from([0x00, 0x00]);

describe("a WebSocket", () => {
  test("opens, carries text and binary messages both ways, and is closed by the process", async (context) => {
    const closed: unknown[] = [];
    const { url, requests } = await serve(context, (socket) => {
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
      socket.on("close", (code, reason) => closed.push(code, reason.toString()));
    });
    const { line, driver } = open(url);
    await isOpen(line);
    const sent = [text("h\u00e9llo"), binary(randomBytes(70_000)), text(""), binary("")];
    for (const each of sent) await driver.take(each);
    await line.until(() => line.frames.length === 5, "the echoes");
    await driver.take(end(4001, "enough"));
    await line.until(() => line.isEnded, "the end");
    assert.deepEqual(json(line.frames[0]), { protocol: "", extensions: "" });
    assert.deepEqual(
      line.frames.slice(1, 5).map(({ kind, bytes }) => [kind, Buffer.from(bytes).toString("hex")]),
      sent.map(({ kind, bytes }) => [kind, Buffer.from(bytes).toString("hex")]),
    );
    assert.deepEqual(json(line.frames[5]), { code: 4001, reason: "enough" });
    assert.deepEqual(closed, [4001, "enough"]);
    assert.equal(requests[0]?.["sec-websocket-extensions"], undefined, "no compression is offered");
  });

  test("is closed by the server", async (context) => {
    const { url } = await serve(context, (socket) => {
      socket.send("last");
      socket.close(1001, "going");
    });
    const { line, driver } = open(url);
    await line.until(() => line.isEnded, "the end");
    assert.equal(line.frames.length, 3);
    assert.deepEqual(json(line.frames[2]), { code: 1001, reason: "going" });
    await driver.take(text("into the void"));
    await driver.take(end(1000));
    driver.close();
    assert.equal(line.broken, undefined);
  });

  test("is closed without a code, both ways", async (context) => {
    const codes: number[] = [];
    const { url } = await serve(context, (socket) => socket.on("close", (code) => codes.push(code)));
    const { line, driver } = open(url);
    await isOpen(line);
    await driver.take(end(1005));
    await line.until(() => line.isEnded, "the end");
    assert.deepEqual(json(line.frames[1]), { code: 1005, reason: "" });
    assert.deepEqual(codes, [1005]);
  });

  test("offers protocols, and tells which the server took", async (context) => {
    const { url, requests } = await serve(context, () => {});
    const { line, driver } = open(url, LOCAL, ["one", "two"]);
    await isOpen(line);
    assert.deepEqual(json(line.frames[0]), { protocol: "one", extensions: "" });
    assert.equal(requests[0]?.["sec-websocket-protocol"], "one,two");
    driver.close();
  });

  test("answers pings", async (context) => {
    const answers: string[] = [];
    const { url } = await serve(context, (socket) => {
      socket.on("pong", (data) => answers.push(data.toString()));
      socket.ping("are you there");
    });
    const { driver } = open(url);
    await eventually(() => answers.length > 0, "a pong");
    assert.deepEqual(answers, ["are you there"]);
    driver.close();
  });

  test("puts fragments together", async (context) => {
    const { url } = await serve(context, (socket) => {
      for (const part of ["one ", "two ", "three"]) socket.send(part, { fin: part === "three" });
    });
    const { line, driver } = open(url);
    await line.until(() => line.frames.length === 2, "the message");
    assert.deepEqual(line.frames[1], { kind: FRAME_KINDS.text, bytes: Uint8Array.from(Buffer.from("one two three")) });
    driver.close();
  });

  test("over TLS", async (context) => {
    const folder = new URL("../../../test/fixtures/tls/", import.meta.url);
    const read = (name: string) => readFileSync(new URL(name, folder), "utf8");
    const cert = read("certificate.pem");
    const http = createTls({ key: read("key.pem"), cert });
    const { port } = await serve(context, (socket) => socket.send("secret"), http);
    const lookup = new NameLookup(() => Promise.resolve(["127.0.0.1"]));
    const net = ["*.example", "127.0.0.1"];
    const { line, driver } = open(`wss://tls.example:${port}/`, new NetAccess(net, { lookup, authorities: cert }));
    await line.until(() => line.frames.length === 2, "the message");
    driver.close();
    const untrusted = open(`wss://tls.example:${port}/`, new NetAccess(net, { lookup }));
    assert.equal((await untrusted.line.fault()).code, "EPROTO");
  });

  test("ends at once when its channel is closed, open or not", async (context) => {
    const { url, sockets } = await serve(context, () => {});
    for (let count = 0; count < 50; count++) open(url).driver.close();
    const { line, driver } = open(url);
    await isOpen(line);
    await eventually(() => sockets.size === 1, "the one that is open");
    driver.close();
    await eventually(() => sockets.size === 0, "its end");
    assert.equal(line.frames.length, 1);
    assert.equal(line.broken, undefined);
  });
});

describe("back pressure", () => {
  test("a process that does not read stops the server", async (context) => {
    const message = Buffer.alloc(64 * 1024);
    let sent = 0;
    const { url, sockets } = await serve(context, (socket) => {
      const pour = () => {
        if (socket.readyState === WebSocket.OPEN) socket.send(message, { compress: false }, () => (sent++, pour()));
      };
      pour();
    });
    const { line, driver } = open(url, LOCAL, [], 256 * 1024);
    await line.until(() => line.bodyBytes >= 256 * 1024, "a window full");
    let before = -1;
    while (before !== sent) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const stood = line.bodyBytes;
    assert.ok(stood <= 512 * 1024, `${stood} bytes were passed on`);
    line.drain();
    await line.until(() => line.bodyBytes >= stood + 256 * 1024, "another window full");
    // The end of it is found behind all that was not read.
    await driver.take(end(1000, "stop"));
    await eventually(() => sockets.size === 0, "the server's end");
    await line.until(() => line.isEnded, "the end");
    assert.deepEqual(json(line.frames.at(-1)), { code: 1000, reason: "stop" });
  });

  test("a server that does not read stops the process", async (context) => {
    const { url } = await rawSocketServer(context, (socket) => socket.pause());
    const { line, driver } = open(url);
    await isOpen(line);
    let isWaiting = false;
    let sent = 0;
    const sending = (async () => {
      for (; sent < 64; sent++) {
        const taking = driver.take(binary(new Uint8Array(FRAME_MAX_BYTES)));
        isWaiting = taking !== undefined;
        await taking;
      }
    })();
    await eventually(() => isWaiting, "a message that waits");
    let before = -1;
    while (before !== sent) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.ok(sent < 32, `stopped after ${sent} of 64 MB`);
    driver.close();
    await sending;
  });
});

describe("what goes wrong", () => {
  test("a host that is not allowed: EACCES, by name and by address", async () => {
    assert.throws(() => open("ws://example.com/", []), {
      code: "EACCES",
      message: "connecting to example.com is not allowed: allow it with --allow-net=example.com:80",
    });
    assert.throws(() => open("wss://example.com/", ["example.com:80"]), /--allow-net=example\.com:443/);
    const lookup = new NameLookup(() => Promise.resolve(["127.0.0.1"]));
    const fault = await open("ws://inside.example/", new NetAccess(["inside.example"], { lookup })).line.fault();
    assert.equal(fault.code, "EACCES");
    assert.match(fault.message, /it is 127\.0\.0\.1, which is not a public address/);
  });

  test("nobody listens: ECONNREFUSED", async () => {
    assert.equal((await open(`ws://127.0.0.1:${await closedPort()}/`).line.fault()).code, "ECONNREFUSED");
  });

  const openings: readonly [name: string, answer: string, code: string][] = [
    ["another answer", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "EPROTO"],
    ["a redirect", "HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "EPROTO"],
    ["no HTTP", "what?\r\n\r\n", "EPROTO"],
    ["a head over the bound", `HTTP/1.1 101 x\r\nX: ${"x".repeat(100_000)}\r\n\r\n`, "EPROTO"],
    [
      "a wrong key",
      "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: eA==\r\n\r\n",
      "EPROTO",
    ],
    ["nothing", "", "ECONNRESET"],
  ];
  for (const [name, answer, code] of openings) {
    test(`${name} to the opening: ${code}`, async (context) => {
      const server = await rawServer(context, (socket) => socket.end(answer));
      const { line } = open(`ws://${server.host}/`);
      assert.equal((await line.fault()).code, code);
      assert.equal(line.frames.length, 0);
      await eventually(() => server.open.size === 0, "the connection's end");
    });
  }

  const extras: readonly [name: string, field: string][] = [
    ["a protocol that was not offered", "Sec-WebSocket-Protocol: other\r\n"],
    ["an extension that was not offered", "Sec-WebSocket-Extensions: permessage-deflate\r\n"],
  ];
  for (const [name, field] of extras) {
    test(`${name}: EPROTO`, async (context) => {
      const { url } = await rawSocketServer(context, () => {}, field);
      assert.equal((await open(url).line.fault()).code, "EPROTO");
    });
  }

  test("an opening that drips: ETIMEDOUT", async (context) => {
    const server = await rawServer(context, (socket) => {
      socket.write("HTTP/1.1 101 Switching\r\n");
      const timer = setInterval(() => socket.write("a: b\r\n"), 20);
      socket.once("close", () => clearInterval(timer));
    });
    const access = new NetAccess(LOCAL, { timeouts: { connectMs: 200, handshakeMs: 200 } });
    assert.equal((await open(`ws://${server.host}/`, access).line.fault()).code, "ETIMEDOUT");
    await eventually(() => server.open.size === 0, "the connection's end");
  });

  test("a close that is not answered ends all the same", async (context) => {
    const { url, open: connections } = await rawSocketServer(context, () => {});
    const { line, driver } = open(url, new NetAccess(LOCAL, { timeouts: { handshakeMs: 200 } }));
    await isOpen(line);
    await driver.take(end(1000));
    assert.equal((await line.fault()).code, "ECONNRESET");
    await eventually(() => connections.size === 0, "the connection's end");
  });

  const wires: readonly [name: string, bytes: Uint8Array | string, code: string, status?: number][] = [
    ["a connection that ends without a close", "", "ECONNRESET"],
    ["a masked frame", Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x61]), "EPROTO", 1002],
    ["a compressed frame", Buffer.from([0xc1, 0x01, 0x61]), "EPROTO", 1002],
    ["an unknown opcode", Buffer.from([0x83, 0x00]), "EPROTO", 1002],
    ["a continuation of nothing", Buffer.from([0x80, 0x00]), "EPROTO", 1002],
    ["a long ping", Buffer.from([0x89, 0x7e, 0x00, 0x7e]), "EPROTO", 1002],
    ["text that is no UTF-8", Buffer.from([0x81, 0x01, 0xff]), "EPROTO", 1007],
    ["a close with a code that is none", Buffer.from([0x88, 0x02, 0x03, 0xed]), "EPROTO", 1002],
    ["a message of 2^62 bytes", Buffer.from([0x82, 0x7f, 0x3f, 0, 0, 0, 0, 0, 0, 0]), "EMSGSIZE", 1009],
    ["a message over the bound", header(FRAME_MAX_BYTES + 1), "EMSGSIZE", 1009],
    ["fragments without end", Buffer.concat([FIRST, ...new Array<Buffer>(FRAGMENTS_MAX).fill(NEXT)]), "EPROTO", 1008],
  ];
  for (const [name, bytes, code, status] of wires) {
    test(`${name}: ${code}`, async (context) => {
      let got = Buffer.alloc(0);
      const { url } = await rawSocketServer(context, (socket) => {
        socket.on("data", (data) => (got = Buffer.concat([got, data])));
        if (bytes.length === 0) socket.end();
        else socket.write(bytes);
        socket.once("end", () => socket.end());
      });
      const { line } = open(url);
      const fault = await line.fault();
      assert.equal(fault.code, code, fault.message);
      assert.ok(line.frames.length <= 1);
      if (status !== undefined) assert.equal(closeCode(got), status);
    });
  }

  test("the largest message passes", async (context) => {
    const { url } = await serve(context, (socket) => socket.send(Buffer.alloc(FRAME_MAX_BYTES)));
    const { line, driver } = open(url);
    await line.until(() => line.bodyBytes === FRAME_MAX_BYTES, "the message");
    driver.close();
  });

  test("pings whose answers nobody takes do not pile up", async (context) => {
    const { url, open: connections } = await rawSocketServer(context, (socket) => {
      socket.pause();
      const ping = Buffer.concat([Buffer.from([0x89, 125]), Buffer.alloc(125)]);
      const pings = Buffer.concat(new Array<Buffer>(1000).fill(ping));
      let count = 0;
      const pour = () => {
        while (!socket.destroyed && count < 400) {
          count++;
          if (!socket.write(pings)) return;
        }
        if (count === 400) {
          count++;
          socket.end(Buffer.from([0x81, 0x04, 0x64, 0x6f, 0x6e, 0x65])); // "done"
        }
      };
      socket.on("drain", pour);
      pour();
    });
    const before = process.memoryUsage();
    const { line, driver } = open(url);
    await line.until(() => line.frames.length === 2 || line.broken !== undefined, "the message after the pings");
    const after = process.memoryUsage();
    // 400,000 answers of 131 bytes are 52 MB.
    const grown = after.external + after.heapUsed - before.external - before.heapUsed;
    assert.ok(grown < 40 * 2 ** 20, `${grown} bytes more`);
    driver.close();
    for (const socket of connections) socket.destroy();
  });

  test("ends and frames that a guest made up are refused", async (context) => {
    const { url } = await serve(context, () => {});
    const { line, driver } = open(url);
    assert.throws(() => driver.take(text("too early")), { code: "EPROTO" });
    await isOpen(line);
    for (const code of [0, 999, 1004, 1006, 1015, 2999, 5000, 1000.5, NaN])
      assert.throws(() => driver.take(end(code)), { code: "EINVAL" });
    assert.throws(() => driver.take(end(1000, "\u00e9".repeat(62))), { code: "EINVAL" });
    for (const value of ["null", "[]", '{"code":"1000"}', '{"code":1000}', '{"code":1000,"reason":5}'])
      assert.throws(() => driver.take(frame(FRAME_KINDS.end, value)), { code: "EINVAL" });
    assert.throws(() => driver.take(frame(FRAME_KINDS.end, "{")), { code: "EPROTO" });
    assert.throws(() => driver.take(frame(FRAME_KINDS.head, "{}")), { code: "EPROTO" });
    assert.throws(() => driver.take(binary(new Uint8Array(FRAME_MAX_BYTES + 1))), { code: "EMSGSIZE" });
    await driver.take(end(1000, "\u00e9".repeat(61)));
    await line.until(() => line.isEnded, "the end");
  });
});

/** Of a binary message of so many bytes. */
function header(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(10);
  bytes[0] = 0x82;
  bytes[1] = 0x7f;
  bytes.writeBigUInt64BE(BigInt(sizeBytes), 2);
  return bytes;
}

/** The code in the closing frame, masked, that a client sent. */
function closeCode(bytes: Buffer): number | undefined {
  if (bytes[0] !== 0x88) return undefined;
  const mask = bytes.subarray(2, 6);
  return (((bytes[6] ?? 0) ^ (mask[0] ?? 0)) << 8) | ((bytes[7] ?? 0) ^ (mask[1] ?? 0));
}
