/** Programs that answer as they should not: their clients get an error or see the answer broken off, never a whole one that is not. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { FRAME_KINDS, type FrameKind } from "../../src/abi/channel.ts";
import { HEADERS_MAX, HEADERS_MAX_BYTES } from "../../src/limits.ts";
import { wholeFrame } from "../../src/resources/frame.ts";
import { type Acceptor, Listeners } from "../../src/resources/listener.ts";
import type { Driver, Line } from "../../src/resources/line.ts";
import { type TestNode, withNode } from "./bench-node.ts";
import { exchange, RawClient } from "./raw-client.ts";

type Frames = readonly (readonly [kind: FrameKind, bytes: Uint8Array])[];
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const head = (fields: object): Frames[number] => [
  FRAME_KINDS.head,
  json({ status: 200, statusText: "", headers: [], ...fields }),
];
const data = (text: string): Frames[number] => [FRAME_KINDS.data, Buffer.from(text)];
const end: Frames[number] = [FRAME_KINDS.end, new Uint8Array(0)];
const whole = (fields: object, body = ""): Frames => [
  [FRAME_KINDS.whole, wholeFrame({ status: 200, statusText: "", headers: [], ...fields }, Buffer.from(body)).bytes],
];

/** Serves frames as a process would send them, without the library of guests, which would not let them by. */
async function answering(frames: Frames): Promise<{ readonly url: string; close(): void }> {
  let heard: (url: string) => void = () => {};
  const url = new Promise<string>((resolve) => (heard = resolve));
  const line: Line = {
    push: ({ bytes }) => {
      heard(`http://${(JSON.parse(Buffer.from(bytes).toString()) as { address: string }).address}/`);
      return true;
    },
    break: () => {},
  };
  const accept: Acceptor = (_first, drive) => {
    const driver: Driver = drive({ push: () => true, break: () => driver.close() });
    // As the node passes them on: one after the other, and none after one that was refused.
    void (async () => {
      try {
        for (const [kind, bytes] of frames) await driver.take({ kind, bytes });
      } catch {
        driver.close();
      }
    })();
  };
  const listening = await new Listeners().join("127.0.0.1:0", line, accept);
  return { url: await url, close: () => listening.close() };
}

async function answered(frames: Frames, method = "GET"): Promise<string> {
  const site = await answering(frames);
  const client = (await RawClient.connect(site.url)).send(
    `${method} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
  );
  await client.closed;
  site.close();
  return client.text;
}

const SPLIT = "a\r\nSet-Cookie: stolen=1\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
/** Of which none is an answer. */
const MALFORMED: Readonly<Record<string, Frames>> = {
  "a head of no JSON": [[FRAME_KINDS.head, Buffer.from("{")]],
  "a head of null": [[FRAME_KINDS.head, json(null)]],
  "a frame shorter than its head": [[FRAME_KINDS.whole, new Uint8Array([255, 255, 255, 255, 0])]],
  "a frame of nothing": [[FRAME_KINDS.whole, new Uint8Array(0)]],
  "a body before the head": [data("x"), head({})],
  "an end before the head": [end],
  "a message of text": [[FRAME_KINDS.text, Buffer.from("x")]],
  "status 101": whole({ status: 101 }),
  "status 99": whole({ status: 99 }),
  "status 600": whole({ status: 600 }),
  "status 200.5": whole({ status: 200.5 }),
  "a status of text": whole({ status: "200 OK\r\nA: b" }),
  "headers that are none": whole({ headers: {} }),
  "a header of three": whole({ headers: [["a", "b", 5]], status: "x" }),
  "a header's value of a number": whole({ headers: [["a", 5]] }),
  "a header's name that is none": whole({ headers: [["a b", "c"]] }),
  "a header without a name": whole({ headers: [["", "c"]] }),
  "a split name": whole({ headers: [[`a: b\r\nc`, "d"]] }),
  "a split value": whole({ headers: [["a", SPLIT]] }),
  "a value with a line feed": whole({ headers: [["a", "b\nc: d"]] }),
  "a value with a carriage return": whole({ headers: [["a", "b\rc: d"]] }),
  "a value with NUL": whole({ headers: [["a", "b\0"]] }),
  "a value beyond latin": whole({ headers: [["a", "\u010d\u010a"]] }),
  "a length with a sign": [head({ headers: [["content-length", "+1"]] }), data("x"), end],
  "two lengths": [
    head({
      headers: [
        ["content-length", "1"],
        ["Content-Length", "2"],
      ],
    }),
    data("x"),
    end,
  ],
  "too many headers": whole({ headers: Array.from({ length: HEADERS_MAX + 1 }, () => ["a", "b"]) }),
  "headers too long": whole({ headers: [["a", "b".repeat(HEADERS_MAX_BYTES)]] }),
};

for (const [what, frames] of Object.entries(MALFORMED))
  test(`${what}: 500 or 502, and nothing of it`, { timeout: 30_000 }, async () => {
    const text = await answered(frames);
    assert.match(text, /^HTTP\/1\.1 50[02] /);
    assert.equal(text.split("HTTP/1.1").length, 2, text);
    assert.doesNotMatch(text, /stolen|c: d/);
  });

test("a reason that is none is replaced", { timeout: 30_000 }, async () => {
  assert.match(await answered(whole({ statusText: `OK\r\nSet-Cookie: stolen=1` }, "x")), /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(await answered(whole({ status: 299, statusText: "Sch\u00f6n" }, "x")), /^HTTP\/1\.1 299 Sch\u00f6n\r\n/);
});

test("headers of the connection are the host's", { timeout: 30_000 }, async () => {
  const headers = ["Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade", "Trailer", "TE"].map((name) => [
    name,
    "evil",
  ]);
  const text = await answered(
    whole({ headers: [...headers, ["Content-Length", "1000"], ["__proto__", "kept"]] }, "body"),
  );
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
  assert.doesNotMatch(text, /evil|1000/);
  assert.match(text, /__proto__: kept\r\n[\s\S]*content-length: 4\r\n/i);
});

test("no body with HEAD, 204 and 304, whatever the program sends", { timeout: 30_000 }, async () => {
  const bodies: readonly Frames[] = [whole({}, "body"), [head({}), data("body"), end]];
  for (const frames of bodies) assert.doesNotMatch(await answered(frames, "HEAD"), /\r\n\r\n./);
  for (const status of [204, 304])
    for (const frames of [whole({ status }, "body"), [head({ status }), data("body"), end]])
      assert.doesNotMatch(await answered(frames), /\r\n\r\n./, String(status));
  assert.doesNotMatch(await answered(whole({ status: 204, headers: [["content-length", "5"]] })), /content-length/i);
  assert.match(await answered([head({ headers: [["content-length", "5"]] }), end], "HEAD"), /content-length: 5/);
});

test("a body that is not as long as its head says is broken off", { timeout: 30_000 }, async () => {
  const declared = head({ headers: [["content-length", "5"]] });
  for (const frames of [
    [declared, data("abc"), end],
    [declared, data("abcdefg"), end],
  ]) {
    const text = await answered(frames);
    assert.ok(!text.endsWith("abcde"), text);
    assert.equal(text.split("HTTP/1.1").length, 2, text);
  }
});

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

async function serve(t: TestNode, handler: string, options: Parameters<TestNode["start"]>[1] = {}) {
  const source = `const { serve } = globalThis.__godwit.exports;
    const server = serve(${handler}, { address: "127.0.0.1:0" }); console.log("at http://" + server.address + "/");`;
  const process = await t.start(source, { capabilities: { listen: "all" }, ...options });
  return { process, url: (await process.match(/at (\S+)\n/))[1] ?? "" };
}

await withNode({ lwps: 1 }, (t) => {
  test("a program that is killed while it answers: what came is not whole", { timeout: 30_000 }, async () => {
    const handler = `() => new Response(new ReadableStream({ start(c) { c.enqueue(new Uint8Array([65, 66])); } }))`;
    const { process, url } = await serve(t, handler);
    const client = (await RawClient.connect(url)).send(GET);
    await client.seen(/AB/);
    await t.node.signal(process.pid, "SIGKILL");
    await client.closed;
    assert.ok(!client.text.endsWith("0\r\n\r\n"), client.text);
    await assert.rejects(RawClient.connect(url));
  });

  test("one that is killed before it answers: 502", { timeout: 30_000 }, async () => {
    const { process, url } = await serve(t, `() => { console.log("asked"); return new Promise(() => {}); }`);
    const client = (await RawClient.connect(url)).send(GET);
    await process.printed("asked");
    await t.node.signal(process.pid, "SIGKILL");
    await client.closed;
    assert.deepEqual(client.statuses, [502]);
  });

  test("a body without end fills its reader's memory, and nobody else's", { timeout: 120_000 }, async () => {
    const neighbour = await serve(t, `() => new Response("well")`);
    const handler = `async (request) => { try { return new Response(String((await request.text()).length)); } catch (e) { return new Response(e.name, { status: 413 }); } }`;
    const { process, url } = await serve(t, handler, { quotas: { memoryBytes: 8 * 2 ** 20 } });
    const client = (await RawClient.connect(url)).send(
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    const chunk = `10000\r\n${"a".repeat(65_536)}\r\n`;
    let sentBytes = 0;
    const sending = new Promise<void>((resolve) => {
      const more = (): void => {
        while (!client.socket.destroyed && client.socket.write(chunk)) sentBytes += chunk.length;
      };
      client.socket.on("drain", more).on("close", resolve);
      more();
    });
    await sending;
    assert.ok(sentBytes < 200 * 2 ** 20, `${sentBytes} bytes were taken`);
    assert.deepEqual(
      (await exchange(neighbour.url, GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"))).statuses,
      [200],
    );
    for (const { pid } of [process, neighbour.process]) await t.node.signal(pid, "SIGKILL").catch(() => {});
  });

  test("a body that its reader has no memory for is the program's error, and told", { timeout: 60_000 }, async () => {
    const handler = `async (request) => new Response(await request.text())`;
    const { process, url } = await serve(t, handler, { quotas: { memoryBytes: 8 * 2 ** 20 } });
    const bytes = 16 * 2 ** 20;
    const client = (await RawClient.connect(url)).send(
      `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n${"a".repeat(bytes)}`,
    );
    await client.seen(/^HTTP\/1\.1 500 /);
    client.socket.destroy();
    await t.node.signal(process.pid, "SIGKILL");
    assert.match((await process.ended).stderr, /POST http:.*memory/s);
  });

  test(
    "an answer that the node refuses is told of on stderr, once, and the program goes on",
    { timeout: 60_000 },
    async () => {
      const handler = `(request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/many") { const headers = new Headers(); for (let n = 0; n <= ${HEADERS_MAX}; n++) headers.append("x-" + n, "v"); return new Response("", { headers }); }
      if (pathname === "/long") return new Response(new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode("abc")); c.close(); } }), { headers: { "content-length": "2" } });
      if (pathname === "/short") return new Response(new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode("abc")); c.close(); } }), { headers: { "content-length": "9" } });
      return new Response("well");
    }`;
      const { process, url } = await serve(t, handler);
      const ask = async (path: string) =>
        (await exchange(url, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).statuses;
      assert.deepEqual(await ask("/many"), [500]);
      await ask("/long");
      await ask("/short");
      assert.deepEqual(await ask("/fine"), [200]);
      await t.node.signal(process.pid, "SIGKILL");
      const lines = (await process.ended).stderr.trimEnd().split("\n");
      assert.equal(lines.length, 3, lines.join("\n"));
      const [many = "", long = "", short = ""] = lines;
      assert.match(many, /^godwit: process \d+: a response was refused: .* at most 256 headers \(of GET \/many\)$/);
      for (const [line, path] of [
        [long, "long"],
        [short, "short"],
      ])
        assert.match(line ?? "", new RegExp(`a response was refused: .*content-length.* \\(of GET /${path}\\)$`));
    },
  );

  test("a body that nobody reads is not taken in", { timeout: 60_000 }, async () => {
    const { process, url } = await serve(t, `() => { console.log("asked"); return new Promise(() => {}); }`);
    const client = (await RawClient.connect(url)).send(
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n",
    );
    for (let sent = 0; sent < 100; sent++) client.socket.write(Buffer.alloc(1_000_000));
    await process.printed("asked");
    // It comes to a halt, long before all is sent: what the buffers on the way and the window hold.
    let leftBytes = 0;
    while (leftBytes !== client.socket.writableLength) {
      leftBytes = client.socket.writableLength;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    assert.ok(leftBytes > 70_000_000, String(leftBytes));
    client.socket.destroy();
    await t.node.signal(process.pid, "SIGKILL");
  });
});
