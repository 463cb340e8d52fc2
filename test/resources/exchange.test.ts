/** A request's body towards a process that takes it slowly: all of it comes, however early the client had sent it. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { type Frame, FRAME_KINDS } from "../../src/abi/channel.ts";
import { Exchange } from "../../src/resources/exchange.ts";
import { wholeFrame } from "../../src/resources/frame.ts";

/** Takes one frame at a time, each only when the rest of the request is there, or as much as is kept of it. */
async function takeAll(incoming: IncomingMessage, response: ServerResponse): Promise<Frame[]> {
  const frames: Frame[] = [];
  const push = (frame: Frame) => {
    frames.push(frame);
    return false;
  };
  const exchange = new Exchange(incoming, response, { push, break: (code) => assert.fail(code) }, 60_000).streaming();
  for (let taken = 0; frames.at(-1)?.kind !== FRAME_KINDS.end;) {
    await turn();
    const rests = incoming.complete || incoming.readableLength >= incoming.readableHighWaterMark;
    if (frames.length === taken || !rests) continue;
    taken = frames.length;
    exchange.resume();
  }
  await exchange.take(wholeFrame({ status: 204, statusText: "", headers: [] }, new Uint8Array(0)));
  return frames;
}

test("a body whose end has come is passed on to its end", { timeout: 30_000 }, async (context) => {
  const server = createServer();
  context.after(() => server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const taking = new Promise<Frame[]>((resolve, reject) => {
    server.once("request", (incoming, response) => void takeAll(incoming, response).then(resolve, reject));
  });
  const sent = Buffer.alloc(1_000_000, "0123456789");
  const { port } = server.address() as AddressInfo;
  const client = request({ port, method: "POST", agent: false });
  client.end(sent);
  const frames = await taking;
  assert.ok(Buffer.concat(frames.map(({ bytes }) => bytes)).equals(sent), "as it was sent");
  const [answer] = (await once(client, "response")) as [IncomingMessage];
  assert.equal(answer.resume().statusCode, 204);
});
