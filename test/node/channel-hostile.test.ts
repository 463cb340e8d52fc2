/** Guests that send other frames than the library does: what they get is an error, and others are served beside them. */

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { WebSocket } from "ws";
import { withNode } from "./bench-node.ts";

const MAY = { capabilities: { listen: "all" } } as const;
const PATIENCE = { timeout: 60_000 };
const CALLS = `const { syscall } = globalThis.__godwit.core;
const KINDS = { head: 1, data: 2, text: 3, end: 4, whole: 5, datagram: 6, upgrade: 7 };
const json = (value) => new Uint8Array([...JSON.stringify(value)].map((char) => char.charCodeAt(0)));
const opened = (request) => {
  const handle = syscall("channelOpen", request, new Uint8Array(0));
  const frame = syscall("channelReceive", handle, -1);
  console.log("at " + JSON.parse(String.fromCharCode(...frame.subarray(1))).address + " ");
  return handle;
};
const attempt = (...args) => { try { return syscall(...args); } catch (error) { return error.code; } };
/** Sends a frame, and waits for what becomes of the channel. */
const broken = (handle, kind, bytes) => attempt("channelSend", handle, kind, bytes) ?? syscall("channelBroken", handle).split(":")[0];
const told = (name, code) => console.log(name + " " + code);\n`;

async function port(started: { match: (pattern: RegExp) => Promise<RegExpExecArray> }): Promise<number> {
  return Number((await started.match(/at 127\.0\.0\.1:(\d+) /))[1]);
}

await withNode({ lwps: 2 }, (t) => {
  test("in streams", PATIENCE, async () => {
    const started = await t.start(
      `${CALLS}
      const listener = opened({ kind: "listener", address: "127.0.0.1:0", protocol: "tcp" });
      for (const kind of ["head", "text", "whole", "datagram", "upgrade", "data"]) {
        const handle = syscall("channelAccept", listener, -1);
        told(kind, kind === "data" ? attempt("channelSend", handle, 2, new Uint8Array(2 ** 20 + 1)) : broken(handle, KINDS[kind], json({})));
        syscall("close", handle);
      }
      told("listener", attempt("channelSend", listener, 2, json({})));`,
      MAY,
    );
    const at = await port(started);
    for (let count = 0; count < 6; count++) {
      const socket = connect(at, "127.0.0.1");
      socket.on("error", () => {});
      await new Promise((resolve) => socket.once("close", resolve));
    }
    const { stdout, stderr } = await started.ended;
    assert.equal(stderr, "");
    assert.deepEqual(stdout.split("\n").slice(1, -1), [
      "head EPROTO",
      "text EPROTO",
      "whole EPROTO",
      "datagram EPROTO",
      "upgrade EINVAL",
      "data EINVAL",
      "listener EINVAL",
    ]);
  });

  test("in datagram sockets", PATIENCE, async () => {
    const other = createSocket("udp4").bind(0, "127.0.0.1");
    await once(other, "listening");
    const { stdout, stderr } = await t.run(
      `${CALLS}
      const head = (value) => { const bytes = json(value); return new Uint8Array([bytes.length, 0, 0, 0, ...bytes]); };
      const frames = {
        short: new Uint8Array(3),
        long: new Uint8Array([255, 255, 255, 255]),
        "no JSON": new Uint8Array([1, 0, 0, 0, 123]),
        null: head(null),
        "no remote": head({}),
        name: head({ remote: "localhost:80" }),
        "no port": head({ remote: "127.0.0.1:0" }),
        path: head({ remote: "/tmp/socket:1" }),
        large: new Uint8Array([...head({ remote: "127.0.0.1:9" }), ...new Uint8Array(65508)]),
      };
      for (const [name, frame] of Object.entries(frames)) {
        const handle = opened({ kind: "datagram", address: "127.0.0.1:0" });
        told(name, broken(handle, KINDS.datagram, frame));
        syscall("close", handle);
      }
      const handle = opened({ kind: "datagram", address: "127.0.0.1:0" });
      told("data", broken(handle, KINDS.data, json({})));
      const fine = opened({ kind: "datagram", address: "127.0.0.1:0" });
      told("not allowed", attempt("channelSend", fine, KINDS.datagram, head({ remote: "127.0.0.1:${other.address().port}" })));`,
      MAY,
    );
    other.close();
    assert.equal(stderr, "");
    assert.deepEqual(
      stdout.split("\n").filter((line) => line !== "" && !line.startsWith("at ")),
      [
        "short EPROTO",
        "long EPROTO",
        "no JSON EPROTO",
        "null EPROTO",
        "no remote EPROTO",
        "name EINVAL",
        "no port EINVAL",
        "path EINVAL",
        "large EMSGSIZE",
        "data EPROTO",
        "not allowed undefined",
      ],
    );
  });

  test("in exchanges that are to be WebSockets", PATIENCE, async () => {
    const started = await t.start(
      `${CALLS}
      const listener = opened({ kind: "listener", address: "127.0.0.1:0" });
      const accept = () => syscall("channelAccept", listener, -1);
      const grant = (handle, head = { protocol: "" }) => broken(handle, KINDS.upgrade, json(head));
      let handle = accept();
      told("before it was received", attempt("channelSend", handle, KINDS.upgrade, json({ protocol: "" })));
      syscall("channelReceive", handle, -1);
      told("not asked for", grant(handle));
      for (const [name, head] of Object.entries({ "no head": 1, "no protocol": {}, "not offered": { protocol: "x" } })) {
        handle = accept();
        syscall("channelReceive", handle, -1);
        told(name, grant(handle, head));
      }
      handle = accept();
      syscall("channelReceive", handle, -1);
      syscall("channelSend", handle, KINDS.head, json({ status: 200, statusText: "", headers: [] }));
      told("after a head", grant(handle));
      handle = accept();
      syscall("channelReceive", handle, -1);
      syscall("channelSend", handle, KINDS.upgrade, json({ protocol: "" }));
      told("again", attempt("channelSend", handle, KINDS.upgrade, json({ protocol: "" })));
      told("opened", syscall("channelReceive", handle, -1)[0]);
      told("as a response", broken(handle, KINDS.whole, new Uint8Array([0, 0, 0, 0])));`,
      MAY,
    );
    const at = await port(started);
    const plain = await fetch(`http://127.0.0.1:${at}/`);
    assert.equal(plain.status, 500);
    for (let count = 0; count < 5; count++) {
      const socket = new WebSocket(`ws://127.0.0.1:${at}/`);
      socket.on("error", () => {});
      socket.on("unexpected-response", () => socket.terminate());
      await new Promise((resolve) => socket.once("close", resolve));
    }
    const { stdout, stderr } = await started.ended;
    assert.equal(stderr.match(/a response was refused: a WebSocket was granted|is granted with/g)?.length, 5, stderr);
    assert.deepEqual(stdout.split("\n").slice(1, -1), [
      "before it was received EINVAL",
      "not asked for EPROTO",
      "no head EPROTO",
      "no protocol EPROTO",
      "not offered EPROTO",
      "after a head EPROTO",
      "again EINVAL",
      "opened 1",
      "as a response EPROTO",
    ]);
  });
});
