/** `WebSocket` in guests, against a real server on this machine. */

import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { WebSocketServer } from "ws";
import { withNode } from "../node/bench-node.ts";

const NET = { capabilities: { net: "all" } } as const;

let server: WebSocketServer;
let url = "";
/** How the server saw connections end: code and reason. */
const ends: string[] = [];
before(async () => {
  server = new WebSocketServer({
    port: 0,
    host: "127.0.0.1",
    handleProtocols: (offered) => [...offered].at(-1) ?? false,
  });
  server.on("connection", (socket, request) => {
    if (request.url === "/drop") socket.terminate();
    if (request.url === "/bye") socket.close(4001, "server says bye");
    if (request.url === "/flood") for (let n = 0; n < 300; n++) socket.send(Buffer.alloc(10_000, n));
    socket.on("message", (data, isBinary) => socket.send(data as Buffer, { binary: isBinary }));
    socket.on("close", (code, reason) => ends.push(`${code} ${reason.toString()}`));
  });
  await once(server, "listening");
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  for (const client of server.clients) client.terminate();
  server.close();
});

/** Prints what happens to a socket, in order. */
const LOGGED = `const log = (...args) => console.log(args.join(" "));
const logged = (s) => { for (const type of ["open", "message", "error", "close"]) s.addEventListener(type, (e) => log(type, s.readyState, type === "message" ? (typeof e.data === "string" ? e.data : e.data.constructor.name + (e.data.byteLength ?? e.data.size)) : type === "close" ? [e.code, e.reason, e.wasClean].join() : "")); return s; };`;

const ECHO = `const s = logged(new WebSocket(URL_ + "/", ["a", "b"]));
s.binaryType = "arraybuffer";
s.onopen = () => {
  log(s.protocol, s.url === URL_ + "/", s.bufferedAmount);
  for (const data of ["text", "", "ünï😀\\ud800", new Uint8Array([1, 2, 3]).subarray(1), new ArrayBuffer(5), new Blob(["blob"]), 5, null]) s.send(data);
  log(s.bufferedAmount);
};
let n = 0;
s.onmessage = () => { if (++n === 8) { s.binaryType = "blob"; s.binaryType = "nonsense"; log(s.binaryType); s.send(new Uint8Array(7)); } if (n === 9) { s.close(3000, "dönë"); s.close(3001); s.send("late"); log(s.readyState, s.bufferedAmount); } };`;

const ECHOED = [
  "open 1 ",
  "b true 0",
  "32",
  "message 1 text",
  "message 1 ",
  "message 1 ünï😀\ufffd",
  "message 1 ArrayBuffer2",
  "message 1 ArrayBuffer5",
  "message 1 ArrayBuffer4",
  "message 1 5",
  "message 1 null",
  "blob",
  "message 1 Blob7",
  "2 4",
  "close 3 3000,dönë,true",
  "",
];

await withNode({ lwps: 1 }, (t) => {
  const run = (code: string, options = {}) =>
    t.run(`const URL_ = ${JSON.stringify(url)}; ${LOGGED} ${code}`, { ...NET, ...options });

  test("messages of every kind, and a close with a reason", { timeout: 30_000 }, async () => {
    const { stdout, stderr, status } = await run(ECHO);
    assert.deepEqual([stderr, status.code], ["", 0]);
    assert.deepEqual(stdout.split("\n"), ECHOED);
    assert.ok(ends.includes("3000 dönë"), ends.join());
  });

  test("the same under stress", { timeout: 120_000 }, async () => {
    const { stdout, stderr } = await run(ECHO, { stress: { every: 11, at: "call" } });
    assert.equal(stderr, "");
    assert.deepEqual(stdout.split("\n"), ECHOED);
  });

  test("closed by the server, dropped, never there, not allowed", { timeout: 30_000 }, async () => {
    assert.equal(
      (await run(`logged(new WebSocket(URL_ + "/bye"));`)).stdout,
      "open 1 \nclose 3 4001,server says bye,true\n",
    );
    assert.equal(
      (await run(`logged(new WebSocket(URL_ + "/drop"));`)).stdout,
      "open 1 \nerror 3 \nclose 3 1006,,false\n",
    );
    assert.equal((await run(`logged(new WebSocket("ws://127.0.0.1:1/"));`)).stdout, "error 3 \nclose 3 1006,,false\n");
    const refused = `new WebSocket(URL_).onerror = (e) => log(e.error.code, e.message);`;
    assert.match((await run(refused, { capabilities: {} })).stdout, /^EACCES .*--allow-net=127\.0\.0\.1:/);
  });

  test("closed before it is open", { timeout: 30_000 }, async () => {
    const { stdout } = await run(
      `const s = logged(new WebSocket(URL_)); log(s.readyState); s.close(); log(s.readyState);`,
    );
    assert.equal(stdout, "0\n2\nerror 3 \nclose 3 1006,,false\n");
  });

  test("more messages than may be in flight, both ways, in order", { timeout: 60_000 }, async () => {
    const out = await run(`const s = new WebSocket(URL_); let n = 0, ok = true;
      s.onopen = () => { for (let i = 0; i < 3000; i++) s.send("m" + i); };
      s.onmessage = (e) => { ok &&= e.data === "m" + n; if (++n === 3000) { log(ok, s.bufferedAmount); s.close(); } };`);
    assert.deepEqual([out.stdout, out.stderr], ["true 0\n", ""]);
    const flood =
      await run(`const s = new WebSocket(URL_ + "/flood"); s.binaryType = "arraybuffer"; let n = 0, ok = true;
      s.onmessage = (e) => { const bytes = new Uint8Array(e.data); ok &&= bytes.length === 10000 && bytes[9999] === (n & 255); if (++n === 300) { log(ok); s.close(); } };`);
    assert.deepEqual([flood.stdout, flood.stderr], ["true\n", ""]);
  });

  test("what is no WebSocket", { timeout: 30_000 }, async () => {
    const code = `const attempt = (act) => { try { act(); log("ok"); } catch (e) { log(e.name); } };
      for (const url of ["x", "/x", "ftp://h/", "ws://h/#f", "", "ws://"]) attempt(() => new WebSocket(url));
      for (const protocols of [["a", "a"], ["a", "A"], "a b", [""], ["é"]]) attempt(() => new WebSocket("ws://127.0.0.1:1", protocols));
      attempt(() => WebSocket("ws://h")); attempt(() => new WebSocket());
      const s = new WebSocket("ws://127.0.0.1:1"); attempt(() => s.send("early")); attempt(() => s.send());
      for (const args of [[1001], [2999], [5000], [NaN], [1000, "x".repeat(124)], [3000, "é".repeat(62)]]) attempt(() => s.close(...args));
      log([WebSocket.CONNECTING, WebSocket.OPEN, s.CLOSING, s.CLOSED].join(), Object.prototype.toString.call(s), new URL(new WebSocket("https://127.0.0.1:1/p").url).protocol);`;
    const { stdout } = await run(code);
    const syntax = Array.from({ length: 11 }, () => "SyntaxError");
    const rest = ["TypeError", "TypeError", "InvalidStateError", "TypeError"];
    const closes = [...Array.from({ length: 4 }, () => "InvalidAccessError"), "SyntaxError", "SyntaxError"];
    assert.deepEqual(stdout.split("\n").slice(0, 22), [
      ...syntax,
      ...rest,
      ...closes,
      "0,1,2,3 [object WebSocket] wss:",
    ]);
  });

  test("a socket does not survive a fork in the child, and goes on in the parent", { timeout: 30_000 }, async () => {
    const out =
      await run(`const s = new WebSocket(URL_); s.onopen = () => { const pid = fork(); const who = pid === 0 ? "child" : "parent";
        s.onclose = (e) => { log(who, e.code); if (pid !== 0) exit(); };
        s.onmessage = (e) => { log(who, e.data); s.close(1000); };
        if (pid !== 0) { wait(pid); s.send("hello"); } };`);
    assert.deepEqual([out.stdout, out.stderr], ["child 1006\nparent hello\nparent 1000\n", ""]);
  });
});
