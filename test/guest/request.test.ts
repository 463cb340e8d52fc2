/** `Request` against Node's. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { withNode } from "../node/bench-node.ts";
import { BareEngine } from "./bare-engine.ts";
import { type Cases, compareUnderStress, compareWithNode } from "./oracle.ts";

const EACH = `const each = async (acts) => { const out = []; for (const act of acts) { try { out.push((await act()) ?? null); } catch (e) { out.push(e.name); } } return out; };
const shown = (r) => [r.method, r.url, [...r.headers], r.destination, r.referrer, r.referrerPolicy, r.mode, r.credentials, r.cache, r.redirect, r.integrity, r.keepalive, r.duplex, r.body === null, r.bodyUsed, r.signal.aborted];
const url = "https://a.example/p?q#h";`;

const CASES: Cases = {
  "made of anything": `${EACH} return each([url, new URL(url), "HTTP://A.b:80/../x", "/relative", "", "data:,x", "https://u:p@h/", "https://u@h/", 5, null, undefined, {}, { toString: () => url }, Symbol()].map((input) => () => shown(new Request(input)))).then(async (out) => [...out, ...(await each([() => new Request(), () => Request(url)]))]);`,
  methods: `${EACH} return each(["get", "Get", "post", "PUT", "delete", "head", "options", "patch", "PATCH", "Foo", "foo", "", "a b", "CONNECT", "trace", "TrAcK", "é", 5, null, undefined, "GET "].map((method) => () => new Request(url, { method }).method));`,
  "every option": `${EACH} return each([{ referrer: "" }, { referrer: "about:client" }, { referrer: "https://x.y/z" }, { referrer: "bad" }, { referrerPolicy: "origin" }, { referrerPolicy: "no" }, { referrerPolicy: "" }, { mode: "cors" }, { mode: "no-cors" }, { mode: "same-origin" }, { mode: "navigate" }, { mode: "x" }, { credentials: "omit" }, { credentials: "include" }, { credentials: "x" }, { cache: "no-store" }, { cache: "only-if-cached" }, { cache: "only-if-cached", mode: "same-origin" }, { cache: "x" }, { redirect: "manual" }, { redirect: "error" }, { redirect: "x" }, { integrity: "sha256-x" }, { integrity: 5 }, { keepalive: true }, { keepalive: "yes" }, { window: null }, { window: 5 }, { signal: null }, { signal: undefined }, { signal: {} }, { signal: 5 }, { duplex: "half" }, { duplex: "half", method: "POST", body: "x" }, { headers: { a: "b" } }, { headers: [["c", "d"]] }, { headers: 5 }, { unknown: 1 }].map((init) => () => shown(new Request(url, init))));`,
  "options that are no object": `${EACH} return each([null, undefined, 5, "x", true, [], () => {}].map((init) => () => new Request(url, init).method));`,
  bodies: `${EACH} return each(["text", "", new Uint8Array([1]), new URLSearchParams("a=b"), new Blob(["x"], { type: "t/y" }), null, undefined, 5].flatMap((body) => ["GET", "HEAD", "POST", "DELETE", "OPTIONS"].map((method) => async () => { const r = new Request(url, { method, body }); const before = shown(r); return [before, await r.text(), r.bodyUsed]; })));`,
  "a body that is a stream": `${EACH} const of = () => new ReadableStream({ start(c) { c.enqueue(new Uint8Array([97, 98])); c.close(); } }); return each([() => new Request(url, { method: "POST", body: of() }), () => new Request(url, { method: "POST", body: of(), duplex: "half" }).text(), () => new Request(url, { method: "POST", body: of(), duplex: "half", keepalive: true }), () => { const body = of(); body.getReader(); return new Request(url, { method: "POST", body, duplex: "half" }); }]);`,
  "one request made of another": `${EACH} const r = new Request(url, { method: "POST", body: "text", headers: { a: "b" }, redirect: "manual", cache: "no-store", integrity: "i", referrer: "" }); const q = new Request(r); const out = [shown(q), r.bodyUsed, await q.text(), q.bodyUsed]; return [...out, ...(await each([() => new Request(r), () => r.text(), () => new Request(q), () => shown(new Request(new Request(url, { method: "POST", body: "x" }), { body: "other", headers: { x: "y" } })), async () => { const p = new Request(url, { method: "POST", body: "x" }); const s = new Request(p, { body: "other" }); return [p.bodyUsed, await s.text()]; }, () => new Request(new Request(url, { method: "POST", body: "x" }), { method: "GET" }), () => shown(new Request(new Request(url, { mode: "same-origin" }), { cache: "only-if-cached" })), () => shown(new Request(new Request(url, { headers: { a: "b" } }), {})), () => [...new Request(new Request(url, { headers: { a: "b" } }), { headers: {} }).headers]]))];`,
  "a request as options": `const r = new Request(url0(), { method: "POST", body: "text", headers: { a: "b" } }); function url0() { return "https://a.example/"; } const q = new Request("https://other.example/", r); const out = [q.url, q.method, [...q.headers], r.bodyUsed]; out.push(await q.text(), r.bodyUsed); return out;`,
  "a clone": `${EACH} const r = new Request(url, { method: "POST", body: "text", headers: { a: "b" }, redirect: "error" }); const c = r.clone(); c.headers.set("a", "c"); return [shown(c), [...r.headers], await c.text(), r.bodyUsed, await r.text(), ...(await each([() => r.clone(), () => c.clone(), () => shown(new Request(url).clone())]))];`,
  signals: `${EACH} const c = new AbortController(); const r = new Request(url, { signal: c.signal }); const q = new Request(r); const k = r.clone(); const o = new Request(r, { signal: null }); const log = []; for (const [name, each] of Object.entries({ r, q, k, o })) each.signal.addEventListener("abort", () => log.push(name)); const before = [r.signal === c.signal, r.signal === r.signal, r.signal.aborted]; c.abort("why"); return [before, log.sort(), r.signal.reason, q.signal.aborted, k.signal.reason, o.signal.aborted, new Request(url, { signal: AbortSignal.abort("x") }).signal.reason, new Request(url).signal.aborted, new Request(r).signal.aborted];`,
  "the wrong receiver": `const out = []; for (const name of Object.getOwnPropertyNames(Request.prototype).filter((name) => !["constructor", "attribute", "bytes", "text", "json", "arrayBuffer", "blob", "formData", "clone"].includes(name)).sort()) { try { out.push([name, Request.prototype[name]]); } catch (e) { out.push([name, e.name]); } } out.push(await Request.prototype.text.call({}).catch((e) => e.name)); return out;`,
  "its shape": `return [Object.prototype.toString.call(new Request("https://a.b")), Request.length, Object.keys(Request.prototype).filter((name) => name !== "bytes" && name !== "attribute").sort()];`,
  "a subclass": `class Own extends Request { get url() { return super.url + "!"; } } const r = new Own("https://a.b/", { method: "POST", body: "x" }); return [r.url, r.method, await r.text(), new Request(new Own("https://c.d/")).url];`,
  "a proxy is none": `${EACH} const p = new Proxy(new Request(url), {}); return each([() => p.method, () => new Request(p).url]);`,
  "an object with its prototype is none": `${EACH} const o = Object.create(Request.prototype); return each([() => o.method, () => o.headers, () => o.text(), () => o.clone()]);`,
  "prototypes under other prototypes": `const own = { get method() { return this.real().method; }, real() { return (this.r ??= new Request("https://a.b/", { method: "PUT" })); } }; Object.setPrototypeOf(own, Request.prototype); const it = Object.create(own); return [it.method, it instanceof Request, new Request("https://c.d/", it).method];`,
};

/** Node 20 keeps what a request is about in properties. */
const EXPECTED = {
  "a proxy is none": ["TypeError", "TypeError"],
  "an object with its prototype is none": ["TypeError", "TypeError", "TypeError", "TypeError"],
};

describe("requests", () => compareWithNode(CASES, EXPECTED));

let engine: BareEngine;
before(async () => {
  engine = await BareEngine.create();
});
after(() => engine.dispose());

test("a request without a signal loads no events", () => {
  engine.run(
    `globalThis.r = new Request(new Request("https://a.b/", { method: "POST", body: "x", signal: undefined }))`,
  );
  assert.deepEqual(engine.loads, ["fetch"]);
  engine.run(`r.signal`);
  assert.deepEqual(engine.loads, ["fetch", "event"]);
});

await withNode({}, (t) => {
  test("requests under stress", { timeout: 300_000 }, () => compareUnderStress(t, CASES, { every: 30, at: "call" }));
});
