/** Servers to which connections are brought, and what is asked of Node's parser about them; of Node's own workings in part, so held against them. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createNetServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { FRAME_KINDS } from "../../src/abi/channel.ts";
import { descriptorOf, goOnReading, holdStill, isDescriptor, socketOf } from "../../src/resources/descriptor.ts";
import { httpEntranceOf } from "../../src/resources/entrance.ts";
import { wholeFrame } from "../../src/resources/frame.ts";
import { unlistened } from "../../src/resources/listener.ts";
import { Pipelines } from "../../src/resources/pipelines.ts";
import { until } from "../cluster/condition.ts";
import { RawClient } from "../node/raw-client.ts";

const REQUEST = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/** An address whose connections are given to `take`, unread; and those. */
async function doorway(t: TestContext, take: (socket: Socket) => void): Promise<{ url: string; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createNetServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    take(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets };
}

test("a server without an address serves what is brought to it, and is as strict with slow clients", async (t) => {
  const answer = wholeFrame({ status: 200, statusText: "", headers: [] }, Buffer.from("answer"));
  const server = unlistened(
    (frame, drive) => {
      assert.equal(frame.kind, FRAME_KINDS.whole);
      void drive({ push: () => true, break: () => {} }).take(answer);
    },
    {},
    { headTimeoutMs: 200, idleMaxMs: 200 },
  );
  t.after(() => server.close());
  const { url } = await doorway(t, (socket) => {
    server.enter(socket);
    socket.resume();
  });
  const client = await RawClient.connect(url);
  client.send(REQUEST);
  await client.seen(/answer$/);
  const slow = await RawClient.connect(url);
  slow.send("GET / HT");
  await slow.seen(/^HTTP\/1\.1 408 /);
  await slow.closed;
});

test("which connections are idle: none with a request that is under way, or begun", async (t) => {
  const waiting: ServerResponse[] = [];
  const server: Server = createServer((request, response) => {
    if (request.url === "/wait") waiting.push(response);
    else response.end("answer");
  });
  const entrance = httpEntranceOf(server, new Pipelines(server), undefined);
  server.emit("listening");
  t.after(() => server.close());
  const { url, sockets } = await doorway(t, (socket) => {
    entrance.enter(socket);
    socket.resume();
  });
  const connect = async (text: string) => {
    const client = await RawClient.connect(url);
    await until("it has come in", () => sockets.length > 0);
    return client.send(text);
  };
  const idle = await connect(REQUEST);
  await idle.seen(/answer$/);
  // The next head has begun in the same piece as the one before.
  const begun = await connect(`${REQUEST}GET / HT`);
  await begun.seen(/answer$/);
  const busy = await connect("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  await until("it is asked", () => waiting.length === 1);
  const inBody = await connect("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
  await inBody.seen(/answer$/);
  assert.equal(sockets.length, 4);
  assert.deepEqual(entrance.idleOf?.(sockets), [sockets[0]]);
  // None was closed by that.
  waiting[0]?.end("late");
  await busy.seen(/late$/);
  begun.send("TP/1.1\r\nHost: x\r\n\r\n");
  await until("it is answered", () => begun.text.split("answer").length === 3);
  inBody.send("cde");
  await until("all are idle", () => entrance.idleOf?.(sockets).length === 4);
  for (const client of [idle, begun, busy, inBody]) client.socket.destroy();
});

test("a connection is not idle while an answer is ready and others behind it are not", async (t) => {
  const waiting = new Map<string, ServerResponse>();
  const server: Server = createServer((request, response) => waiting.set(request.url ?? "", response));
  const entrance = httpEntranceOf(server, new Pipelines(server), undefined);
  server.emit("listening");
  t.after(() => server.close());
  const { url, sockets } = await doorway(t, (socket) => {
    entrance.enter(socket);
    socket.resume();
  });
  const client = await RawClient.connect(url);
  client.send(["/1", "/2", "/3"].map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(""));
  await until("all are asked", () => waiting.size === 3);
  const seen: number[] = [];
  for (const response of waiting.values())
    response.once("close", () => seen.push(entrance.idleOf?.(sockets).length ?? -1));
  waiting.get("/2")?.end("second");
  waiting.get("/1")?.end("first");
  await client.seen(/first[^]*second$/);
  await until("both are told", () => seen.length === 2);
  assert.deepEqual(seen, [0, 0]);
  waiting.get("/3")?.end("third");
  await client.seen(/third$/);
  await until("it is idle", () => entrance.idleOf?.(sockets).length === 1);
  client.socket.destroy();
});

test("of a client that asked for several things and is gone, nothing stays open", async (t) => {
  const broken: string[] = [];
  let asked = 0;
  const server = unlistened(
    (_frame, drive) => {
      asked++;
      drive({ push: () => true, break: (code) => void broken.push(code) });
    },
    { exchangesMax: 3 },
  );
  t.after(() => server.close());
  const { url } = await doorway(t, (socket) => {
    server.enter(socket);
    socket.resume();
  });
  for (const round of [1, 2]) {
    const client = await RawClient.connect(url);
    client.send(REQUEST.repeat(3));
    await until("all have come", () => asked === 3 * round);
    client.socket.resetAndDestroy();
    await until("all are told", () => broken.length === 3 * round);
  }
  assert.deepEqual(new Set(broken), new Set(["ECONNRESET"]));
});

test("a descriptor that stands still loses nothing, also when another socket goes on with it", async (t) => {
  const { url, sockets } = await doorway(t, () => {});
  const client = await RawClient.connect(url);
  await until("it has come in", () => sockets.length === 1);
  const [socket] = sockets;
  assert.ok(socket !== undefined);
  const descriptor = descriptorOf(socket);
  assert.ok(descriptor !== undefined && isDescriptor(descriptor));
  goOnReading(socket);
  let text = "";
  socket.setEncoding("latin1").on("data", (more: string) => (text += more));
  socket.resume();
  client.send("one");
  await until("it is read", () => text === "one");
  holdStill(socket);
  client.send("two");
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(text, "one");
  const other = socketOf(descriptor);
  let rest = "";
  other.setEncoding("latin1").on("data", (more: string) => (rest += more));
  other.resume();
  await until("the other has read on", () => rest === "two");
  assert.equal(text, "one");
  for (const no of [undefined, null, {}, socket]) assert.equal(isDescriptor(no), false);
  client.socket.destroy();
});

test("a connection that stands still since it was given something loses nothing of what comes next", async (t) => {
  const { url, sockets } = await doorway(t, () => {});
  const client = await RawClient.connect(url);
  await until("it has come in", () => sockets.length === 1);
  const [socket] = sockets;
  assert.ok(socket !== undefined);
  let text = "";
  socket.on("data", (more: Buffer) => {
    text += more.toString("latin1");
    socket.pause();
    holdStill(socket);
  });
  goOnReading(socket);
  socket.resume();
  client.send("one");
  await until("it is read", () => text === "one");
  client.send("two");
  await until("it has come", () => client.socket.bytesWritten === 6 && client.socket.writableLength === 0);
  for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(socket.bytesRead, 3);
  assert.equal(socket.readableLength, 0);
  socket.resume();
  goOnReading(socket);
  await until("the rest is read", () => text === "onetwo");
  client.socket.destroy();
});
