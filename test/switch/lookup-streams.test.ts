/** What a client of DNS over TCP may ask for, and how many there may be: those of one network, and who takes its answers late. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { streamEncode } from "dns-packet";
import { LOOKUP_CONNECTIONS_PER_NETWORK_MAX } from "../../src/limits.ts";
import { AnswerRate } from "../../src/switch/lookup/answer-rate.ts";
import type { Catalogue, Target } from "../../src/switch/lookup/catalogue.ts";
import { DnsServer } from "../../src/switch/lookup/dns-server.ts";
import { until, within } from "../cluster/condition.ts";

/** A server that tells of one service with eight addresses, and answers one network so often a second. */
async function serving(t: TestContext, { perSecond = Infinity, datagramsPerSecond = Infinity } = {}) {
  const targets = Array.from({ length: 8 }, (_, index): Target => ({
    scheme: "http",
    host: "127.0.0.1",
    port: 8000 + index,
    priority: 20,
    weight: 1,
  }));
  const catalogue: Pick<Catalogue, "names" | "targets" | "processes" | "watch"> = {
    names: () => ["much"],
    targets: () => targets,
    processes: () => 1,
    watch: () => () => {},
  };
  const rates = { datagrams: new AnswerRate(datagramsPerSecond), streams: new AnswerRate(perSecond) };
  const place = { host: "127.0.0.1", port: 0 };
  const server = await DnsServer.open(place, "godwit.", catalogue as unknown as Catalogue, rates);
  t.after(() => server.close());
  const port = Number(server.address.split(":")[1]);
  return (localAddress = "127.0.0.1") => connect({ port, host: "127.0.0.1", localAddress });
}

const questions = (count: number) =>
  Buffer.concat(
    Array.from({ length: count }, (_, id) =>
      streamEncode({ type: "query", id, questions: [{ name: "_much._tcp.godwit", type: "SRV" }] }),
    ),
  );

/** Takes answers, whose numbers must be in order, until there are so many. */
async function take(socket: Socket, count: number): Promise<void> {
  let rest = Buffer.alloc(0);
  let next = 0;
  for await (const piece of socket as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, piece]);
    for (
      ;
      rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0);
      rest = rest.subarray(2 + rest.readUInt16BE(0))
    ) {
      assert.equal(rest.readUInt16BE(2), next++);
    }
    if (next === count) return;
  }
  assert.fail(`the connection ended after ${next} answers`);
}

test("who asks much at once and takes it later gets it all", { timeout: 60_000 }, async (t) => {
  const socket = (await serving(t))();
  const times = 8_000;
  // Far more than the system keeps for who takes nothing.
  socket.write(questions(times));
  await take(socket, times);
});

test(
  "a network has so many answers a second, over all its connections; the others wait",
  { timeout: 60_000 },
  async (t) => {
    const perSecond = 50;
    const dial = await serving(t, { perSecond });
    const sockets = [dial("127.0.0.1"), dial("127.0.0.2")];
    const beganMs = performance.now();
    const count = 100;
    for (const socket of sockets) socket.write(questions(count));
    await Promise.all(sockets.map((socket) => take(socket, count)));
    // Those of the first and the last second may be few.
    const leastMs = ((sockets.length * count) / perSecond - 2) * 1000;
    assert.ok(performance.now() - beganMs >= leastMs, `${performance.now() - beganMs} ms`);
    // Another network is answered at once, however much the first has asked.
    for (const socket of sockets) {
      const again = dial("127.0.0.1");
      again.write(questions(10 * perSecond));
      t.after(() => again.destroy());
      socket.destroy();
    }
    const other = dial("127.0.1.1");
    other.write(questions(perSecond / 2));
    await take(other, perSecond / 2);
  },
);

test("who was told to come by TCP is answered there", { timeout: 30_000 }, async (t) => {
  const dial = await serving(t, { datagramsPerSecond: 0 });
  const socket = dial();
  socket.write(questions(3));
  await take(socket, 3);
});

test("a network has so many connections, and others have theirs", { timeout: 60_000 }, async (t) => {
  const dial = await serving(t);
  const sockets = Array.from({ length: LOOKUP_CONNECTIONS_PER_NETWORK_MAX }, () => dial());
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  // They are served in the order in which they came.
  const last = sockets.at(-1);
  assert.ok(last !== undefined);
  last.write(questions(1));
  await once(last, "data");
  const beyond = dial("127.0.0.9").on("error", () => {});
  let told = 0;
  beyond.on("data", (bytes: Buffer) => (told += bytes.length));
  beyond.write(questions(1));
  await within("it is closed", once(beyond, "close"));
  assert.equal(told, 0, "and told nothing");
  const other = dial("127.0.1.1");
  other.write(questions(1));
  await take(other, 1);
  sockets[0]?.destroy();
  await until("there is a place again", async () => {
    const again = dial("127.0.0.9").on("error", () => {});
    again.write(questions(1));
    try {
      await take(again, 1);
      return true;
    } finally {
      again.destroy();
    }
  });
});
