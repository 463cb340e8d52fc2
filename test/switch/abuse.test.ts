/** Clients that mean ill, at a front: what they cost is bounded, and others are served beside them. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Frame } from "../../src/abi/channel.ts";
import {
  DATAGRAM_LEAVING_MAX,
  DATAGRAM_REMOTES_MAX,
  DATAGRAM_WAITING_MAX_BYTES,
  REQUEST_HEAD_MAX_BYTES,
} from "../../src/limits.ts";
import type { Driver, Line } from "../../src/resources/line.ts";
import { DatagramFront } from "../../src/switch/datagram-front.ts";
import { until } from "../cluster/condition.ts";
import { withMembers } from "../node/bench-members.ts";
import { RawClient } from "../node/raw-client.ts";
import { front, startServer, textOf } from "./served.ts";

const SITE = `serve(async (request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/unread") return new Response("unread");
  if (pathname === "/large") return new Response(new Uint8Array(4_000_000));
  return new Response(String((await request.text()).length));
}, { address: "service:web" });`;

const IDLE_CONNECTIONS = 10_000;
/** What one connection that does nothing may cost the node of its front. */
const IDLE_MAX_BYTES = 20_000;
/** What any of the floods may cost. */
const FLOOD_MAX_BYTES = 150 * 2 ** 20;

/** A frame of HTTP/2 (RFC 9113, 4.1), as characters. */
function frame(type: number, flags: number, stream: number, payload: string): string {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return head.toString("latin1") + payload;
}
const PREFACE = `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${frame(4, 0, 0, "")}`;
/** `:method GET`, `:path /`, `:scheme http`, and an `:authority` of one character (RFC 7541, appendix A). */
const HEAD = "\x82\x84\x86\x41\x01x";

await withMembers(["a", "b"], (t) => {
  let url = "";
  const grown = (sinceBytes: number) => process.memoryUsage().rss - sinceBytes;

  test(
    "ten thousand connections that say nothing cost little, and others are served",
    { timeout: 120_000 },
    async (context) => {
      await startServer(t.get("b"), SITE, { seenBy: [t.get("a")] });
      url = await front(t.get("a"));
      await textOf(url);
      const before = process.memoryUsage().rss;
      const program = fileURLToPath(new URL("../node/idle-clients.js", import.meta.url));
      const child = spawn(process.execPath, [program, new URL(url).port, String(IDLE_CONNECTIONS)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      context.after(() => child.kill("SIGKILL"));
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
      assert.equal((await lines.next()).value, "connected");
      const startedMs = performance.now();
      assert.equal(await textOf(url, { method: "POST", body: "x".repeat(1000) }), "1000");
      const tookMs = performance.now() - startedMs;
      assert.ok(tookMs < 5_000, `a new client was served after ${tookMs} ms`);
      const costBytes = grown(before) / IDLE_CONNECTIONS;
      assert.ok(costBytes < IDLE_MAX_BYTES, `${costBytes} bytes for each`);
      context.diagnostic(`${Math.round(costBytes)} bytes for each, a new client after ${Math.round(tookMs)} ms`);
      assert.equal((await lines.next()).value, "closed", "their time is up");
    },
  );

  test("connections that are ended or reset at any point leave nothing behind", { timeout: 90_000 }, async () => {
    const stages = [
      "",
      "GET / HT",
      "GET / HTTP/1.1\r\nHost: x\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
      `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n${"x".repeat(100_000)}`,
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
      "GET /large HTTP/1.1\r\nHost: x\r\n\r\n",
      "PRI * HTTP/2.0\r\n",
      PREFACE,
      `${PREFACE}${frame(1, 4, 1, HEAD)}`,
    ];
    for (const stage of stages)
      for (const how of ["end", "reset", "destroy"] as const) {
        const client = (await RawClient.connect(url, { allowHalfOpen: true })).send(stage);
        if (stage.includes("/large")) await client.seen(/200 OK/);
        if (how === "end") client.socket.end();
        else if (how === "reset") client.socket.resetAndDestroy();
        else client.socket.destroy();
        // Of a request that was whole the answer comes all the same, and then the end.
        await client.closed;
      }
    await until("the process has none of them", async () => {
      const [web] = await t.get("a").own.services();
      return web?.members[0]?.open === 0;
    });
    assert.equal(await textOf(url), "0");
  });

  test("a head that is too large, and a body that nobody reads", { timeout: 60_000 }, async () => {
    const large = (await RawClient.connect(url)).send(
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(REQUEST_HEAD_MAX_BYTES)}\r\n\r\n`,
    );
    await large.closed;
    assert.deepEqual(large.statuses, [431]);
    const before = process.memoryUsage().rss;
    const unread = (await RawClient.connect(url)).send(
      "POST /unread HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    const chunk = `10000\r\n${"a".repeat(65_536)}\r\n`;
    let sentBytes = 0;
    while (!unread.socket.destroyed && sentBytes < 2 ** 30) {
      if (!unread.socket.write(chunk))
        await Promise.race([
          once(unread.socket, "drain").catch(() => {}),
          once(unread.socket, "close").catch(() => {}),
        ]);
      sentBytes += 65_536;
    }
    assert.ok(sentBytes < 100 * 2 ** 20, `cut off after ${sentBytes} bytes`);
    assert.match(unread.text, /unread/);
    assert.ok(grown(before) < FLOOD_MAX_BYTES);
  });

  test("requests that are made and reset without pause end the connection", { timeout: 90_000 }, async () => {
    const before = process.memoryUsage().rss;
    const client = (await RawClient.connect(url)).send(PREFACE);
    let stream = 1;
    // GOAWAY, of the enhanced error that it is (RFC 9113, 6.8).
    const isOver = () => client.socket.destroyed || client.text.includes("\0\0\x08\x07\0\0\0\0\0");
    while (!isOver() && stream < 2_000_000) {
      let burst = "";
      for (let count = 0; count < 100; count++, stream += 2)
        burst += frame(1, 5, stream, HEAD) + frame(3, 0, stream, "\0\0\0\x08");
      if (!client.socket.write(burst, "latin1"))
        await Promise.race([
          once(client.socket, "drain").catch(() => {}),
          once(client.socket, "close").catch(() => {}),
        ]);
    }
    assert.ok(isOver(), "it was not let go on");
    client.socket.destroy();
    assert.ok(grown(before) < FLOOD_MAX_BYTES, `${grown(before)} bytes`);
    assert.equal(await textOf(url), "0");
  });

  for (const [name, flood] of Object.entries({
    "a head without end": frame(9, 0, 1, `\0\x01a\x7f\x00${"b".repeat(127)}`),
    settings: frame(4, 0, 0, ""),
    pings: frame(6, 0, 0, "abcdefgh"),
    "windows of nothing": frame(8, 0, 0, "\0\0\0\x01"),
    "empty data": frame(0, 0, 1, ""),
  }))
    test(`a flood of HTTP/2 (${name}) is bounded`, { timeout: 90_000 }, async () => {
      const before = process.memoryUsage().rss;
      const client = (await RawClient.connect(url)).send(PREFACE);
      // It takes nothing of what it is answered.
      client.socket.pause();
      if (name === "a head without end") client.send(frame(1, 1, 1, HEAD));
      if (name === "empty data") client.send(frame(1, 4, 1, "\x83\x84\x86\x41\x01x"));
      const untilMs = performance.now() + 3_000;
      const burst = flood.repeat(1000);
      let most = 0;
      while (!client.socket.destroyed && performance.now() < untilMs) {
        if (!client.socket.write(burst, "latin1"))
          await Promise.race([
            once(client.socket, "drain", { signal: AbortSignal.timeout(500) }).catch(() => {}),
            once(client.socket, "close").catch(() => {}),
          ]);
        most = Math.max(most, grown(before));
      }
      assert.ok(most < FLOOD_MAX_BYTES, `${most} bytes`);
      assert.equal(await textOf(url), "0");
      client.socket.destroy();
    });

  test("heads that unfold to much more than was sent are refused", { timeout: 60_000 }, async () => {
    const session: ClientHttp2Session = connect(url, { maxSendHeaderBlockLength: 2 ** 24 });
    session.on("error", () => {});
    const stream = session.request({
      ":path": "/",
      ...Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`x${at}`, "y".repeat(1000)])),
    });
    const outcome = await new Promise<string>((resolve) => {
      stream.on("response", (headers) => resolve(String(headers[constants.HTTP2_HEADER_STATUS])));
      stream.on("error", () => resolve("error"));
      stream.on("close", () => resolve("closed"));
    });
    assert.ok(["431", "error", "closed"].includes(outcome), outcome);
    session.destroy();
    assert.equal(await textOf(url), "0");
  });
});

/** A front for datagrams with this test in the place of sessions, which never end by themselves. */
test("datagrams from ever new addresses: so many clients are known, and no more", { timeout: 60_000 }, async (t) => {
  class Session implements Line {
    driver: Driver | undefined;
    parted = false;
    push(_frame: Frame): boolean {
      return true;
    }
    break(): void {
      this.parted = true;
    }
  }
  const sessions: Session[] = [];
  const datagrams = new DatagramFront("127.0.0.1", 0, (_first, drive) => {
    const session = new Session();
    session.driver = drive(session);
    sessions.push(session);
    session.driver.resume();
  });
  t.after(() => datagrams.close());
  const [, port = ""] = (await datagrams.ready).split(":");
  // Each address of the loopback network is another client.
  let sent = 0;
  const flood = async (count: number) => {
    for (let made = 0; made < count; made++, sent++) {
      const socket = createSocket("udp4");
      socket.bind(0, `127.${1 + (sent >> 14)}.${(sent >> 7) & 127}.${1 + (sent & 127)}`);
      await once(socket, "listening");
      await new Promise((resolve) => socket.send("x", Number(port), "127.0.0.1", resolve));
      await new Promise((resolve) => setImmediate(resolve));
      socket.close();
    }
  };
  await flood(DATAGRAM_REMOTES_MAX);
  await until("all are known", () => sessions.length === DATAGRAM_REMOTES_MAX, 20_000);
  assert.equal(sessions.filter(({ parted }) => parted).length, 0);
  await flood(2 * DATAGRAM_LEAVING_MAX);
  await until("as many as may leave do", () => sessions.length === DATAGRAM_REMOTES_MAX + DATAGRAM_LEAVING_MAX, 20_000);
  assert.deepEqual(
    sessions.slice(0, DATAGRAM_LEAVING_MAX).map(({ parted }) => parted),
    Array.from({ length: DATAGRAM_LEAVING_MAX }, () => true),
    "those that were silent for longest",
  );
  // When they have left, others come in.
  for (const { driver, parted } of sessions) if (parted) driver?.close();
  await flood(10);
  await until(
    "newcomers are known",
    () => sessions.length === DATAGRAM_REMOTES_MAX + DATAGRAM_LEAVING_MAX + 10,
    20_000,
  );
});

test("datagrams that wait for a process are bounded", { timeout: 60_000 }, async (t) => {
  let waitingBytes = 0;
  const datagrams = new DatagramFront("127.0.0.1", 0, ({ bytes }, drive) => {
    waitingBytes += bytes.length;
    drive({ push: () => true, break: () => {} });
  });
  t.after(() => datagrams.close());
  const [, port = ""] = (await datagrams.ready).split(":");
  const payload = Buffer.alloc(60_000);
  for (let count = 0; count < 200; count++) {
    const socket = createSocket("udp4");
    await new Promise((resolve) => socket.send(payload, Number(port), "127.0.0.1", resolve));
    await new Promise((resolve) => setImmediate(resolve));
    socket.close();
  }
  await until("some wait", () => waitingBytes > DATAGRAM_WAITING_MAX_BYTES / 2);
  assert.ok(waitingBytes < 1.1 * DATAGRAM_WAITING_MAX_BYTES, `${waitingBytes} bytes`);
});
