import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, type TestContext, test } from "node:test";
import zlib from "node:zlib";

import { CODINGS_MAX } from "../../src/limits.ts";
import { NetAccess } from "../../src/resources/net-access.ts";
import { ask } from "./asking.ts";
import { eventually, httpServer, type LocalServer } from "./local-server.ts";
import { deferred } from "./recorded-line.ts";

const { zstdCompressSync } = zlib as typeof zlib & { zstdCompressSync?: (bytes: Uint8Array) => Buffer };
const hasZstd = zstdCompressSync !== undefined;

const BODY = Buffer.concat([Buffer.from("a text, repeated; ".repeat(5000)), randomBytes(300_000)]);

function accessOf(context: TestContext): NetAccess {
  const access = new NetAccess(["127.0.0.1"]);
  context.after(() => access.close());
  return access;
}

/** Answers with these bytes in this coding, `piece` bytes at a time. */
function answering(context: TestContext, coding: string, bytes: Uint8Array, piece = Infinity): Promise<LocalServer> {
  return httpServer(context, (_request, response) => {
    response.setHeader("content-encoding", coding);
    for (let at = 0; at < bytes.length; at += piece) response.write(bytes.subarray(at, at + piece));
    response.end();
  });
}

describe("codings that are undone", () => {
  const codings: readonly [field: string, bytes: Uint8Array][] = [
    ["gzip", zlib.gzipSync(BODY)],
    ["GZIP", zlib.gzipSync(BODY)],
    ["x-gzip", zlib.gzipSync(BODY)],
    ["gzip", Buffer.concat([zlib.gzipSync(BODY.subarray(0, 5000)), zlib.gzipSync(BODY.subarray(5000))])],
    ["deflate", zlib.deflateSync(BODY)],
    ["deflate", zlib.deflateRawSync(BODY)],
    ["br", zlib.brotliCompressSync(BODY)],
    ["identity", BODY],
    ["gzip, identity", zlib.gzipSync(BODY)],
    ["deflate, gzip", zlib.gzipSync(zlib.deflateSync(BODY))],
    ["gzip, br", zlib.brotliCompressSync(zlib.gzipSync(BODY))],
    ["gzip, gzip, gzip", zlib.gzipSync(zlib.gzipSync(zlib.gzipSync(BODY)))],
    ...(zstdCompressSync === undefined ? [] : [["zstd", zstdCompressSync(BODY)] satisfies [string, Uint8Array]]),
  ];
  for (const [field, bytes] of codings) {
    test(`${field}, ${bytes.length} bytes`, async (context) => {
      const server = await answering(context, field, bytes);
      const { head, body } = await ask(`http://${server.host}/`, accessOf(context)).line.answer();
      assert.ok(body.equals(BODY));
      assert.equal(head.headers.find(([name]) => name === "content-encoding")?.[1], field);
    });
  }

  test("with a window of one byte", async (context) => {
    const server = await answering(context, "gzip, br", zlib.brotliCompressSync(zlib.gzipSync(BODY)), 10_000);
    const { line } = ask(`http://${server.host}/`, accessOf(context), { windowBytes: 1 });
    while (!line.isEnded) {
      const { length } = line.frames;
      line.drain();
      await line.until(() => line.frames.length > length || line.broken !== undefined, "more");
      assert.equal(line.broken, undefined);
      if (!line.isEnded) assert.equal(line.frames.length, length + 1, "one frame at a time");
    }
    assert.ok(line.body.equals(BODY));
  });

  test("each piece as it comes", async (context) => {
    const goOn = deferred();
    const server = await httpServer(context, (_request, response) => {
      response.setHeader("content-encoding", "gzip");
      const gzip = zlib.createGzip();
      gzip.pipe(response);
      gzip.write("first");
      gzip.flush();
      void goOn.promise.then(() => gzip.end("second"));
    });
    const { line } = ask(`http://${server.host}/`, accessOf(context));
    await line.until(() => line.body.toString() === "first", "the first piece");
    goOn.resolve();
    assert.equal((await line.answer()).body.toString(), "firstsecond");
  });

  test("one that is not known is left to the process", async (context) => {
    const server = await answering(context, "compress, gzip", BODY);
    assert.ok((await ask(`http://${server.host}/`, accessOf(context)).line.answer()).body.equals(BODY));
  });

  test("no bytes are in no coding", async (context) => {
    const server = await answering(context, "gzip", new Uint8Array(0));
    assert.equal((await ask(`http://${server.host}/`, accessOf(context)).line.answer()).body.length, 0);
  });
});

describe("hostile bodies", () => {
  const packed = zlib.gzipSync(BODY);
  const altered = Buffer.from(packed);
  altered.fill(0xff, packed.length - 8);
  const bodies: readonly [name: string, field: string, bytes: Uint8Array][] = [
    ["gzip cut off", "gzip", packed.subarray(0, packed.length - 9)],
    ["gzip cut off in its head", "gzip", packed.subarray(0, 5)],
    ["gzip with a wrong checksum", "gzip", altered],
    ["no gzip", "gzip", BODY],
    ["no deflate", "deflate", Buffer.from("\xff\xff\xff\xff", "latin1")],
    ["brotli cut off", "br", zlib.brotliCompressSync(BODY).subarray(0, 5000)],
    ["no brotli", "br", randomBytes(5000).fill(0xff, 0, 10)],
    ["the inner one cut off", "gzip, br", zlib.brotliCompressSync(packed.subarray(0, 5000))],
    ["too many codings", new Array<string>(CODINGS_MAX + 1).fill("gzip").join(", "), packed],
  ];
  for (const [name, field, bytes] of bodies) {
    test(`${name}: EPROTO`, async (context) => {
      const server = await answering(context, field, bytes);
      const fault = await ask(`http://${server.host}/`, accessOf(context)).line.fault();
      assert.equal(fault.code, "EPROTO", fault.message);
      await eventually(() => server.open.size <= 1, "the connection's end");
    });
  }

  test("a bomb goes off a window at a time", async (context) => {
    const bomb = zlib.gzipSync(zlib.gzipSync(Buffer.alloc(64 * 2 ** 20)));
    assert.ok(bomb.length < 1000);
    const server = await answering(context, "gzip, gzip", bomb);
    const { line, driver } = ask(`http://${server.host}/`, accessOf(context), { windowBytes: 256 * 1024 });
    for (let windows = 1; windows <= 20; windows++) {
      await line.until(() => line.bodyBytes >= windows * 200 * 1024, `window ${windows}`);
      assert.ok(line.bodyBytes <= windows * 400 * 1024, `${line.bodyBytes} bytes in ${windows} windows`);
      line.drain();
    }
    driver.close();
    const { length } = line.frames;
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(line.frames.length, length, "nothing comes after the close");
  });
});

describe("what is offered", () => {
  test("the best while there is room for it, then what takes little, and the best again", async (context) => {
    const held: (() => void)[] = [];
    const seen: (string | undefined)[] = [];
    const server = await httpServer(context, (request, response) => {
      seen.push(request.headers["accept-encoding"]?.toString());
      held.push(() => response.end());
    });
    const access = accessOf(context);
    const lines = Array.from({ length: 20 }, () => ask(`http://${server.host}/`, access).line);
    await eventually(() => seen.length === 20, "all requests");
    const best = hasZstd ? "gzip, deflate, br, zstd" : "gzip, deflate, br";
    assert.equal(seen.filter((offer) => offer === best).length, 15);
    assert.equal(seen.filter((offer) => offer === "gzip, deflate").length, 5);
    for (const answer of held) answer();
    for (const line of lines) await line.answer();
    const again = ask(`http://${server.host}/`, access);
    await eventually(() => seen.length === 21, "one more");
    assert.equal(seen[20], best);
    again.driver.close();
  });

  test("what the process asks for itself is passed on, and undone while there is room", async (context) => {
    const server = await answering(context, "br", zlib.brotliCompressSync(BODY));
    const access = accessOf(context);
    const headers = [["Accept-Encoding", "br"]] as const;
    const asked = Array.from({ length: 16 }, () => ask(`http://${server.host}/`, access, { headers, windowBytes: 1 }));
    await eventually(
      () => asked.every(({ line }) => line.head !== undefined || line.broken !== undefined),
      "all heads",
    );
    const broken = asked.filter(({ line }) => line.broken !== undefined);
    assert.equal(broken.length, 1);
    assert.equal(broken[0]?.line.broken?.code, "EAGAIN");
    for (const { driver } of asked) driver.close();
    assert.ok((await ask(`http://${server.host}/`, access, { headers }).line.answer()).body.equals(BODY));
  });
});
