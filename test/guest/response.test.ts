/** `Response` and bodies against Node's. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { withNode } from "../node/bench-node.ts";
import { BareEngine } from "./bare-engine.ts";
import { type Cases, compareUnderStress, compareWithNode } from "./oracle.ts";

const EACH = `const each = async (acts) => { const out = []; for (const act of acts) { try { out.push((await act()) ?? null); } catch (e) { out.push(e.name); } } return out; };
const shown = (r) => [r.type, r.url, r.redirected, r.status, r.ok, r.statusText, [...r.headers], r.body === null, r.bodyUsed];`;

const BODIES = `[null, undefined, "", "text é😀", new Uint8Array([104, 105]), new Uint8Array([0xef, 0xbb, 0xbf, 65]), new Uint16Array([0x4142]), new Uint8Array([1, 2, 3, 4]).subarray(1, 3), new DataView(new ArrayBuffer(2)), new Uint8Array([0xff]).buffer, new URLSearchParams("a=1&b=ü"), new URLSearchParams(), new Blob(["blob"], { type: "x/y" }), new Blob(["b"]), 5, true, {}, ["a", "b"], { toString: () => "own" }, Symbol(), "\\ud800x"]`;

const CASES: Cases = {
  "made of anything": `${EACH} return each(${BODIES}.map((body) => async () => { const r = new Response(body); const before = shown(r); return [before, await r.text(), r.bodyUsed]; }));`,
  "as bytes": `${EACH} return each(${BODIES}.map((body) => async () => [...new Uint8Array(await new Response(body).arrayBuffer())]));`,
  "as a blob": `${EACH} return each([...${BODIES}.map((body) => async () => { const b = await new Response(body).blob(); return [b.size, b.type, await b.text()]; }), ...["text/html", "Text/HTML; Charset=x", "a/b;c=d;c=e", "a/b; c=\\"q r\\"", "bad", "", "a/b, c/d", "text/plain;charset=a, text/plain", "a/b;x=\\"a\\\\\\"b\\"", "*/*", "a/b;;c=d", "a/b;c=", "a/b;c", " a/b ", "a/b ; c = d"].map((type) => async () => (await new Response("x", { headers: { "content-type": type } }).blob()).type)]);`,
  "as JSON": `${EACH} return each(["1", "{\\"a\\":[1,null]}", "", "nope", "\\ufeff2", null, "[1,]"].map((body) => () => new Response(body).json()));`,
  "as a stream": `${EACH} return each(${BODIES}.map((body) => async () => { const r = new Response(body); if (r.body === null) return null; const s = r.body; let text = ""; for await (const chunk of s) text += [...chunk]; return [text, r.bodyUsed, r.body === s, s.locked]; }));`,
  "read once": `${EACH} const r = new Response("x"); const first = r.text(); return each([() => r.text(), () => first, () => r.json(), () => r.arrayBuffer(), () => r.blob(), () => r.formData(), () => r.bodyUsed, () => r.body.locked, () => r.clone(), () => new Response(r.body)]);`,
  "an empty body is read again and again": `const r = new Response(); return [await r.text(), await r.text(), r.bodyUsed, (await r.blob()).size, (await r.arrayBuffer()).byteLength];`,
  "a locked body": `${EACH} const r = new Response("x"); const reader = r.body.getReader(); const out = await each([() => r.text(), () => r.clone(), () => r.bodyUsed, () => new Response(r.body)]); reader.releaseLock(); return [out, r.bodyUsed, await r.text(), r.bodyUsed];`,
  "a cancelled body": `${EACH} const r = new Response("x"); await r.body.cancel(); return each([() => r.bodyUsed, () => r.text(), () => r.body.locked]);`,
  status: `${EACH} return each([200, 204, 299, 300, 404, 599, 199, 600, 0, -1, 65736, 200.9, "201", null, undefined, NaN, {}, 101, 205, 304].map((status) => () => shown(new Response(null, { status }))));`,
  "status with a body": `${EACH} return each([200, 204, 205, 304, 404].map((status) => () => shown(new Response("x", { status }))));`,
  "status text": `${EACH} return each(["", "OK", "a b\\tc", "é", "\\u0100", "a\\nb", "\\x7f", "\\x01", null, 5, "\\u00ff"].map((statusText) => () => new Response(null, { statusText }).statusText));`,
  "options of any kind": `${EACH} return each([null, undefined, 5, "x", [], {}, () => {}, new Response(null, { status: 404, statusText: "No", headers: { a: "b" } })].map((init) => () => shown(new Response("body", init))));`,
  "headers of its own": `const r = new Response("x", { headers: { "content-type": "a/b" } }); const h = new Headers({ a: "1" }); const s = new Response("x", { headers: h }); h.set("a", "2"); s.headers.append("b", "3"); return [[...r.headers], [...s.headers], [...h], s.headers === s.headers];`,
  "json()": `${EACH} return each([() => [...[{ a: 1 }, null, 5, "s", [], new Date(0), { toJSON: () => "t" }].map((data) => Response.json(data))].reduce(async (all, r) => [...(await all), [...r.headers], await r.text(), r.status], []), () => Response.json(), () => Response.json(undefined), () => Response.json(Symbol()), () => Response.json(() => {}), () => Response.json(1n), () => shown(Response.json(1, { status: 201, statusText: "Made", headers: { "content-type": "x/y", q: "r" } })), () => Response.json(1, { status: 204 }), () => Response.json({ get a() { throw new RangeError(); } })]);`,
  "redirect()": `${EACH} return each([...["https://a.b/c?d#e", "https://a.b/é", "/relative", "", "nonsense:x"].map((url) => () => shown(Response.redirect(url))), ...[301, 302, 303, 307, 308, 200, 304, 0, "307", null].map((status) => () => shown(Response.redirect("https://a.b/", status))), () => Response.redirect(), () => Response.redirect("https://a.b").headers.set("x", "y")]);`,
  "error()": `${EACH} const r = Response.error(); return [shown(r), ...(await each([() => r.headers.append("a", "b"), () => r.text(), () => shown(r.clone())]))];`,
  "a clone": `const r = new Response("text", { status: 201, statusText: "S", headers: [["set-cookie", "a"], ["set-cookie", "b"], ["x", "y"]] }); const c = r.clone(); c.headers.set("x", "z"); const cc = c.clone(); return [await c.text(), r.bodyUsed, c.bodyUsed, cc.bodyUsed, await r.text(), await cc.text(), [...r.headers], [...c.headers], c.status, c.statusText];`,
  "a clone of a body that was looked at": `const r = new Response("text"); const s = r.body; const c = r.clone(); return [s === r.body, s.locked, await c.text(), await r.text()];`,
  "a clone of a stream": `let pulls = 0; const stream = new ReadableStream({ pull(controller) { pulls += 1; controller.enqueue(new Uint8Array([64 + pulls])); if (pulls === 3) controller.close(); } }); const r = new Response(stream); const c = r.clone(); return [await r.text(), await c.text(), stream.locked, r.bodyUsed];`,
  "of a stream": `${EACH} const of = (...chunks) => new ReadableStream({ start(controller) { for (const chunk of chunks) controller.enqueue(chunk); controller.close(); } }); const b = (...n) => new Uint8Array(n); return each([() => new Response(of(b(97), b(98, 99))).text(), () => new Response(of("text")).text(), () => new Response(of(5)).text(), () => new Response(of(b(1).buffer)).arrayBuffer(), () => new Response(of()).text(), async () => { const s = of(b(1)); const r = new Response(s); return [r.body === s, [...r.headers]]; }, async () => { const s = of(b(97)); const r = new Response(s); const q = new Response(r.body); return [await q.text(), r.bodyUsed]; }, () => { const s = of(); s.getReader(); return new Response(s); }, async () => { const s = of(b(1)); await s.cancel(); return new Response(s); }, () => new Response(new ReadableStream({ pull() { throw new RangeError("r"); } })).text(), () => new Response(new ReadableStream({ start(c) { c.error("e"); } })).json().catch((e) => [e])]);`,
  "one response made of another": `const r = new Response("text", { status: 404, headers: { a: "b" } }); const q = new Response(r.body, r); q.headers.append("a", "c"); const out = [q.status, [...q.headers], [...r.headers], r.bodyUsed, q.body === r.body]; out.push(await q.text(), r.bodyUsed, r.body.locked); return out;`,
  "into a buffer of one's own": `const reader = new Response("abcde").body.getReader({ mode: "byob" }); let text = ""; for (;;) { const { value, done } = await reader.read(new Uint8Array(2)); if (done) return [text, value.length]; text += new TextDecoder().decode(value); }`,
  "what it was made of may change": `const bytes = new Uint8Array([97, 98]); const r = new Response(bytes); bytes[0] = 120; const c = r.clone(); const out = new Uint8Array(await r.arrayBuffer()); out[0] = 121; return [out[1], await c.text()];`,
  forms: `${EACH} const f = new FormData(); f.append("a", "1\\n2"); f.append("file", new File(["content"], "n.txt", { type: "text/x" })); f.append("a", "ü"); const read = async (r) => { const out = []; for (const [name, value] of await r.formData()) out.push([name, typeof value === "string" ? value : [value.name, value.type, await value.text()]]); return out; }; return each([() => read(new Response(f)), () => /^multipart\\/form-data; ?boundary=/.test(new Response(f).headers.get("content-type")), () => read(new Response(new URLSearchParams("x=1&y=a+b&x=%C3%BC"))), () => read(new Response("x=1")), () => read(new Response()), () => read(new Response("--x--", { headers: { "content-type": "multipart/form-data" } })), () => read(new Response("a=b", { headers: { "content-type": "application/x-www-form-urlencoded; charset=x" } }))]);`,
  "the wrong receiver": `const out = []; for (const name of ["text", "json", "arrayBuffer", "blob", "formData"]) out.push(await Response.prototype[name].call({}).then(() => "ok", (e) => e.name)); for (const name of ["status", "headers", "body", "bodyUsed", "url"]) { try { out.push(Response.prototype[name]); } catch (e) { out.push(e.name); } } return out;`,
  "its shape": `const names = (of) => Object.keys(of).filter((name) => name !== "bytes").sort(); return [Object.prototype.toString.call(new Response()), Response.length, names(Response.prototype), names(Response), Object.getPrototypeOf(Response.prototype) === Object.prototype, ["text", "json", "clone"].map((name) => [name, Response.prototype[name].length, Object.getOwnPropertyDescriptor(Response.prototype, name).enumerable]), Object.keys(new Response("x")).filter((name) => typeof name !== "symbol")];`,
  "a subclass": `class Own extends Response { constructor(text) { super(text, { status: 201 }); this.extra = 1; } get status() { return super.status + 1; } } const r = new Own("x"); return [r.status, r.extra, r instanceof Response, await r.text(), Object.getPrototypeOf(r.clone()) === Response.prototype];`,
  promises: `const r = new Response("1"); const p = r.json(); return [p instanceof Promise, r.bodyUsed, await p];`,
};

describe("responses", () => compareWithNode(CASES));

let engine: BareEngine;
before(async () => {
  engine = await BareEngine.create();
});
after(() => engine.dispose());

test("what is in memory never becomes a stream, unless somebody asks for one", async () => {
  const own = await BareEngine.create();
  own.run(`globalThis.out = []; (async () => {
    const r = new Response("text", { headers: { a: "b" } });
    out.push(await r.clone().text(), await r.arrayBuffer().then((b) => b.byteLength), await Response.json({ a: 1 }).json());
    const made = new Response(new Response("again").clone().body, { status: 201 });
    out.push(await new Response(made.body, made).text());
  })()`);
  assert.deepEqual(own.evaluate("out"), ["text", 4, { a: 1 }, "again"]);
  own.run(`globalThis.out = []; (async () => { out.push(await new Response("x").clone().text()); })()`);
  own.dispose();
  engine.run(`globalThis.out = []; (async () => { out.push(await new Response("é").clone().text()); })()`);
  assert.deepEqual(engine.evaluate("out"), ["é"]);
  assert.deepEqual(engine.loads, ["fetch"]);
});

test("bytes(), which Node 20 has not", () => {
  engine.run(`globalThis.out = []; (async () => {
    const given = new Uint8Array([1, 2]);
    const r = new Response(given);
    const c = r.clone();
    const bytes = await r.bytes();
    bytes[0] = 9;
    out.push([...bytes], [...await c.bytes()], [...await new Response().bytes()], bytes instanceof Uint8Array);
    out.push(await r.bytes().catch((e) => e.name));
  })()`);
  assert.deepEqual(engine.evaluate("out"), [[9, 2], [1, 2], [], true, "TypeError"]);
});

test("they show themselves as Node's do", () => {
  engine.run(`console.log(new Response(null, { status: 404 }))`);
  assert.equal(
    engine.takeOutput(1),
    "Response {\n  status: 404,\n  statusText: '',\n  headers: Headers {},\n  body: null,\n  bodyUsed: false,\n  ok: false,\n  redirected: false,\n  type: 'default',\n  url: ''\n}\n",
  );
});

await withNode({}, (t) => {
  test("responses under stress", { timeout: 300_000 }, () => compareUnderStress(t, CASES, { every: 40, at: "call" }));
});
