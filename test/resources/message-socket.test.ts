/** The host's end of a WebSocket: whom it takes for gone. */

import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { FRAME_KINDS } from "../../src/abi/channel.ts";
import { MessageSocket } from "../../src/resources/message-socket.ts";
import { RecordedLine } from "./recorded-line.ts";

const SILENCE_MS = 100;

/** A client, and its server's end, which is watched. */
async function pair(autoPong: boolean) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = new WebSocket(`ws://127.0.0.1:${port}`, { autoPong });
  const [socket] = (await once(server, "connection")) as [WebSocket];
  const line = new RecordedLine(1000);
  const driver = new MessageSocket(socket, line, "the client").watch(SILENCE_MS);
  line.join(driver);
  await (client.readyState === WebSocket.OPEN ? undefined : once(client, "open"));
  const close = () => {
    driver.close();
    client.terminate();
    server.close();
  };
  return { client, line, driver, close };
}

async function pings(client: WebSocket, count: number): Promise<void> {
  for (let seen = 0; seen < count; seen++) await once(client, "ping");
}

test("who answers pings stays, however silent", async () => {
  const { client, line, close } = await pair(true);
  await pings(client, 4);
  assert.equal(line.broken, undefined);
  close();
});

test("who answers nothing is gone", async () => {
  const { line, close } = await pair(false);
  assert.equal((await line.fault()).code, "ETIMEDOUT");
  close();
});

test("who sends something need not answer", async () => {
  const { client, line, driver, close } = await pair(false);
  const talking = setInterval(() => client.send("x"), SILENCE_MS / 5);
  const until = performance.now() + 10 * SILENCE_MS;
  await line.until(() => {
    line.drain();
    return performance.now() > until;
  }, "messages for a while");
  clearInterval(talking);
  assert.equal(line.broken, undefined);
  assert.ok(driver instanceof MessageSocket);
  close();
});

test("whom nobody listens to is not blamed for it", async () => {
  const { client, line, close } = await pair(true);
  client.send(Buffer.alloc(2000)); // more than the window
  await line.until(() => line.frames.some(({ kind }) => kind === FRAME_KINDS.data), "the message");
  await pings(client, 4);
  assert.equal(line.broken, undefined);
  line.drain();
  client.send("heard");
  await line.until(() => line.frames.at(-1)?.kind === FRAME_KINDS.text, "the next message");
  close();
});
