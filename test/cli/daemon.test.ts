/** The control socket, from both ends: client and daemon over a node that the test drives, and hostile requests. */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { request } from "node:http";
import { connect as connectSocket, createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type TestContext, suite, test } from "node:test";
import type { Stream } from "../../src/abi/control.ts";
import { type NodeClient, connect } from "../../src/client/node-client.ts";
import { socketPath } from "../../src/client/socket.ts";
import { type ErrorCode, GodwitError, failure } from "../../src/errors.ts";
import { CONTROL_REQUEST_MAX_BYTES, IO_MAX_BYTES, OUTPUT_IN_FLIGHT_MAX_BYTES } from "../../src/limits.ts";
import { type Daemon, startDaemon } from "../../src/node/daemon.ts";
import { ExitWatch } from "../../src/node/exit-watch.ts";
import { FakeNode } from "./fake-node.ts";
import { temporaryFolder, until } from "./folder.ts";

const TIMEOUT = { timeout: 20_000 };

interface Set {
  readonly node: FakeNode;
  readonly daemon: Daemon;
  readonly client: NodeClient;
  readonly logged: string[];
}

async function started(test: TestContext): Promise<Set> {
  const socket = join(temporaryFolder(test), "node.sock");
  const node = new FakeNode();
  const logged: string[] = [];
  const daemon = await startDaemon(node, { socket, version: "9.9.9", log: (line) => logged.push(line) });
  test.after(async () => {
    await daemon.stop();
    await daemon.ended;
  });
  return { node, daemon, client: await connect(socket), logged };
}

function hasCode(code: ErrorCode, text?: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert(error instanceof GodwitError, `a coded error, not ${String(error)}`);
    assert.equal(error.code, code, error.message);
    if (text !== undefined) assert.match(error.message, text);
    return true;
  };
}

const PROGRAM = { name: "p.ts", source: "1", arguments: ["a", "b"], environment: { HOME: "/" } } as const;

suite("client and daemon", () => {
  test("every operation reaches the node and its answer comes back", TIMEOUT, async (t) => {
    const { node, client } = await started(t);
    assert.deepEqual([client.name, client.version, client.hostPid], ["fake", "9.9.9", process.pid]);
    const capabilities = { read: ["/x"], run: "all", net: ["example.com"], listen: ["127.0.0.1:80"] } as const;
    const spawned = { ...PROGRAM, quotas: { memoryBytes: 1 }, capabilities } as const;
    assert.equal(await client.spawn(spawned), 1);
    assert.deepEqual(node.get(1).options, spawned);
    assert.deepEqual(await client.list(), await node.list());
    assert.deepEqual(await client.inspect(1), await node.inspect(1));
    await client.pause(1);
    assert.equal(node.get(1).state, "paused");
    await client.resume(1);
    assert.equal(node.get(1).state, "running");
    await client.signal(1, "SIGUSR1");
    assert.deepEqual(node.get(1).signals, ["SIGUSR1"]);
    assert.equal(await client.fork(1), 2);
    await client.signal(2, "SIGKILL");
    assert.deepEqual(await client.wait(2), { pid: 2, code: 137, signal: "SIGKILL" });
  });

  test("images go both ways unharmed, with what the restored process gets", TIMEOUT, async (t) => {
    const { node, client } = await started(t);
    node.image = Buffer.alloc(5_000_000, "0123456789");
    const pid = await client.spawn(PROGRAM);
    const image = await client.checkpoint(pid);
    assert(Buffer.from(node.image).equals(image));
    const options = { capabilities: { write: ["/y"] }, stress: { every: 3, at: "poll" } } as const;
    const restored = await client.restore(image, options);
    assert.deepEqual(node.get(restored).options, options);
    assert(node.images[0]?.equals(image));
  });

  test("state that a program keeps goes from one process to the next", TIMEOUT, async (t) => {
    const { node, client } = await started(t);
    node.image = Buffer.from([0, 255, 254, 1]);
    const kept = await client.kept(await client.spawn(PROGRAM));
    assert.deepEqual([...kept], [0, 255, 254, 1]);
    const next = node.get(await client.spawn({ ...PROGRAM, kept }));
    assert.deepEqual(next.options, { ...PROGRAM, kept: new Uint8Array(kept) });
    await assert.rejects(client.kept(99), hasCode("ESRCH"));
  });

  test("input arrives in order and whole, and its end is told", TIMEOUT, async (t) => {
    const { node, client } = await started(t);
    const pid = await client.spawn(PROGRAM);
    const long = Buffer.alloc(2 * IO_MAX_BYTES + 17, "abcdefg");
    await Promise.all([client.input(pid, Buffer.from("first ")), client.input(pid, long), client.input(pid, null)]);
    const received = node.get(pid).input;
    assert.equal(received.at(-1), null);
    const bytes = received.slice(0, -1).map((piece) => piece ?? Buffer.alloc(0));
    assert(Buffer.concat(bytes).equals(Buffer.concat([Buffer.from("first "), long])));
  });

  test("output is replayed, follows, and is complete when wait resolves", TIMEOUT, async (t) => {
    const { node, client } = await started(t);
    const pid = await client.spawn(PROGRAM);
    await node.write(pid, "stdout", "early ");
    const seen: string[] = [];
    client.output(pid, true, (stream, bytes) => void seen.push(`${stream}:${Buffer.from(bytes).toString()}`));
    const waited = client.wait(pid);
    await until(() => node.get(pid).subscribers.size === 1);
    await node.write(pid, "stderr", "late ");
    await node.write(pid, "stdout", Buffer.alloc(IO_MAX_BYTES + 1, "x"));
    node.get(pid).end({ pid, code: 3 });
    assert.deepEqual(await waited, { pid, code: 3 });
    assert.deepEqual(seen.slice(0, 2), ["stdout:early ", "stderr:late "]);
    assert.equal(seen.slice(2).join("").replaceAll("stdout:", "").length, IO_MAX_BYTES + 1);
    assert.equal(node.get(pid).subscribers.size, 0);
  });

  test("unsubscribing unsubscribes at the node", TIMEOUT, async (t) => {
    const { node, client } = await started(t);
    const pid = await client.spawn(PROGRAM);
    const stop = client.output(pid, false, () => {});
    await until(() => node.get(pid).subscribers.size === 1);
    stop();
    await until(() => node.get(pid).subscribers.size === 0);
  });

  test("what is kept can be had without waiting", TIMEOUT, async (t) => {
    const { node, client } = await started(t);
    const pid = await client.spawn(PROGRAM);
    await node.write(pid, "stdout", "kept");
    let text = "";
    const take = (_: Stream, bytes: Uint8Array) => void (text += Buffer.from(bytes).toString());
    assert.equal(await client.follow(pid, take, { replay: true, keptOnly: true }), undefined);
    assert.equal(text, "kept");
  });

  test("a reader that asked for it holds the process back", TIMEOUT, async (t) => {
    const { node, client } = await started(t);
    const pid = await client.spawn(PROGRAM);
    let goOn: () => void = () => {};
    let received = 0;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    void client.follow(pid, (_, bytes) => {
      received += bytes.length;
      return held;
    });
    await until(() => node.get(pid).subscribers.size === 1);
    let sent = 0;
    let isHeld = false;
    while (!isHeld) {
      const room = node.write(pid, "stdout", Buffer.alloc(IO_MAX_BYTES)).then(() => false);
      sent += IO_MAX_BYTES;
      assert(sent < 64 * IO_MAX_BYTES, "the process is held back before much is under way");
      isHeld = await Promise.race([room, new Promise<boolean>((resolve) => setTimeout(resolve, 300, true))]);
    }
    goOn();
    await until(() => received === sent);
  });

  test("a reader that did not ask for it loses output, and is told how much", TIMEOUT, async (t) => {
    const { node, client } = await started(t);
    const pid = await client.spawn(PROGRAM);
    let goOn: () => void = () => {};
    const held = new Promise<void>((resolve) => (goOn = resolve));
    let received = 0;
    let skipped = 0;
    const take = (_: Stream, bytes: Uint8Array) => {
      received += bytes.length;
      return held;
    };
    const followed = client.follow(pid, take, { hold: false, onSkipped: (bytes) => (skipped += bytes) });
    await until(() => node.get(pid).subscribers.size === 1);
    const piece = Buffer.alloc(OUTPUT_IN_FLIGHT_MAX_BYTES);
    const pieces = 100;
    for (let count = 0; count < pieces; count++) await node.write(pid, "stdout", piece);
    goOn();
    node.get(pid).end({ pid, code: 0 });
    assert.deepEqual(await followed, { pid, code: 0 });
    assert(skipped > 0, "some was left out");
    assert.equal(received + skipped, pieces * piece.length);
  });

  test("many waits are one wait at the node, and one that is given up leaves the others", TIMEOUT, async () => {
    const node = new FakeNode();
    const pid = node.add(PROGRAM);
    const watch = new ExitWatch(node);
    const stays = new AbortController().signal;
    const leaves = new AbortController();
    const waits = [watch.wait(pid, stays), watch.wait(pid, stays)];
    const left = watch.wait(pid, leaves.signal);
    leaves.abort();
    await assert.rejects(left, hasCode("ECANCELED"));
    await assert.rejects(watch.wait(pid, leaves.signal), hasCode("ECANCELED"));
    node.get(pid).end({ pid, code: 7 });
    for (const status of await Promise.all(waits)) assert.deepEqual(status, { pid, code: 7 });
    assert.equal(node.get(pid).waits, 1);
    assert.deepEqual(await watch.wait(pid, stays), { pid, code: 7 });
  });

  test("errors keep their code; a fault of the node is one and is logged", TIMEOUT, async (t) => {
    const { node, client, logged } = await started(t);
    await assert.rejects(client.inspect(99), hasCode("ESRCH", /no process 99/));
    await assert.rejects(client.wait(99), hasCode("ESRCH"));
    await assert.rejects(client.input(99, Buffer.from("x")), hasCode("ESRCH"));
    await assert.rejects(
      client.follow(99, () => {}),
      hasCode("ESRCH"),
    );
    node.inspectFault = () => {
      throw failure("ENOMEM", "all used up");
    };
    await assert.rejects(client.inspect(1), hasCode("ENOMEM", /^all used up$/));
    assert.deepEqual(logged, []);
    node.inspectFault = () => {
      throw new TypeError("a bug");
    };
    await assert.rejects(client.inspect(1), hasCode("ENODE", /a bug/));
    assert.match(logged.join(), /TypeError: a bug/);
  });

  test("stop ends processes, answers who waits, and takes the socket away", TIMEOUT, async (t) => {
    const { node, client, daemon } = await started(t);
    const pid = await client.spawn(PROGRAM);
    const waited = client.wait(pid);
    await until(() => node.get(pid).waits > 0);
    await client.stop();
    assert.equal(existsSync(daemon.socket), false);
    assert.equal(node.stops, 1);
    assert.deepEqual(await waited, { pid, code: 137, signal: "SIGKILL" });
    await daemon.ended;
    await assert.rejects(client.list(), hasCode("ENONODE", /godwit up/));
  });
});

suite("the socket's place", () => {
  test("no node: the error says what to do", TIMEOUT, async (t) => {
    const path = join(temporaryFolder(t), "none.sock");
    await assert.rejects(connect(path), hasCode("ENONODE", /no node is running at .*none\.sock.*godwit up/));
  });

  test("a second node at a live socket is refused, and the first is unharmed", TIMEOUT, async (t) => {
    const { daemon, client } = await started(t);
    const options = { socket: daemon.socket, version: "1", log: () => {} };
    await assert.rejects(startDaemon(new FakeNode(), options), hasCode("EEXIST", /already running.*godwit stop/));
    assert.deepEqual(await client.list(), []);
    assert.deepEqual(readdirSync(join(daemon.socket, "..")), ["node.sock"]);
  });

  test("of many that start at once at a dead node's socket, exactly one wins", TIMEOUT, async (t) => {
    const folder = temporaryFolder(t);
    const socket = join(folder, "node.sock");
    leaveStaleSocket(socket);
    const contenders = Array.from({ length: 5 }, () => contender(t, socket));
    const outcomes = await Promise.all(contenders);
    assert.deepEqual(outcomes.toSorted(), ["EEXIST", "EEXIST", "EEXIST", "EEXIST", "up"]);
    assert.equal((await connect(socket)).name, "fake");
    assert.deepEqual(readdirSync(folder), ["node.sock"]);
    assert.equal(statSync(socket).mode & 0o777, 0o600);
  });

  test("a file that is no socket is not taken away", TIMEOUT, async (t) => {
    const folder = temporaryFolder(t, { "node.sock": "precious" });
    const options = { socket: join(folder, "node.sock"), version: "1", log: () => {} };
    await assert.rejects(startDaemon(new FakeNode(), options), hasCode("EEXIST", /is no socket/));
    assert.deepEqual(readdirSync(folder), ["node.sock"]);
    assert.equal(statSync(join(folder, "node.sock")).size, "precious".length);
  });

  test("a folder in which others may write is refused, by node and client", TIMEOUT, async (t) => {
    const folder = temporaryFolder(t);
    chmodSync(folder, 0o777);
    const socket = join(folder, "node.sock");
    const refused = hasCode("EPERM", /others may write.*0777.*chmod 700/);
    await assert.rejects(startDaemon(new FakeNode(), { socket, version: "1", log: () => {} }), refused);
    await assert.rejects(connect(socket), refused);
    assert.deepEqual(readdirSync(folder), []);
  });

  test("another user's folder is refused", TIMEOUT, async (t) => {
    let folder = "/";
    if (process.getuid?.() === 0) {
      folder = temporaryFolder(t);
      chownSync(folder, 65534, 65534);
    }
    const socket = join(folder, "node.sock");
    const refused = hasCode("EPERM", /belongs to user \d+, not to you/);
    await assert.rejects(connect(socket), refused);
    await assert.rejects(startDaemon(new FakeNode(), { socket, version: "1", log: () => {} }), refused);
  });

  test("a folder that is missing is made for this user alone", TIMEOUT, async (t) => {
    const socket = join(temporaryFolder(t), "made", "node.sock");
    const daemon = await startDaemon(new FakeNode(), { socket, version: "1", log: () => {} });
    t.after(() => daemon.stop());
    assert.equal(statSync(join(socket, "..")).mode & 0o777, 0o700);
  });

  test("the default path follows the environment, and is bounded", (t) => {
    assert.equal(socketPath("n", { GODWIT_SOCKET: "/a/b.sock", XDG_RUNTIME_DIR: "/run/user/7" }), "/a/b.sock");
    assert.equal(socketPath("n", { XDG_RUNTIME_DIR: "/run/user/7" }), "/run/user/7/godwit/n.sock");
    assert.match(socketPath("n", {}), /\/godwit-\d+\/n\.sock$/);
    assert.throws(() => socketPath("n", { GODWIT_SOCKET: `/${"x".repeat(200)}` }), hasCode("EINVAL", /shorter path/));
    t.diagnostic(socketPath());
  });

  test("what answers but is no node is told apart", TIMEOUT, async (t) => {
    const socket = join(temporaryFolder(t), "other.sock");
    const server = createServer((peer) => peer.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"));
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    t.after(() => server.close());
    await assert.rejects(connect(socket), hasCode("ENODE", /is no godwit node/));
  });
});

/** A socket whose listener is gone without a trace, as after a crash. */
function leaveStaleSocket(path: string): void {
  const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", script], { timeout: 10_000 });
  assert(existsSync(path), "a dead socket is there");
}

/** A process of its own that starts a node at `socket`: "up", or the code of the error. */
function contender(test: TestContext, socket: string): Promise<string> {
  const script = fileURLToPath(new URL("contender.js", import.meta.url));
  const child = spawn(process.execPath, [script, socket], { stdio: ["pipe", "pipe", "inherit"] });
  test.after(() => child.kill("SIGKILL"));
  return new Promise((resolve) => child.stdout.once("data", (bytes: Buffer) => resolve(bytes.toString().trim())));
}

interface Reply {
  readonly status: number;
  readonly body: string;
}

function ask(socket: string, method: string, path: string, body?: string | Buffer): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = { "content-length": body === undefined ? 0 : Buffer.byteLength(body) };
    const call = request({ socketPath: socket, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    call.on("error", reject);
    call.end(body);
  });
}

suite("hostile requests", () => {
  const rejected: [
    what: string,
    method: string,
    path: string,
    body: string | undefined,
    status: number,
    code: string,
  ][] = [
    ["no JSON", "POST", "/v1/processes", "{", 400, "EINVAL"],
    ["no object", "POST", "/v1/processes", "[]", 400, "EINVAL"],
    ["a field missing", "POST", "/v1/processes", '{"name":"x"}', 400, "EINVAL"],
    ["a field unknown", "POST", "/v1/processes", '{"name":"x","source":"","root":true}', 400, "EINVAL"],
    ["a field of a wrong type", "POST", "/v1/processes", '{"name":"x","source":7}', 400, "EINVAL"],
    ["an empty name", "POST", "/v1/processes", '{"name":"","source":""}', 400, "EINVAL"],
    ["a quota below zero", "POST", "/v1/processes", '{"name":"x","source":"","quotas":{"cpuShare":-1}}', 400, "EINVAL"],
    ["a prototype", "POST", "/v1/processes", '{"name":"x","source":"","__proto__":{"capabilities":{}}}', 400, "EINVAL"],
    ["a relative folder", "POST", "/v1/processes", '{"name":"x","source":"","workingDirectory":"."}', 400, "EINVAL"],
    ["an unknown signal", "POST", "/v1/processes/1/signal", '{"signal":"SIGSEGV"}', 400, "EINVAL"],
    ["an unwanted body", "GET", "/v1/processes", "x", 413, "EMSGSIZE"],
    ["arguments for none", "POST", "/v1/processes/1/pause", '{"now":1}', 400, "EINVAL"],
    ["a wrong method", "PUT", "/v1/processes", undefined, 400, "EINVAL"],
    ["a wrong method on a process", "DELETE", "/v1/processes/1", undefined, 400, "EINVAL"],
    ["an unknown path", "GET", "/v1/secrets", undefined, 404, "ENOENT"],
    ["the pattern itself", "GET", "/v1/processes/PID", undefined, 404, "ENOENT"],
    ["no number", "GET", "/v1/processes/1e3", undefined, 404, "ENOENT"],
    ["a pid too long", "GET", `/v1/processes/${"9".repeat(400)}`, undefined, 404, "ENOENT"],
    ["another version", "GET", "/v2/processes", undefined, 404, "ENOENT"],
    ["no path", "GET", "//", undefined, 400, "EINVAL"],
    ["an odd query", "GET", "/v1/processes/1/output?follow=maybe", undefined, 400, "EINVAL"],
    ["a restore without its options", "POST", "/v1/images", "\0\0", 400, "EINVAL"],
    ["a restore whose options are cut", "POST", "/v1/images", "\u007f\u007f\u007f\u007f{}", 400, "EINVAL"],
    ["a restore whose options are no JSON", "POST", "/v1/images", "\0\0\0\u0002{x", 400, "EINVAL"],
    ["a restore with unknown options", "POST", "/v1/images", '\0\0\0\u0008{"a": 1}', 400, "EINVAL"],
  ];
  for (const [what, method, path, body, status, code] of rejected) {
    test(`refused: ${what}`, TIMEOUT, async (t) => {
      const { client, node, logged } = await started(t);
      node.add(PROGRAM);
      const reply = await ask(client.socket, method, path, body);
      assert.equal(reply.status, status, reply.body);
      const record = JSON.parse(reply.body);
      assert.equal(record.code, code, record.message);
      assert.deepEqual(logged, [], "no fault of ours");
      assert.equal(node.processes.size, 1);
      assert.equal((await client.list()).length, 1);
    });
  }

  test("a body over its bound is refused, and what follows is not", TIMEOUT, async (t) => {
    const { client, node } = await started(t);
    const pid = await client.spawn(PROGRAM);
    const reply = await ask(
      client.socket,
      "POST",
      `/v1/processes/${pid}/signal`,
      Buffer.alloc(CONTROL_REQUEST_MAX_BYTES + 1),
    );
    assert.equal(reply.status, 413);
    assert.equal(JSON.parse(reply.body).code, "EMSGSIZE");
    const input = await ask(client.socket, "POST", `/v1/processes/${pid}/input`, Buffer.alloc(64 * 2 ** 20));
    assert.equal(JSON.parse(input.body).code, "EMSGSIZE");
    assert.deepEqual(node.get(pid).input, []);
  });

  test("bytes that are no HTTP, and clients that vanish, leave the node well", TIMEOUT, async (t) => {
    const { client, logged, node } = await started(t);
    const pid = await client.spawn(PROGRAM);
    const raw = (text: string) =>
      new Promise<void>((resolve) => {
        const peer = connectSocket(client.socket, () => peer.write(text));
        peer.on("error", () => resolve()).on("close", () => resolve());
        peer.on("data", () => peer.destroy());
        if (text.includes("content-length: 1000")) setTimeout(() => peer.destroy(), 20);
      });
    await raw("\u0016\u0003\u0001 this is TLS, or so\r\n\r\n");
    await raw(`GET /v1/node HTTP/1.1\r\nx: ${"y".repeat(200_000)}\r\n\r\n`);
    await raw("POST /v1/processes HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{");
    await raw("CONNECT example.com:80 HTTP/1.1\r\nhost: example.com\r\n\r\n");
    await raw("GET /v1/node HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    const gone = new AbortController();
    const followed = client.follow(pid, () => {}, { signal: gone.signal });
    await until(() => node.get(pid).subscribers.size === 1);
    gone.abort();
    await assert.rejects(followed, hasCode("ECANCELED"));
    await until(() => node.get(pid).subscribers.size === 0);
    assert.equal((await client.list()).length, 1);
    assert.deepEqual(logged, []);
  });

  test("a link to a private socket in a loose folder is refused", TIMEOUT, async (t) => {
    const { client } = await started(t);
    const loose = join(temporaryFolder(t), "loose");
    mkdirSync(loose);
    symlinkSync(client.socket, join(loose, "node.sock"));
    writeFileSync(join(loose, "note"), "");
    chmodSync(loose, 0o777);
    await assert.rejects(connect(join(loose, "node.sock")), hasCode("EPERM"));
  });
});
