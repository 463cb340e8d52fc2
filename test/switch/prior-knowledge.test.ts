/** HTTP/2 without TLS, by clients that know (RFC 9113, 3.3): over fronts, and at addresses of processes' own. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { connect as connectTcp } from "node:net";
import { test } from "node:test";
import { withMembers } from "../node/bench-members.ts";
import { RawClient } from "../node/raw-client.ts";
import { front, startServer, textOf } from "./served.ts";

const ECHO = (place: string) => `
const server = serve(async (request) => {
  const body = request.body === null ? "none" : String((await request.text()).length);
  return new Response([request.method, request.url, request.headers.get("host"), body].join(" "), { headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"]] });
}, ${place});
if (server.address !== "service:web") console.error("at " + server.address + " ");`;

interface Answer {
  readonly status: unknown;
  readonly text: string;
  readonly cookies: unknown;
}

async function ask(session: ClientHttp2Session, headers: Record<string, string>, body?: string): Promise<Answer> {
  const stream = session.request(headers, { endStream: body === undefined });
  const answered = once(stream, "response") as Promise<[Record<string, unknown>]>;
  if (body !== undefined) stream.end(body);
  const [answer] = await answered;
  let text = "";
  for await (const piece of stream.setEncoding("utf8")) text += String(piece);
  return { status: answer[":status"], text, cookies: answer["set-cookie"] };
}

/** WebSockets do not come over HTTP/2 (RFC 8441): that is not offered, and who tries is refused. */
async function refusesSockets(session: ClientHttp2Session, scheme: string, host: string): Promise<void> {
  assert.equal(session.remoteSettings.enableConnectProtocol, false);
  const head = { ":method": "CONNECT", ":protocol": "websocket", ":scheme": scheme, ":path": "/", ":authority": host };
  const socket = session.request({ ...head, "sec-websocket-version": "13" }, { endStream: false });
  await assert.rejects(once(socket, "response"), { code: "ERR_HTTP2_STREAM_ERROR" });
  assert.equal(socket.rstCode, constants.NGHTTP2_PROTOCOL_ERROR);
  assert.equal((await ask(session, { ":method": "CONNECT", ":authority": host })).status, 405, "nor is there a tunnel");
}

async function check(url: string): Promise<void> {
  const { host } = new URL(url);
  const session = connect(url);
  const cookies = ["a=1", "b=2"];
  const several = [0, 10, 70_000, 300_000].map(async (length) => {
    const answer = await ask(session, { ":method": "POST", ":path": `/p?${length}` }, "x".repeat(length));
    assert.deepEqual(answer, { status: 200, text: `POST ${url}/p?${length} ${host} ${length}`, cookies });
  });
  await Promise.all(several);
  await refusesSockets(session, "http", host);
  const plain = await ask(session, { ":path": "/", host: host.toUpperCase() });
  assert.deepEqual(plain, { status: 200, text: `GET ${url}/ ${host} none`, cookies });
  const odd = await ask(session, { ":path": "/", ":authority": host, host: "other.example" });
  assert.equal(odd.status, 400, "two hosts");
  session.close();
  await once(session, "close");
  // Those that speak HTTP/1.1 do so at the same address; also when they say it a byte at a time.
  assert.equal(await textOf(`${url}/q`), `GET ${url}/q ${host} none`);
  const slow = await RawClient.connect(url);
  for (const byte of "PUT /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab")
    slow.send(byte);
  await slow.seen(/PUT http:\/\/x\/slow x 2/);
}

await withMembers(["a", "b"], (t) => {
  test("over a front whose process is at another node", { timeout: 60_000 }, async () => {
    const [a, b] = [t.get("a"), t.get("b")];
    await startServer(b, ECHO(`{ address: "service:web" }`), { seenBy: [a] });
    const url = await front(a);
    await check(url);

    // The preface may come in pieces, and nothing but the preface is one.
    const socket = connectTcp(Number(new URL(url).port), "127.0.0.1");
    await once(socket, "connect");
    const session = connect(url, { createConnection: () => socket });
    assert.equal((await ask(session, { ":path": "/" })).status, 200);
    session.destroy();
    for (const like of ["PRI * HTTP/2.0\r\n\r\nSM\r\n\rX", "PRI * HTTP/1.1\r\nHost: x\r\n\r\n"]) {
      const client = (await RawClient.connect(url)).send(like);
      await client.closed;
      assert.deepEqual(client.statuses, [400], like);
    }

    // When the front closes, connections take nothing new, and what is under way is over first.
    const last = connect(url);
    assert.equal((await ask(last, { ":path": "/" })).status, 200);
    const gone = once(last, "goaway");
    await a.own.unexpose("web");
    await gone;
  });

  test("at an address of a process's own", { timeout: 60_000 }, async () => {
    const node = t.test("a");
    const process = await node.start(
      `const { serve } = globalThis.__godwit.exports; ${ECHO(`{ address: "127.0.0.1:0" }`)}`.replace(
        "console.error",
        "console.log",
      ),
      {
        capabilities: { listen: "all" },
      },
    );
    const [, address = ""] = await process.match(/at (127\.0\.0\.1:\d+) /);
    await check(`http://${address}`);
    await node.node.signal(process.pid, "SIGKILL");
    assert.equal((await process.ended).stderr, "");
  });
});
