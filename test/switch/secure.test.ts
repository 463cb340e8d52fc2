/** Fronts over TLS: HTTP/1.1 and HTTP/2 by the client's choice, and what is the same over both. */

import assert from "node:assert/strict";
import { connect } from "node:http2";
import { request } from "node:https";
import { test } from "node:test";
import { foundCluster, identify } from "../../src/cluster/identity-authority.ts";
import { withMembers } from "../node/bench-members.ts";
import { startServer } from "./served.ts";

const ECHO = `serve(async (request) => {
  const headers = new Headers([["set-cookie", "a=1"], ["set-cookie", "b=2"], ["x-url", request.url]]);
  return new Response(request.method + " " + (await request.text()).length, { status: 201, headers });
}, { address: "service:web" });`;

const authority = await foundCluster();
const { certificate, key } = await identify(authority, "localhost");

interface Answer {
  readonly status: number;
  readonly cookies: unknown;
  readonly url: unknown;
  readonly text: string;
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  for await (const piece of stream.setEncoding("utf8")) text += String(piece);
  return text;
}

function byHttp1(url: string, body: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", ca: authority.ca, servername: "localhost" }, (response) => {
      assert.equal(response.httpVersion, "1.1");
      const { statusCode: status = 0, headers } = response;
      textOf(response).then(
        (text) => resolve({ status, cookies: headers["set-cookie"], url: headers["x-url"], text }),
        reject,
      );
    });
    sent.on("error", reject).end(body);
  });
}

await withMembers(["a", "b"], (t) => {
  test("HTTP/1.1 and HTTP/2 get the same answers, from a process of another node", { timeout: 60_000 }, async () => {
    const [a, b] = [t.get("a"), t.get("b")];
    await startServer(b, ECHO, { seenBy: [a] });
    const front = await a.own.expose({ service: "web", address: "https://localhost:0", certificate, key });
    const { port } = new URL(front.address);
    const url = `https://localhost:${port}/path?x=1`;
    for (const length of [0, 10, 300_000]) {
      const body = "x".repeat(length);
      const expected = { status: 201, cookies: ["a=1", "b=2"], url, text: `POST ${length}` };
      assert.deepEqual(await byHttp1(url, body), expected);

      const session = connect(url, { ca: authority.ca, servername: "localhost" });
      const several = Array.from({ length: 5 }, async () => {
        const stream = session.request({ ":method": "POST", ":path": "/path?x=1" });
        const headers = new Promise<Record<string, unknown>>((resolve, reject) => {
          stream.on("response", resolve).on("error", reject);
        });
        stream.end(body);
        const text = await textOf(stream);
        const { ":status": status, "set-cookie": cookies, "x-url": at } = await headers;
        assert.deepEqual({ status, cookies, url: at, text }, expected);
      });
      await Promise.all(several);
      session.close();
    }
  });

  test("a stream that its client resets is its request's end, and no other's", { timeout: 60_000 }, async () => {
    const a = t.get("a");
    await startServer(
      a,
      `let left = 0;
      serve(async (request) => {
        if (request.url.endsWith("/left")) return new Response(String(left));
        await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
        left++;
        return new Response("");
      }, { address: "service:long" });`,
      { service: "long" },
    );
    const front = await a.own.expose({ service: "long", address: "https://localhost:0", certificate, key });
    const session = connect(`https://localhost:${new URL(front.address).port}`, {
      ca: authority.ca,
      servername: "localhost",
    });
    const ask = (path: string) => session.request({ ":path": path });
    const waiting = ask("/wait");
    waiting.on("error", () => {});
    assert.equal(await textOf(ask("/left")), "0");
    waiting.close(8);
    for (let left = "0"; left !== "1";) left = await textOf(ask("/left"));
    session.close();
  });

  test("what is no certificate, or has none, is refused", async () => {
    const { own } = t.get("a");
    const invalid = { code: "EINVAL" };
    await assert.rejects(own.expose({ service: "web", address: "https://localhost:0" }), invalid);
    await assert.rejects(own.expose({ service: "web", address: "http://localhost:0", certificate, key }), invalid);
    await assert.rejects(
      own.expose({ service: "web", address: "https://localhost:0", certificate: "no", key }),
      invalid,
    );
    await assert.rejects(own.expose({ service: "web", address: "gopher://localhost:0" }), invalid);
  });
});
