/** What connections of other protocols than HTTP in clear are when they are given to another node, and stay through moves. */

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { request } from "node:https";
import { connect, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { connect as connectSecurely } from "node:tls";
import { WebSocket } from "ws";
import type { Front } from "../../src/abi/control.ts";
import { foundCluster, identify } from "../../src/cluster/identity-authority.ts";
import { until } from "../cluster/condition.ts";
import { connectionsOf, Launched } from "./launched.ts";
import { echoOf } from "./served.ts";

const authority = await foundCluster();
const { certificate, key } = await identify(authority, "localhost");
const TRUST = { ca: authority.ca, servername: "localhost", checkServerIdentity: () => undefined };

const SITE = `
const { upgradeWebSocket } = globalThis.__godwit.exports;
serve((request) => {
  if (request.headers.get("upgrade") !== "websocket") return new Response("from " + new URL(request.url).protocol);
  const { socket, response } = upgradeWebSocket(request);
  socket.onmessage = ({ data }) => socket.send(data);
  return response;
}, { address: "service:web" });`;

describe("handoff of", { timeout: 120_000 }, () => {
  let nodes: Launched;
  let stream = 0;
  let site = 0;
  before(async () => {
    nodes = await Launched.start(["front", "b", "c"]);
    stream = await nodes.serve("b", echoOf("echo"), "echo");
    site = await nodes.serve("b", SITE);
  });
  after(() => nodes.stop());

  const portOf = ({ address }: Front) => Number(new URL(address.replace(/^(tcp|tls):/, "http:")).port);
  const isOf = async (node: string, front: Front) => connectionsOf(await nodes.hostPid(node), portOf(front)) === 1;

  /** Sends and gets back as much, while the process is moved. */
  async function echo(socket: Socket, pid: number): Promise<void> {
    const bytes = randomBytes(1_500_000);
    const back = createHash("sha256");
    let length = 0;
    socket.on("data", (piece: Buffer) => {
      length += piece.length;
      back.update(piece);
    });
    const half = bytes.length / 2;
    socket.write(bytes.subarray(0, half));
    await until("half is back", () => length === half, 30_000);
    for (const node of ["c", "front", "b"]) {
      const { outcome, reason } = await nodes.control.migrate(pid, node);
      assert.equal(outcome, "moved", reason);
    }
    socket.end(bytes.subarray(half));
    await once(socket, "end");
    assert.equal(back.digest("hex"), createHash("sha256").update(bytes).digest("hex"));
  }

  test("tcp", async () => {
    const front = await nodes.front("front", { service: "echo", address: "tcp://127.0.0.1:0", passOn: "handoff" });
    const socket = connect({ port: portOf(front), host: "127.0.0.1", allowHalfOpen: true });
    await until("it is b's", () => isOf("b", front));
    await echo(socket, stream);
    const { handedOff, kept } = await nodes.passed(front);
    assert.deepEqual([handedOff, kept], [1, 0]);
  });

  test("tls: the handshake is the other node's", async () => {
    const address = "tls://127.0.0.1:0";
    const front = await nodes.front("front", { service: "echo", address, certificate, key, passOn: "handoff" });
    const connection = connect({ port: portOf(front), host: "127.0.0.1", allowHalfOpen: true });
    const socket = connectSecurely({ socket: connection, ...TRUST });
    await once(socket, "secureConnect");
    assert.ok(await isOf("b", front));
    await echo(socket, stream);
    const { handedOff, kept } = await nodes.passed(front);
    assert.deepEqual([handedOff, kept], [1, 0]);
  });

  test("https, with HTTP/1.1 and HTTP/2; one that is chosen by what is under TLS is relayed", async () => {
    const address = "https://localhost:0";
    const front = await nodes.front("front", { address, certificate, key });
    const ask = (url: string) =>
      new Promise<string>((resolve, reject) => {
        const asked = request(
          url,
          { ca: authority.ca, agent: false, checkServerIdentity: () => undefined },
          (response) => {
            response.setEncoding("utf8").on("data", resolve).on("error", reject);
          },
        );
        asked.on("error", reject).end();
      });
    assert.equal(await ask(front.address), "from https:");
    const client = connectHttp2(front.address, TRUST);
    const answer = client.request({ ":path": "/" }).setEncoding("utf8");
    const [text] = (await once(answer, "data")) as [string];
    assert.equal(text, "from https:");
    client.close();
    assert.deepEqual((await nodes.passed(front)).handedOff, 2);
    const hidden = await nodes.front("front", { address, certificate, key, policy: "hash:path" });
    assert.equal(await ask(hidden.address), "from https:");
    const { handedOff, kept } = await nodes.passed(hidden);
    assert.deepEqual([handedOff, kept], [0, 1]);
  });

  test("a WebSocket, which stays open while its process moves", async () => {
    const front = await nodes.front("front", { passOn: "handoff" });
    const socket = new WebSocket(front.address.replace("http", "ws"));
    await once(socket, "open");
    assert.ok(await isOf("b", front));
    for (const node of ["c", "front", "b"]) {
      socket.send(`before ${node}`);
      const [data] = (await once(socket, "message")) as [Buffer];
      assert.equal(String(data), `before ${node}`);
      const { outcome, reason } = await nodes.control.migrate(site, node);
      assert.equal(outcome, "moved", reason);
    }
    socket.close();
    await once(socket, "close");
  });
});
