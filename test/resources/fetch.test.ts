import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";

import { FRAME_KINDS } from "../../src/abi/channel.ts";
import { HEADERS_MAX, KEPT_CONNECTIONS_MAX, SEND_BUFFER_BYTES } from "../../src/limits.ts";
import { NetAccess, type NetOptions } from "../../src/resources/net-access.ts";
import { ask, EMPTY } from "./asking.ts";
import { closedPort, eventually, httpServer, rawServer } from "./local-server.ts";
import { deferred } from "./recorded-line.ts";

const LOCAL = ["127.0.0.1", "localhost"];

function accessOf(context: TestContext, options: NetOptions = {}): NetAccess {
  const access = new NetAccess(LOCAL, options);
  context.after(() => access.close());
  return access;
}

const text = (value: string) => ({ kind: FRAME_KINDS.data, bytes: Buffer.from(value) });
const END = { kind: FRAME_KINDS.end, bytes: EMPTY };

describe("a request and its answer", () => {
  test("head, fields in order, body, end", async (context) => {
    const server = await rawServer(context, (socket) => {
      socket.end(
        Buffer.from(
          "HTTP/1.1 203 All \xe9 right\r\nSet-Cookie: a=1\r\nX-Latin: \xe9\xff\r\nSet-Cookie: b=2\r\n__proto__: x\r\nEmpty:\r\nConnection: close\r\n\r\nhello",
          "latin1",
        ),
      );
    });
    const { line } = ask(`http://${server.host}/`, accessOf(context));
    const { head, body } = await line.answer();
    assert.equal(head.status, 203);
    assert.deepEqual(head.headers, [
      ["Set-Cookie", "a=1"],
      ["X-Latin", "\u00e9\u00ff"],
      ["Set-Cookie", "b=2"],
      ["__proto__", "x"],
      ["Empty", ""],
      ["Connection", "close"],
    ]);
    assert.equal(body.toString(), "hello");
  });

  test("what goes over the wire is one request, ours, whatever fields it has", async (context) => {
    const got = deferred<string>();
    const server = await rawServer(context, (socket, start) => {
      got.resolve(start);
      socket.end("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    });
    const { line } = ask(`http://${server.host}/a%20b?c=d#e`, accessOf(context), {
      method: "POST",
      body: "whole",
      bytes: Buffer.from("four"),
      headers: [
        ["Host", "evil.example"],
        ["Content-Length", "0"],
        ["content-length", "4000"],
        ["Transfer-Encoding", "chunked"],
        ["Connection", "close, x-mine"],
        ["Keep-Alive", "timeout=5"],
        ["Upgrade", "h2c"],
        ["HTTP2-Settings", "x"],
        ["Expect", "100-continue"],
        ["TE", "trailers"],
        ["Trailer", "x"],
        ["Proxy-Connection", "close"],
        ["X-Mine", "1"],
        ["X-Mine", "\u00e9"],
        ["Accept-Encoding", "identity"],
      ],
    });
    await line.answer();
    assert.equal(
      await got.promise,
      `POST /a%20b?c=d HTTP/1.1\r\nhost: ${server.host}\r\nconnection: keep-alive\r\nX-Mine: 1\r\nX-Mine: \xe9\r\nAccept-Encoding: identity\r\ncontent-length: 4\r\n\r\nfour`,
    );
  });

  test("an empty body has a length, no body has none", async (context) => {
    const lengths: unknown[] = [];
    const server = await httpServer(context, (request, response) => {
      lengths.push(request.headers["content-length"], request.headers["transfer-encoding"]);
      response.end();
    });
    const access = accessOf(context);
    await ask(`http://${server.host}/`, access, { method: "POST", body: "whole" }).line.answer();
    await ask(`http://${server.host}/`, access, { method: "GET" }).line.answer();
    assert.deepEqual(lengths, ["0", undefined, undefined, undefined]);
  });

  test("a redirect is an answer like another", async (context) => {
    const server = await httpServer(context, (_request, response) => {
      response.writeHead(302, { location: "http://169.254.169.254/latest" }).end("elsewhere");
    });
    const { head, body } = await ask(`http://${server.host}/`, accessOf(context)).line.answer();
    assert.equal(head.status, 302);
    assert.equal(head.headers.find(([name]) => name === "location")?.[1], "http://169.254.169.254/latest");
    assert.equal(body.toString(), "elsewhere");
    assert.equal(server.made, 1);
  });

  test("interim heads are passed over", async (context) => {
    const server = await rawServer(context, (socket) => {
      socket.end("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    const { head, body } = await ask(`http://${server.host}/`, accessOf(context)).line.answer();
    assert.deepEqual([head.status, head.headers, body.toString()], [200, [["Content-Length", "2"]], "ok"]);
  });

  test("HEAD, 204 and 304 have no body, whatever they say", async (context) => {
    const server = await httpServer(context, (request, response) => {
      const status = Number(request.url?.slice(1));
      response.writeHead(status, {
        "content-encoding": "gzip",
        ...(request.method === "HEAD" && { "content-length": 9 }),
      });
      response.end();
    });
    const access = accessOf(context);
    for (const [method, status] of [
      ["HEAD", 200],
      ["GET", 204],
      ["GET", 304],
    ] as const) {
      const { head, body } = await ask(`http://${server.host}/${status}`, access, { method }).line.answer();
      assert.deepEqual([head.status, body.length], [status, 0]);
    }
  });

  test("a line whose window the head alone fills gets the rest later", async (context) => {
    const server = await httpServer(context, (_request, response) => response.end("late"));
    for (const headers of [[], [["accept-encoding", "identity"]]] as const) {
      const { line } = ask(`http://${server.host}/`, accessOf(context), { windowBytes: 1, headers });
      await line.until(() => line.head !== undefined, "the head");
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      assert.equal(line.frames.length, 1);
      line.drain();
      await line.until(() => line.bodyBytes === 4, "the body");
      line.drain();
      await line.answer();
    }
  });
});

describe("a streamed request", () => {
  test("arrives in pieces, chunked, and the answer may begin before its end", async (context) => {
    const server = await httpServer(context, (request, response) => {
      response.writeHead(200, { encoding: request.headers["transfer-encoding"] ?? "none" });
      request.pipe(response);
    });
    const { line, driver } = ask(`http://${server.host}/`, accessOf(context), { method: "POST", body: "stream" });
    await driver.take(text("one"));
    await line.until(() => line.body.toString() === "one", "the echo");
    await driver.take(text(""));
    await driver.take(text("two"));
    await line.until(() => line.body.toString() === "onetwo", "the echo");
    await driver.take(END);
    const { head } = await line.answer();
    assert.equal(head.headers.find(([name]) => name === "encoding")?.[1], "chunked");
  });

  test("waits for a server that does not read, and goes on when it does", async (context) => {
    const hold = deferred();
    let received = 0;
    const server = await httpServer(context, (request, response) => {
      void hold.promise.then(() => {
        request.on("data", (chunk: Buffer) => (received += chunk.length));
        request.on("end", () => response.end());
      });
    });
    const { line, driver } = ask(`http://${server.host}/`, accessOf(context), { method: "PUT", body: "stream" });
    const piece = { kind: FRAME_KINDS.data, bytes: new Uint8Array(2 ** 20) };
    let sent = 0;
    let isDone = false;
    const sending = (async () => {
      for (; sent < 64; sent++) await driver.take(piece);
      await driver.take(END);
      isDone = true;
    })();
    let before = -1;
    // It has come to a stand: nothing more for a tenth of a second.
    await eventually(() => sent > 0, "the first piece");
    while (before !== sent) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.ok(!isDone && sent < 32, `stopped after ${sent} of 64 MB`);
    hold.resolve();
    await sending;
    await line.answer();
    assert.equal(received, 64 * 2 ** 20);
  });

  test("is let go of when the answer comes before its end", async (context) => {
    const server = await httpServer(context, (_request, response) => {
      response.writeHead(413).end("too much");
    });
    const access = accessOf(context);
    const { line, driver } = ask(`http://${server.host}/`, access, { method: "POST", body: "stream" });
    const piece = { kind: FRAME_KINDS.data, bytes: new Uint8Array(SEND_BUFFER_BYTES) };
    while (!line.isEnded && line.broken === undefined) await driver.take(piece);
    assert.equal(line.head?.status, 413);
    assert.equal(line.body.toString(), "too much");
    await driver.take(piece);
    await driver.take(END);
    assert.equal((await ask(`http://${server.host}/`, access).line.answer()).head.status, 413);
    assert.equal(server.made, 2);
  });

  test("a piece that waits is released when the channel is closed", async (context) => {
    const server = await httpServer(context, () => {});
    const { driver } = ask(`http://${server.host}/`, accessOf(context), { method: "POST", body: "stream" });
    const piece = { kind: FRAME_KINDS.data, bytes: new Uint8Array(2 ** 20) };
    let isWaiting = false;
    const sending = (async () => {
      for (let sent = 0; sent < 64; sent++) {
        const taking = driver.take(piece);
        isWaiting = taking !== undefined;
        await taking;
      }
    })();
    await eventually(() => isWaiting, "a piece that waits");
    driver.close();
    await sending;
    await eventually(() => server.open.size === 0, "the connection's end");
  });

  test("frames that are no part of it are refused", async (context) => {
    const server = await httpServer(context, () => {});
    const { driver } = ask(`http://${server.host}/`, accessOf(context), { method: "POST", body: "stream" });
    for (const kind of [FRAME_KINDS.head, FRAME_KINDS.text, FRAME_KINDS.whole])
      assert.throws(() => driver.take({ kind, bytes: EMPTY }), { code: "EPROTO" });
    driver.close();
    const other = ask(`http://${server.host}/`, accessOf(context)).driver;
    assert.throws(() => other.take(text("x")), { code: "EPROTO" });
    other.close();
  });
});

describe("an answer's body", () => {
  test("waits for the process: an endless one takes no more than its window and the system's buffers", async (context) => {
    let written = 0;
    const server = await httpServer(context, (_request, response) => {
      const chunk = Buffer.alloc(64 * 1024);
      const pour = () => {
        while (!response.destroyed && response.write(chunk)) written += chunk.length;
      };
      response.on("drain", pour);
      pour();
    });
    const { line, driver } = ask(`http://${server.host}/`, accessOf(context), { windowBytes: 256 * 1024 });
    await line.until(() => line.bodyBytes >= 256 * 1024, "a window full");
    let before = -1;
    while (before !== written) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.ok(line.bodyBytes < 400 * 1024, `${line.bodyBytes} bytes were passed on`);
    const stood = line.bodyBytes;
    line.drain();
    await line.until(() => line.bodyBytes >= stood + 256 * 1024, "another window full");
    driver.close();
    await eventually(() => server.open.size === 0, "the connection's end");
    const last = line.frames.length;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(line.frames.length, last, "nothing comes after the close");
  });

  test("arrives as it is sent, not when it is whole", async (context) => {
    const goOn = deferred();
    const server = await httpServer(context, (_request, response) => {
      response.write("event: 1\n\n");
      void goOn.promise.then(() => response.end("event: 2\n\n"));
    });
    const { line } = ask(`http://${server.host}/`, accessOf(context));
    await line.until(() => line.body.toString() === "event: 1\n\n", "the first event");
    goOn.resolve();
    assert.equal((await line.answer()).body.toString(), "event: 1\n\nevent: 2\n\n");
  });
});

describe("connections", () => {
  test("are kept for the same process, and not shared with another", async (context) => {
    const server = await httpServer(context, (_request, response) => response.end("ok"));
    const [one, other] = [accessOf(context), accessOf(context)];
    for (let count = 0; count < 5; count++) await ask(`http://${server.host}/${count}`, one).line.answer();
    assert.equal(server.made, 1);
    await ask(`http://${server.host}/`, other).line.answer();
    assert.equal(server.made, 2);
    one.close();
    await eventually(() => server.open.size === 1, "the end of the one that was kept");
    await ask(`http://${server.host}/`, one).line.answer();
    assert.equal(server.made, 3);
  });

  test("that carry a request are not given another", async (context) => {
    const answers: (() => void)[] = [];
    const server = await httpServer(context, (_request, response) => answers.push(() => response.end("ok")));
    const access = accessOf(context);
    const lines = Array.from({ length: 3 }, () => ask(`http://${server.host}/`, access).line);
    await eventually(() => answers.length === 3, "all three requests");
    for (const answer of answers) answer();
    for (const line of lines) assert.equal((await line.answer()).body.toString(), "ok");
    assert.equal(server.made, 3);
  });

  test("that the server closed meanwhile are made anew", async (context) => {
    const server = await httpServer(context, (_request, response) => response.end("ok"));
    const access = accessOf(context);
    await ask(`http://${server.host}/`, access).line.answer();
    server.http.closeAllConnections();
    await eventually(() => server.open.size === 0, "the connection's end");
    assert.equal((await ask(`http://${server.host}/`, access).line.answer()).body.toString(), "ok");
    assert.equal(server.made, 2);
  });

  test("whose answer was given up are not used again", async (context) => {
    const server = await httpServer(context, (request, response) => {
      response.write("start");
      if (request.url === "/whole") response.end();
    });
    const access = accessOf(context);
    const { line, driver } = ask(`http://${server.host}/`, access);
    await line.until(() => line.bodyBytes > 0, "the start");
    driver.close();
    await eventually(() => server.open.size === 0, "the connection's end");
    assert.equal((await ask(`http://${server.host}/whole`, access).line.answer()).body.toString(), "start");
  });

  test(`are kept up to ${KEPT_CONNECTIONS_MAX}`, async (context) => {
    const answers: (() => void)[] = [];
    const count = KEPT_CONNECTIONS_MAX + 8;
    const server = await httpServer(context, (_request, response) => answers.push(() => response.end("ok")));
    const access = accessOf(context);
    const lines = Array.from({ length: count }, () => ask(`http://${server.host}/`, access).line);
    await eventually(() => answers.length === count, "all requests");
    for (const answer of answers) answer();
    for (const line of lines) await line.answer();
    await eventually(() => server.open.size === KEPT_CONNECTIONS_MAX, "the end of the oldest");
  });

  test("of a request that is nobody's are not kept", async (context) => {
    const server = await httpServer(context, (_request, response) => response.end("ok"));
    await ask(`http://${server.host}/`, LOCAL).line.answer();
    await eventually(() => server.open.size === 0, "the connection's end");
  });

  test("end when the channel is closed, at whatever they are", async (context) => {
    const server = await httpServer(context, () => {});
    const access = accessOf(context);
    // At once: nothing has been connected yet.
    for (let count = 0; count < 200; count++) ask(`http://${server.host}/`, access).driver.close();
    // Waiting for an answer.
    const { driver, line } = ask(`http://${server.host}/`, access);
    await eventually(() => server.open.size === 1, "the one that is not closed");
    driver.close();
    await eventually(() => server.open.size === 0, "the connection's end");
    assert.equal(line.broken, undefined);
    assert.equal(line.frames.length, 0);
  });

  test("an answer longer than it said is not the next one's", async (context) => {
    let turn = 0;
    const server = await rawServer(context, (socket) => {
      const extra = turn++ === 0 ? "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged" : "";
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nreal${extra}`);
    });
    const access = accessOf(context);
    for (let count = 0; count < 2; count++) {
      const { body } = await ask(`http://${server.host}/`, access).line.answer();
      assert.equal(body.toString(), "real");
    }
  });
});

describe("what goes wrong", () => {
  const answers: readonly [name: string, answer: string, code: string][] = [
    ["no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", "EPROTO"],
    ["a field over the bound", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(100_000)}\r\n\r\n`, "EPROTO"],
    ["too many fields", `HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(HEADERS_MAX + 1)}\r\n`, "EPROTO"],
    ["a field with a NUL", "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", "EPROTO"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "EPROTO"],
    [
      "a length and chunks",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
      "EPROTO",
    ],
    ["a chunk that is none", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n", "EPROTO"],
    ["a chunk cut off", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "ECONNRESET"],
    ["a body cut off", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab", "ECONNRESET"],
    ["a head cut off", "HTTP/1.1 200 OK\r\nContent-", "ECONNRESET"],
    ["nothing", "", "ECONNRESET"],
    ["a protocol nobody asked for", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "EPROTO"],
    ["interim heads without end", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1000), "EPROTO"],
    [
      "trailers over the bound",
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${`t: ${"x".repeat(1000)}\r\n`.repeat(100)}\r\n`,
      "EPROTO",
    ],
  ];
  for (const [name, answer, code] of answers) {
    test(`${name}: ${code}`, async (context) => {
      const server = await rawServer(context, (socket) => {
        socket.end(Buffer.from(answer, "latin1"));
      });
      const fault = await ask(`http://${server.host}/`, accessOf(context)).line.fault();
      assert.equal(fault.code, code, fault.message);
      assert.match(fault.message, new RegExp(server.host));
    });
  }

  test("a reset: ECONNRESET", async (context) => {
    const server = await rawServer(context, (socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab", () => socket.resetAndDestroy());
    });
    assert.equal((await ask(`http://${server.host}/`, accessOf(context)).line.fault()).code, "ECONNRESET");
  });

  test("nobody listens: ECONNREFUSED", async (context) => {
    const fault = await ask(`http://127.0.0.1:${await closedPort()}/`, accessOf(context)).line.fault();
    assert.equal(fault.code, "ECONNREFUSED");
  });

  test("a host that is not allowed: EACCES, before anything is sent", async (context) => {
    const server = await httpServer(context, (_request, response) => response.end());
    for (const net of [[], ["example.com"], [`127.0.0.1:${server.port + 1}`]]) {
      assert.throws(() => ask(`http://${server.host}/`, net), {
        code: "EACCES",
        message: `connecting to ${server.host} is not allowed: allow it with --allow-net=${server.host}`,
      });
    }
    assert.equal(server.made, 0);
    assert.equal((await ask(`http://${server.host}/`, [server.host]).line.answer()).head.status, 200);
    assert.equal((await ask(`http://${server.host}/`, "all").line.answer()).head.status, 200);
  });

  test("a head that drips: ETIMEDOUT, however often a byte comes", { timeout: 30_000 }, async (context) => {
    const server = await rawServer(context, (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      const timer = setInterval(() => socket.write("a: b\r\n"), 50);
      socket.once("close", () => clearInterval(timer));
    });
    const access = accessOf(context, { timeouts: { headMs: 1500 } });
    assert.equal((await ask(`http://${server.host}/`, access).line.fault()).code, "ETIMEDOUT");
    await eventually(() => server.open.size === 0, "the connection's end");
  });

  test(
    "a body that stands still: ETIMEDOUT; but not while the process reads nothing",
    { timeout: 30_000 },
    async (context) => {
      const server = await httpServer(context, (request, response) => {
        response.write(request.url === "/large" ? Buffer.alloc(2 ** 20) : "start");
        if (request.url === "/large") response.end();
      });
      const access = accessOf(context, { timeouts: { idleMs: 1500 } });
      const slow = ask(`http://${server.host}/large`, access, { windowBytes: 1024 });
      await slow.line.until(() => slow.line.head !== undefined, "the head");
      const fault = await ask(`http://${server.host}/`, access).line.fault();
      assert.equal(fault.code, "ETIMEDOUT");
      while (!slow.line.isEnded) {
        assert.equal(slow.line.broken, undefined);
        const { length } = slow.line.frames;
        slow.line.drain();
        await slow.line.until(() => slow.line.frames.length > length, "more");
      }
      assert.equal(slow.line.bodyBytes, 2 ** 20);
    },
  );
});
