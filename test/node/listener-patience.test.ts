/**
 * Clients that are slow, idle or endless, and many: what they cost is bounded, and others are served beside them.
 *
 * @alone: it has thousands of clients, and waits for their time to be up
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type TestContext, test } from "node:test";
import { type Frame, FRAME_KINDS } from "../../src/abi/channel.ts";
import { EXCHANGES_MAX, UNREAD_BODY_MAX_BYTES, WHOLE_BODY_MAX_BYTES } from "../../src/limits.ts";
import { wholeFrame } from "../../src/resources/frame.ts";
import type { Driver, Line } from "../../src/resources/line.ts";
import { Listeners, type Patience } from "../../src/resources/listener.ts";
import { exchange, RawClient } from "./raw-client.ts";

/** The host's end of an exchange, with this test in the process's place. */
class Visit implements Line {
  readonly frames: Frame[] = [];
  readonly broken: Promise<string>;
  driver: Driver | undefined;
  /** Whether the process has room. */
  hasRoom = true;
  #break: (code: string) => void = () => {};

  constructor() {
    this.broken = new Promise((resolve) => (this.#break = resolve));
  }

  push(frame: Frame): boolean {
    this.frames.push(frame);
    return this.hasRoom;
  }

  break(code: string): void {
    this.#break(code);
    this.driver?.close();
  }

  get bytes(): number {
    return this.frames.reduce((sum, frame) => sum + (frame.kind === FRAME_KINDS.data ? frame.bytes.length : 0), 0);
  }

  answer(text: string): void {
    void this.driver?.take(wholeFrame({ status: 200, statusText: "", headers: [] }, Buffer.from(text)));
  }
}

interface Site {
  readonly url: string;
  readonly visits: Visit[];
  /** Resolves to the next exchange. */
  readonly next: () => Promise<Visit>;
}

async function listen(context: TestContext, patience: Partial<Patience> = {}): Promise<Site> {
  const visits: Visit[] = [];
  let arrived: (visit: Visit) => void = () => {};
  let heard: (address: string) => void = () => {};
  const address = new Promise<string>((resolve) => (heard = resolve));
  const line: Line = {
    push: ({ bytes }) => (heard((JSON.parse(Buffer.from(bytes).toString()) as { address: string }).address), true),
    break: () => {},
  };
  const listeners = new Listeners({ headTimeoutMs: 200, idleMaxMs: 200, ...patience });
  const driver = await listeners.join("127.0.0.1:0", line, (frame, drive) => {
    const visit = new Visit();
    visit.frames.push(frame);
    visit.driver = drive(visit);
    visits.push(visit);
    arrived(visit);
  });
  context.after(() => driver.close());
  return {
    url: `http://${await address}/`,
    visits,
    next: () => new Promise((resolve) => (arrived = resolve)),
  };
}

const LONG = WHOLE_BODY_MAX_BYTES + 1;
const post = (length: number): string => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;
const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

test(
  "a head that does not come, or not to its end, is waited for so long and no longer",
  { timeout: 30_000 },
  async (t) => {
    const { url, visits } = await listen(t);
    for (const start of ["", "GET / HTTP/1.1\r\nHost: x\r\nX-A: "]) {
      const client = (await RawClient.connect(url)).send(start);
      // A byte now and then does not help.
      const drip = setInterval(() => client.send("a"), 20);
      await client.closed;
      clearInterval(drip);
      assert.deepEqual(client.statuses, [start === "" ? 400 : 408], JSON.stringify(client.text));
    }
    assert.equal(visits.length, 0);
  },
);

test("a short body is to come with its head; no process waits for it", { timeout: 30_000 }, async (t) => {
  const { url, visits } = await listen(t);
  const client = (await RawClient.connect(url)).send(post(1000));
  const drip = setInterval(() => client.send("a"), 20);
  await client.closed;
  clearInterval(drip);
  assert.deepEqual(client.statuses, [408]);
  assert.equal(visits.length, 0);
});

test("a long body may stand still for so long", { timeout: 30_000 }, async (t) => {
  const { url, next } = await listen(t, { idleMaxMs: 300 });
  const arriving = next();
  const client = (await RawClient.connect(url)).send(post(LONG));
  const visit = await arriving;
  for (let sent = 0; sent < 10; sent++) {
    client.send("abc");
    while (visit.bytes < 3 * (sent + 1))
      await once(client.socket, "drain", { signal: AbortSignal.timeout(50) }).catch(() => {});
  }
  assert.equal(await visit.broken, "ETIMEDOUT");
  await client.closed;
  assert.deepEqual(client.statuses, [408]);
});

test("while the process has no room, nobody is waited for", { timeout: 30_000 }, async (t) => {
  const { url, next } = await listen(t, { idleMaxMs: 100 });
  const arriving = next();
  const client = (await RawClient.connect(url)).send(post(LONG));
  const visit = await arriving;
  visit.hasRoom = false;
  client.send("a".repeat(1000));
  const outcome = await Promise.race([visit.broken, new Promise((resolve) => setTimeout(resolve, 400, "patient"))]);
  assert.equal(outcome, "patient");
  visit.hasRoom = true;
  visit.driver?.resume();
  assert.equal(await visit.broken, "ETIMEDOUT");
  await client.closed;
});

test("a body that has come whole while the process had no room still reaches it", { timeout: 30_000 }, async (t) => {
  const { url, next } = await listen(t);
  const arriving = next();
  const client = (await RawClient.connect(url)).send(post(LONG) + "a".repeat(LONG));
  const visit = await arriving;
  // Room for one frame at a time; the last bytes come while there is none.
  visit.hasRoom = false;
  while (visit.frames.at(-1)?.kind !== FRAME_KINDS.end) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    visit.driver?.resume();
  }
  assert.equal(visit.bytes, LONG);
  visit.answer("all");
  await client.seen(/all/);
  client.socket.destroy();
});

test("a response that nobody takes is given up", { timeout: 30_000 }, async (t) => {
  const { url, next } = await listen(t);
  const arriving = next();
  const client = (await RawClient.connect(url)).send(GET);
  client.socket.pause();
  const visit = await arriving;
  const head = Buffer.from(JSON.stringify({ status: 200, statusText: "", headers: [] }));
  void visit.driver?.take({ kind: FRAME_KINDS.head, bytes: head });
  const writing = (async () => {
    for (let sent = 0; sent < 1000; sent++)
      await visit.driver?.take({ kind: FRAME_KINDS.data, bytes: new Uint8Array(65_536) });
  })();
  assert.equal(await visit.broken, "ETIMEDOUT");
  await writing.catch(() => {});
  client.socket.resume();
  await client.closed;
  assert.ok(!client.text.endsWith("0\r\n\r\n"), "it does not look whole");
});

test("a response behind another waits for that, however long it takes", { timeout: 30_000 }, async (t) => {
  const { url, visits } = await listen(t);
  const client = (await RawClient.connect(url)).send(GET).send(GET);
  t.after(() => client.socket.destroy());
  while (visits.length < 2) await new Promise((resolve) => setImmediate(resolve));
  const [first, second] = visits;
  assert.ok(first !== undefined && second !== undefined);
  const head = Buffer.from(JSON.stringify({ status: 200, statusText: "", headers: [] }));
  void second.driver?.take({ kind: FRAME_KINDS.head, bytes: head });
  const writing = second.driver?.take({ kind: FRAME_KINDS.data, bytes: Buffer.from("b".repeat(1_000_000)) });
  const outcome = await Promise.race([second.broken, new Promise((resolve) => setTimeout(resolve, 500, "patient"))]);
  assert.equal(outcome, "patient");
  first.answer("first");
  await writing;
  void second.driver?.take({ kind: FRAME_KINDS.end, bytes: new Uint8Array(0) });
  await client.seen(/first[^]*b\r\n0\r\n\r\n$/);
});

test("what the process leaves unread is let by, and the connection used again", { timeout: 30_000 }, async (t) => {
  const { url, next } = await listen(t, { idleMaxMs: 10_000, headTimeoutMs: 10_000 });
  const arriving = next();
  const client = (await RawClient.connect(url)).send(post(3_000_000));
  const visit = await arriving;
  visit.hasRoom = false;
  client.send("a".repeat(1_000_000));
  visit.answer("early");
  await client.seen(/early/);
  const second = next();
  client.send("a".repeat(2_000_000)).send(GET);
  (await second).answer("second");
  await client.seen(/second/);
  client.socket.destroy();
});

test("a body without end is let by for so long and no longer", { timeout: 30_000 }, async (t) => {
  const { url, next } = await listen(t, { idleMaxMs: 10_000 });
  const arriving = next();
  const client = (await RawClient.connect(url)).send(
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
  );
  (await arriving).answer("enough");
  await client.seen(/enough/);
  const chunk = `10000\r\n${"a".repeat(65_536)}\r\n`;
  let sentBytes = 0;
  while (!client.socket.destroyed) {
    if (!client.socket.write(chunk)) await Promise.race([once(client.socket, "drain").catch(() => {}), client.closed]);
    sentBytes += 65_536;
  }
  assert.ok(sentBytes >= UNREAD_BODY_MAX_BYTES && sentBytes < 4 * UNREAD_BODY_MAX_BYTES, String(sentBytes));
});

test("more exchanges than a process may have are told to come again", { timeout: 60_000 }, async (t) => {
  const { url, visits } = await listen(t, { idleMaxMs: 60_000, headTimeoutMs: 60_000 });
  const client = (await RawClient.connect(url)).send(GET.repeat(EXCHANGES_MAX));
  while (visits.length < EXCHANGES_MAX) await new Promise((resolve) => setImmediate(resolve));
  const refused = await exchange(url, GET);
  assert.deepEqual(refused.statuses, [503]);
  assert.match(refused.text, /retry-after: 1\r\n/i);
  visits.forEach((visit) => visit.answer("done"));
  while (client.statuses.length < EXCHANGES_MAX) await once(client.socket, "data");
  const again = (await RawClient.connect(url)).send(GET);
  while (visits.length <= EXCHANGES_MAX) await new Promise((resolve) => setImmediate(resolve));
  visits.at(-1)?.answer("again");
  await again.seen(/again/);
  for (const { socket } of [client, again]) socket.destroy();
});

/** What one connection that does nothing may cost. */
const IDLE_MAX_BYTES = 20_000;
const IDLE_CONNECTIONS = 10_000;

test(
  "ten thousand connections that say nothing cost little, and are closed in time",
  { timeout: 120_000 },
  async (t) => {
    const { url, next } = await listen(t, { headTimeoutMs: 20_000 });
    const before = process.memoryUsage().rss;
    const program = fileURLToPath(new URL("./idle-clients.js", import.meta.url));
    const child = spawn(process.execPath, [program, new URL(url).port, String(IDLE_CONNECTIONS)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    t.after(() => child.kill("SIGKILL"));
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, "connected");
    const arriving = next();
    const client = (await RawClient.connect(url)).send(GET);
    (await arriving).answer("served");
    await client.seen(/served/);
    const costBytes = (process.memoryUsage().rss - before) / IDLE_CONNECTIONS;
    assert.ok(costBytes < IDLE_MAX_BYTES, `${costBytes} bytes for each`);
    client.socket.destroy();
    assert.equal((await lines.next()).value, "closed");
  },
);
