/** `fetch` in guests, against real servers on this machine. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import vm from "node:vm";
import { withNode } from "../node/bench-node.ts";
import type { Cases } from "./oracle.ts";

const NET = { capabilities: { net: "all" } } as const;

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

type Page = (request: IncomingMessage, response: ServerResponse, url: URL) => void | Promise<void>;

/** Requests that never end, by name. */
const hanging = new Map<string, ServerResponse>();

const PAGES: Record<string, Page> = {
  async "/echo"(request, response) {
    const { method, url } = request;
    const headers: IncomingMessage["headers"] = { ...request.headers };
    for (const name of ["host", "connection"]) delete headers[name]; // oxlint-disable-line typescript/no-dynamic-delete
    const body = (await bodyOf(request)).toString("utf8");
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ method, url, headers, body }));
  },
  async "/length"(request, response) {
    const bytes = await bodyOf(request);
    response.end(
      `${bytes.length} ${createHash("sha256").update(bytes).digest("hex")} ${request.headers["transfer-encoding"] ?? "whole"}`,
    );
  },
  "/large": (_request, response) => void response.end(Buffer.alloc(2_000_000, "z")),
  "/redirect"(_request, response, url) {
    response.writeHead(Number(url.searchParams.get("status")), { location: url.searchParams.get("to") ?? "" });
    response.end("moved");
  },
  "/loop"(_request, response, url) {
    const n = Number(url.searchParams.get("n"));
    if (n === 0) response.end("through");
    else response.writeHead(302, { location: `/loop?n=${n - 1}` }).end();
  },
  "/status"(_request, response, url) {
    response.writeHead(Number(url.searchParams.get("code")), "Said so", [
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
      ["x-latin", Buffer.from("ü", "latin1").toString("latin1")],
    ] as never);
    response.end();
  },
  "/hang"(_request, response, url) {
    hanging.set(url.search, response);
    if (url.searchParams.has("head")) response.writeHead(200).write("begun");
  },
  "/cut"(_request, response) {
    response.writeHead(200, { "content-length": "100" });
    response.write("short", () => response.destroy());
  },
  "/never": (request) => void request.socket.destroy(),
};

let server: Server;
let base = "";
let other = "";
before(async () => {
  server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", base);
    const page = PAGES[url.pathname];
    if (page === undefined) response.writeHead(404).end("not found");
    else Promise.resolve(page(request, response, url)).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  base = `http://127.0.0.1:${port}`;
  other = `http://localhost:${port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const TOLD = `const told = async (r) => [r.status, r.statusText, r.ok, r.type, r.url.replace(BASE, "").replace(OTHER, "other"), r.redirected, r.headers.get("content-type"), await r.text()];
const tried = async (act) => { try { return await act(); } catch (e) { return [e.name, e.message, e.cause?.name ?? null]; } };`;

const CASES: Cases = {
  "a page": `return told(await fetch(BASE + "/echo?a=b#fragment", { headers: { "User-Agent": "me", "accept-encoding": "identity", "sec-fetch-mode": "cors", "x-own": "1" } }));`,
  "bodies of every kind": `const out = []; for (const body of ["text é", new Uint8Array([104, 105]), new URLSearchParams("a=ü"), new Blob(["b"], { type: "x/y" }), ""]) out.push((await (await fetch(BASE + "/echo", { method: "POST", body, headers: { "user-agent": "me", "accept-encoding": "x", "sec-fetch-mode": "cors" } })).json())); return out;`,
  "a form": `const form = new FormData(); form.append("a", "1"); form.append("f", new File(["xyz"], "n.txt")); const { body, headers } = await (await fetch(BASE + "/echo", { method: "PUT", body: form })).json(); return [body.includes('name="f"; filename="n.txt"'), body.includes("xyz"), headers["content-type"].startsWith("multipart/form-data; boundary=")];`,
  "a large body": `return (await fetch(BASE + "/length", { method: "POST", body: new Uint8Array(3_000_000).fill(7) })).text().then((text) => text.split(" ").slice(0, 2));`,
  "a body that streams": `let n = 0; const body = new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(10_000).fill(n)); if (++n === 30) c.close(); } }); return (await fetch(BASE + "/length", { method: "POST", body, duplex: "half" })).text();`,
  "a body that fails": `const body = new ReadableStream({ pull() { throw new RangeError("bad source"); } }); return (await tried(() => fetch(BASE + "/length", { method: "POST", body, duplex: "half" }))).slice(0, 1);`,
  "a large answer": `const r = await fetch(BASE + "/large"); let size = 0; for await (const chunk of r.body) size += chunk.length; return [size, r.bodyUsed];`,
  "an answer and its copy": `const r = await fetch(BASE + "/large"); const c = r.clone(); return [(await c.arrayBuffer()).byteLength, (await r.blob()).size];`,
  "redirects that are followed": `const out = []; for (const status of [301, 302, 303, 307, 308]) for (const method of ["GET", "POST", "PUT", "HEAD"]) { const r = await fetch(BASE + "/redirect?status=" + status + "&to=/echo%3Fx", { method, headers: { "content-language": "de", "user-agent": "me", "accept-encoding": "x", "sec-fetch-mode": "cors" }, ...(method === "GET" || method === "HEAD" ? {} : { body: "text" }) }); out.push(await told(r)); } return out;`,
  "redirects that are not": `const out = []; for (const redirect of ["manual", "error"]) out.push(await tried(async () => { const r = await fetch(BASE + "/redirect?status=302&to=/echo", { redirect }); return [r.status, r.headers.get("location"), r.url === BASE + "/redirect?status=302&to=/echo", r.redirected]; })); out.push(await tried(async () => (await fetch(BASE + "/redirect?status=304&to=/echo")).status)); out[1] = out[1][0]; return out;`,
  "redirects to elsewhere": `const get = async (to) => (await tried(async () => (await fetch(BASE + "/redirect?status=307&to=" + encodeURIComponent(to), { headers: { authorization: "secret", cookie: "c=1", "x-own": "1" } })).json().then(({ headers }) => [headers.authorization ?? null, headers.cookie ?? null, headers["x-own"]]))); const out = [await get("/echo"), await get(OTHER + "/echo")]; for (const to of ["ftp://x/", "data:,x", "http://", "http://u:p@127.0.0.1:1/"]) out.push((await get(to))[0]); return out;`,
  "a redirect keeps the fragment": `return [(await fetch(BASE + "/redirect?status=302&to=/echo#f")).url.replace(BASE, ""), (await fetch(BASE + "/redirect?status=302&to=" + encodeURIComponent("/echo#own") + "#f")).url.replace(BASE, "")];`,
  "twenty redirects, and one more": `return [await (await fetch(BASE + "/loop?n=20")).text(), (await tried(() => fetch(BASE + "/loop?n=21")))[0]];`,
  "a stream cannot be sent twice": `const body = () => new ReadableStream({ start(c) { c.enqueue(new Uint8Array([1])); c.close(); } }); return [(await tried(() => fetch(BASE + "/redirect?status=307&to=/echo", { method: "POST", body: body(), duplex: "half" })))[0], (await fetch(BASE + "/redirect?status=303&to=/echo", { method: "POST", body: body(), duplex: "half" })).status];`,
  "status and headers": `const out = []; for (const code of [200, 204, 205, 304, 404, 500, 599]) { const r = await fetch(BASE + "/status?code=" + code); out.push([r.status, r.statusText, r.ok, r.body === null, r.headers.getSetCookie(), r.headers.get("x-latin"), await tried(() => r.headers.set("a", "b"))].map((item) => item ?? null).slice(0, 6)); } return out;`,
  "no server, and servers that fail": `const out = [await tried(() => fetch("http://127.0.0.1:1/")), await tried(() => fetch(BASE + "/never")), await tried(async () => (await fetch(BASE + "/cut")).text())]; return out.map(([name, message]) => [name, message]);`,
  "what is no request": `const out = []; for (const args of [[], ["/relative"], ["ftp://x/"], ["about:blank"], [BASE, { method: "CONNECT" }], [BASE, { body: "x" }], [BASE, 5], ["blob:nothing"], ["http://u:p@h/"]]) out.push((await tried(() => fetch(...args)))[0]); return out;`,
  "data: URLs": `const out = []; for (const url of ["data:,a%20b", "data:text/html;charset=utf-8,<p>", "data:;base64,aGk=", "data:text/plain;base64,aGk", "data:x/y;base64,a%47k%3D", "data:;charset=utf-8,%C3%BC", "data:,%zz%4", "data:text/plain", "data:;base64,*", "data:bad type,x", "data:,x#f", "data:; base64 ,aGk=", "data:image/png;a=b;c,x"]) out.push(await tried(async () => { const r = await fetch(url); return [r.status, r.statusText, r.url, r.headers.get("content-type"), await r.text()]; })); return out.map((item) => (item[0] === "TypeError" ? "TypeError" : item));`,
  "aborted before": `const c = new AbortController(); c.abort(); const own = AbortSignal.abort("own"); return [(await tried(() => fetch(BASE + "/echo", { signal: c.signal })))[0], await fetch(BASE + "/echo", { signal: own }).catch((e) => e), (await tried(() => fetch(new Request(BASE + "/echo", { signal: c.signal }))))[0]];`,
  "aborted while nothing comes": `const c = new AbortController(); const p = fetch(BASE + "/hang?" + c, { signal: c.signal }); setTimeout(() => c.abort(), 20); return (await tried(() => p))[0];`,
  "aborted for a reason": `const c = new AbortController(); const p = fetch(BASE + "/hang", { signal: c.signal }); setTimeout(() => c.abort(new RangeError("why")), 20); return tried(() => p);`,
  "aborted by time": `return (await tried(() => fetch(BASE + "/hang", { signal: AbortSignal.timeout(20) })))[0];`,
  "aborted while the body comes": `const c = new AbortController(); const r = await fetch(BASE + "/hang?head", { signal: c.signal }); const reader = r.body.getReader(); const first = new TextDecoder().decode((await reader.read()).value); const next = reader.read(); c.abort(); return [first, (await tried(() => next))[0], (await tried(() => r.text()))[0]];`,
  "aborted when all is over": `const c = new AbortController(); const r = await fetch(BASE + "/echo", { signal: c.signal }); const text = await r.text(); c.abort(); return text.length > 0;`,
  "a body that nobody wants": `const r = await fetch(BASE + "/hang?head"); await r.body.cancel(); return [r.bodyUsed, (await tried(() => r.text()))[0]];`,
  "a request that is sent twice": `const q = new Request(BASE + "/echo", { method: "POST", body: "x" }); const first = (await (await fetch(q.clone())).json()).body; await fetch(q); return [first, (await tried(() => fetch(q)))[0], q.bodyUsed];`,
  "many at once": `const texts = await Promise.all(Array.from({ length: 40 }, async (_, i) => (await (await fetch(BASE + "/echo", { method: "POST", body: "n" + i })).json()).body)); return texts;`,
};

/** Where Node is wrong. */
const EXPECTED: Record<string, unknown> = {};

/** An async function without parameters, as text. */
function runner(code: string): string {
  return `(async () => { const BASE = ${JSON.stringify(base)}, OTHER = ${JSON.stringify(other)}; ${TOLD} ${code} })`;
}

/** Runs cases in one process; what each comes to is a line. */
function program(cases: Cases): string {
  const entries = Object.entries(cases).map(([name, code]) => `[${JSON.stringify(name)}, ${runner(code)}],`);
  return `for (const [name, run] of [${entries.join("\n")}]) console.log(JSON.stringify([name, await run()]));`;
}

await withNode({ lwps: 1 }, (t) => {
  for (const [name, code] of Object.entries(CASES)) {
    test(name, { timeout: 60_000 }, async () => {
      const inNode = vm.runInThisContext(runner(code)) as () => Promise<unknown>;
      const expected = name in EXPECTED ? EXPECTED[name] : await inNode();
      const { stdout, stderr, status } = await t.run(program({ [name]: code }), NET);
      assert.deepEqual([stderr, status.code], ["", 0]);
      assert.deepEqual(JSON.parse(stdout), JSON.parse(JSON.stringify([name, expected])));
    });
  }

  test("all of it under stress", { timeout: 300_000 }, async () => {
    const calm = await t.run(program(CASES), NET);
    assert.deepEqual([calm.stderr, calm.status.code], ["", 0]);
    const stressed = await t.run(program(CASES), { ...NET, stress: { every: 200, at: "call" } });
    assert.equal(stressed.stderr, "");
    assert.deepEqual(stressed.stdout.split("\n"), calm.stdout.split("\n"));
  });

  test("a host that is not allowed", { timeout: 60_000 }, async () => {
    const attempt = (url: string) =>
      `await fetch(${JSON.stringify(url)}).then((r) => console.log(r.status), (e) => console.log(e.name, e.message, e.cause?.code, e.cause?.message));`;
    const nothing = await t.run(attempt(base));
    assert.match(nothing.stdout, /^TypeError fetch failed EACCES .*--allow-net=/);
    const { host } = new URL(base);
    const only = await t.run(
      attempt(`${base}/echo`) +
        attempt(`${other}/echo`) +
        attempt(`${base}/redirect?status=302&to=${encodeURIComponent(`${other}/echo`)}`),
      { capabilities: { net: [host] } },
    );
    assert.match(
      only.stdout,
      /^200\nTypeError fetch failed EACCES .*\nTypeError fetch failed EACCES .*--allow-net=localhost/,
    );
  });

  test("integrity", { timeout: 60_000 }, async () => {
    const digest = (name: string) =>
      `${name}-${createHash(name).update(Buffer.alloc(2_000_000, "z")).digest("base64")}`;
    const ask = (integrity: string) =>
      `await fetch("${base}/large", { integrity: ${JSON.stringify(integrity)} }).then(async (r) => console.log((await r.text()).length), (e) => console.log(e.name, e.cause.message));`;
    const { stdout } = await t.run(
      ask(digest("sha256")) +
        ask(`sha256-AAAA ${digest("sha512")}`) +
        ask(`${digest("sha256")} sha512-AAAA`) +
        ask("md5-x"),
      NET,
    );
    assert.deepEqual(stdout.split("\n"), ["2000000", "2000000", "TypeError integrity mismatch", "2000000", ""]);
  });

  test("what is not read does not stay open", { timeout: 60_000 }, async () => {
    // More than a process may have handles, each dropped with its body unread.
    const source = `let failed = 0; for (let n = 0; n < 1500; n++) { try { await fetch("${base}/hang?head"); } catch (e) { failed++; } } console.log(failed);`;
    const { stdout, stderr } = await t.run(source, NET);
    assert.deepEqual([stdout, stderr], ["0\n", ""]);
  });
});
