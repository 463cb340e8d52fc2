/** Modules of Node's in guests: the same program prints the same under Node, and under stress. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import type { StressMode } from "../../src/abi/control.ts";
import { compileProgram, guestExports } from "../../src/node/program.ts";
import { withNode } from "../node/bench-node.ts";

const folder = mkdtempSync(join(tmpdir(), "godwit-test-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Expressions, each of which is printed, or its error: name, code and message as far as they are the same. */
const EXPRESSIONS: Readonly<Record<string, { readonly imports: string; readonly shown: readonly string[] }>> = {
  buffer: {
    imports: `import { Buffer, isUtf8, isAscii, constants, kMaxLength } from "node:buffer";`,
    shown: [
      `Buffer.from("héllo ✓😀").toString("hex")`,
      `["utf8", "UTF-8", "hex", "base64", "base64url", "latin1", "binary", "ascii", "ucs2", "utf16le"].map((e) => [Buffer.isEncoding(e), Buffer.from("abcdé✓", e).toString(e)])`,
      `[["aé✓", "utf8"], ["abcd", "hex"], ["YWI=", "base64"], ["YWI", "base64url"], ["aé", "latin1"], ["aé", "utf16le"]].map(([text, e]) => Buffer.byteLength(text, e))`,
      `["abxyz", "xy", "abc"].map((text) => Buffer.from(text, "hex").length)`,
      `["base64", "base64url"].map((e) => Buffer.from([251, 255, 191, 1]).toString(e))`,
      `Buffer.from("-_-_AQ", "base64url").equals(Buffer.from("+/+/AQ==", "base64"))`,
      `Buffer.from([0xff, 0x41, 0xe2, 0x82, 0xef, 0xbb, 0xbf]).toString()`,
      `Buffer.from([0xef, 0xbb, 0xbf, 0x41]).toString().length`,
      `Buffer.from("abcdef").toString("utf8", 2, 4) + Buffer.from("abcdef").toString(undefined, -3) + Buffer.from("abc").toString("utf8", 2, 1)`,
      `Buffer.concat([Buffer.from("a"), new Uint8Array([98]), Buffer.alloc(2, "xy")], 4)`,
      `Buffer.from("abcabc").indexOf("ca") + Buffer.from("abcabc").lastIndexOf("YmM", undefined, "base64url")`,
      `[Buffer.from("a").compare(Buffer.from("b")), Buffer.compare(Buffer.from("b"), Buffer.from("a"))]`,
      `(() => { const b = Buffer.alloc(16); b.writeUInt32BE(0xdeadbeef, 0); b.writeInt16LE(-2, 4); b.writeDoubleLE(1.5, 6); b.writeUIntBE(7, 14, 2); return [b, b.readUInt32BE(0), b.readInt16LE(4), b.readDoubleLE(6), b.readUIntBE(14, 2)]; })()`,
      `(() => { const b = Buffer.alloc(8); b.writeBigInt64LE(-5n); return [b.readBigUInt64LE(), b.readBigInt64LE()]; })()`,
      `(() => { const b = Buffer.from("abcd"); const s = b.subarray(1, 3); s[0] = 120; return [b.toString(), s.toString(), s instanceof Buffer, b.slice(-2) + ""]; })()`,
      `JSON.stringify(Buffer.from("hi"))`,
      `Buffer.from(JSON.parse(JSON.stringify(Buffer.from("hi")))).toString()`,
      `[Buffer.isBuffer(Buffer.alloc(1)), Buffer.isBuffer(new Uint8Array(1)), Buffer.alloc(1) instanceof Uint8Array]`,
      `Buffer.from("abc").swap16`.replace("swap16", "fill('zy', 1).toString()"),
      `[isUtf8(Buffer.from("é")), isUtf8(Buffer.from([0xc3])), isAscii(Buffer.from("a")), isAscii(Buffer.from("é"))]`,
      `Buffer.copyBytesFrom(new Uint16Array([1, 2, 3]), 1, 1)`,
      `[...Buffer.from("ab").entries()]`,
      `Buffer.from("x".repeat(200))`,
      `[() => Buffer.from("a", "nonsense"), () => Buffer.from("z").readUInt16LE(0)].map((make) => { try { return make(); } catch (error) { return error.name; } })`,
    ],
  },
  path: {
    imports: `import path, { posix, win32 } from "node:path"; import w from "node:path/win32";`,
    shown: [
      `[posix, win32].map((p) => [p.join("a", "..", "..", "b", "./c/"), p.normalize("/a//b/../c/."), p.resolve("/x", "../y", "z"), p.relative("/a/b/c", "/a/d"), p.dirname("/a/b/"), p.basename("/a/b.txt", ".txt"), p.extname("a.b.c"), p.isAbsolute("C:\\\\a"), p.isAbsolute("/a"), p.sep, p.delimiter])`,
      `win32.resolve("C:\\\\a\\\\b", "..\\\\c")`,
      `win32.relative("C:\\\\a\\\\b", "C:\\\\a\\\\d\\\\e")`,
      `[posix.parse("/home/u/f.tar.gz"), win32.parse("C:\\\\p\\\\f.txt")]`,
      `posix.format({ dir: "/a", name: "b", ext: "c" })`,
      `[w === win32, path === posix, path.posix === posix]`,
    ],
  },
  util: {
    imports: `import util, { types } from "node:util"; import t2 from "util/types";`,
    shown: [
      `util.format("%s %d %i %f %j %o %O %% %c|", "s", 4.5, 4.5, "1.5", { a: 1 }, [1], { b: 2 }, "css", "rest", 9)`,
      `util.inspect({ a: { b: { c: { d: 1 } } }, m: new Map([[1, { x: 1 }]]), s: Symbol("q"), f() {}, g: class A {} })`,
      `util.inspect({ a: { b: { c: {} } } }, false, 0) + util.inspect({ a: { b: { c: { d: {} } } } }, { depth: null })`,
      `util.inspect({ [util.inspect.custom]: (depth, options, inspect) => "own " + inspect([1]) })`,
      `util.isDeepStrictEqual({ a: [1, new Set([{ b: 1 }]), new Map([[{ k: 1 }, 2]])] }, { a: [1, new Set([{ b: 1 }]), new Map([[{ k: 1 }, 2]])] })`,
      `[[0, -0], [NaN, NaN], [[1, , 3], [1, undefined, 3]], [{ a: undefined }, {}], [new Date(1), new Date(1)], [/a/g, /a/i], [new Error("a"), new Error("b")], [Object(1), Object(1)], [new Uint8Array([1]), new Uint8Array([1])], [[1], { 0: 1, length: 1 }], [Object.create(null), {}], [new Set([1, 2]), new Set([2, 1])], [new Map([["a", undefined]]), new Map([["b", undefined]])], ["a", Object("a")], [Symbol.for("a"), Symbol.for("a")], [new Float32Array([0]), new Float32Array([-0])], [new ArrayBuffer(1), new ArrayBuffer(1)]].map(([a, b]) => util.isDeepStrictEqual(a, b))`,
      `await util.promisify((a, b, done) => done(null, a + b))(1, 2)`,
      `await util.promisify((done) => done(new RangeError("no")))()`,
      `await util.promisify(setTimeout)(2, "late")`,
      `await util.promisify(setImmediate)("soon")`,
      `util.promisify(5)`,
      `await new Promise((resolve) => util.callbackify(async (a) => a * 2)(4, (...all) => resolve(all)))`,
      `await new Promise((resolve) => util.callbackify(async () => { throw null; })((error) => resolve([error.code, error.reason])))`,
      `(() => { function A() {} function B() {} util.inherits(A, B); return [new A() instanceof B, A.super_ === B]; })()`,
      `Object.keys(types).filter((name) => !["isExternal", "isModuleNamespaceObject", "isCryptoKey", "isKeyObject", "isEventTarget", "isFloat16Array", "isProxy"].includes(name)).map((name) => [name, [new Map(), new Set().values(), Promise.resolve(), /a/, new Date(), new Uint8Array(1), new DataView(new ArrayBuffer(1)), function* () {}, async () => {}, (function* () {})(), new WeakMap(), new WeakSet(), Object(1n), Object(Symbol()), new Error(), {}, null, 5].map((value) => Number(types[name](value))).join("")]).sort()`,
      `t2.isMap(new Map())`,
      `util.parseArgs({ args: ["-v", "--name", "x", "--no-color", "rest"], options: { verbose: { type: "boolean", short: "v" }, name: { type: "string" }, "no-color": { type: "boolean" } }, allowPositionals: true })`,
      `(() => { try { return util.parseArgs({ args: ["--nope"] }); } catch (error) { return error.code; } })()`,
      `util.stripVTControlCharacters("\\u001b[31mred\\u001b[39m \\u001b]8;;http://x\\u0007link\\u001b]8;;\\u0007")`,
      `util.toUSVString("a\\ud800")`,
      `(() => { const f = util.deprecate((a) => a + 1, "old", "DEP9"); return [f(1), f(2)]; })()`,
      `[new util.TextEncoder().encode("é").length, typeof util.TextDecoder, util.debuglog("x").enabled]`,
    ],
  },
  assert: {
    imports: `import assert, { AssertionError } from "node:assert"; import strict from "node:assert/strict";
      const told = (error) => [error.name, error.code, error.operator, error.generatedMessage, error instanceof AssertionError];
      const why = (run) => { try { run(); return "passed"; } catch (error) { return error.code === "ERR_ASSERTION" ? [...told(error), error.message] : String(error); } };
      const kind = (run) => { try { run(); return "passed"; } catch (error) { return told(error); } };`,
    shown: [
      `why(() => assert.strictEqual(1, 2))`,
      `kind(() => assert.strictEqual(1, 2, "mine"))`,
      `why(() => assert.strictEqual(NaN, NaN))`,
      `why(() => assert.equal(1, "1"))`,
      `why(() => strict.equal(1, "1"))`,
      `why(() => assert.equal(1, 2))`,
      `why(() => assert.ok(0, "zero"))`,
      `why(() => assert(true))`,
      `kind(() => assert.ok(false))`,
      `kind(() => assert.deepStrictEqual({ a: 1 }, { a: "1" }))`,
      `why(() => assert.deepEqual({ a: 1 }, { a: "1" }))`,
      `why(() => assert.deepEqual([1, [2]], ["1", ["2"]]))`,
      `why(() => assert.deepEqual(new Set([1]), new Set(["1"])))`,
      `why(() => assert.deepEqual(new Date(1), new Date(2)) )`.replace("why", "kind"),
      `why(() => assert.notStrictEqual(1, 1))`,
      `why(() => assert.fail())`,
      `why(() => assert.fail("so"))`,
      `why(() => assert.throws(() => { throw new TypeError("bad"); }, TypeError))`,
      `why(() => assert.throws(() => { throw new TypeError("bad"); }, /bad/))`,
      `why(() => assert.throws(() => { throw new TypeError("bad"); }, { name: "TypeError", message: /b.d/ }))`,
      `kind(() => assert.throws(() => { throw new TypeError("bad"); }, { message: "good" }))`,
      `why(() => assert.throws(() => { throw new TypeError("bad"); }, RangeError))`,
      `why(() => assert.throws(() => {}))`,
      `why(() => assert.throws(() => {}, TypeError, "said"))`,
      `why(() => assert.throws(() => { throw new Error("x"); }, (error) => error.message === "x"))`,
      `kind(() => assert.throws(() => { throw new Error("x"); }, () => false))`,
      `why(() => assert.doesNotThrow(() => { throw new Error("x"); }, "said"))`,
      `why(() => assert.match("abc", /x/))`,
      `why(() => assert.doesNotMatch("abc", /b/))`,
      `why(() => assert.ifError(new Error("e")))`,
      `why(() => assert.ifError(null))`,
      `await assert.rejects(Promise.reject(new Error("x")), /x/)`,
      `await assert.rejects(Promise.resolve(1)).catch(told)`,
      `await assert.rejects(async () => { throw 5; }, (reason) => reason === 5)`,
      `[typeof strict, strict.strict === strict, assert.strict === strict, Object.keys(strict).includes("deepEqual")]`,
    ],
  },
  url: {
    imports: `import url, { URL as U, fileURLToPath, pathToFileURL } from "node:url";`,
    shown: [
      `U === URL && url.URLSearchParams === URLSearchParams`,
      `["file:///a%20b/c", "file:///%C3%BC"].map((text) => fileURLToPath(text))`,
      `fileURLToPath("http://x/")`,
      `fileURLToPath("file://host/x")`,
      `fileURLToPath("file:///a%2fb")`,
      `["/a b/c?d#e%", "/x/", "/ü"].map((text) => pathToFileURL(text).href)`,
      `["http://u:p@h.example:8080/p/a?q=1&r#f", "//h/p", "mailto:a@b.c", "/p?q", "HTTP://H/", "x"].map((text) => ({ ...url.parse(text) }))`,
      `({ ...url.parse("http://h/?a=1&b=2&a=3", true).query })`,
      `url.format({ protocol: "https", hostname: "h", port: 1, pathname: "/p", query: { a: [1, 2], b: "x y" } })`,
      `url.format(new URL("http://u:p@h/p?q#f"), { auth: false, fragment: false, search: false })`,
      `[url.resolve("/one/two/three", "four"), url.resolve("http://a.b/c/d", "../e?f"), url.resolve("http://a.b/", "//x/y")]`,
      `url.urlToHttpOptions(new URL("https://u:p@[::1]:90/p?q#f")).auth + url.urlToHttpOptions(new URL("https://u:p@[::1]:90/p?q#f")).hostname`,
      `[url.domainToASCII("español.com"), url.domainToASCII("xn--iñvalid.com")]`,
    ],
  },
  querystring: {
    imports: `import querystring from "node:querystring";`,
    shown: [
      `["a=1&b=2&a=3", "a", "=x", "a==b", "&&a=1&", "a+b=%20c%2B", "%zz=%ff%C3%BC", "a=%E4%B8", "__proto__=1", ""].map((text) => Object.entries(querystring.parse(text)))`,
      `Object.entries(querystring.parse("a:1;b:2;c", ";", ":"))`,
      `Object.keys(querystring.parse("a&b&c&d", null, null, { maxKeys: 2 }))`,
      `Object.entries(querystring.parse("w=%D6%D0", null, null, { decodeURIComponent: (text) => text.toLowerCase() }))`,
      `querystring.stringify({ a: 1, b: ["x y", true, null], c: 10n, d: {}, e: NaN, "ü&": "=", f: "!'()*~" })`,
      `querystring.stringify({ a: [1, 2] }, ";", ":")`,
      `[querystring.escape("a b&ü"), querystring.unescape("a%20b%"), querystring.stringify("text"), querystring.decode === querystring.parse]`,
    ],
  },
  string_decoder: {
    imports: `import { StringDecoder } from "node:string_decoder"; import { Buffer } from "buffer";
      const pieces = (encoding, ...parts) => { const d = new StringDecoder(encoding); return [...parts.map((bytes) => d.write(Buffer.from(bytes))), d.end()]; };`,
    shown: [
      `pieces("utf8", [0xe2, 0x82], [0xac, 0xf0, 0x9f], [0x98, 0x80, 0x41])`,
      `pieces("utf8", [0xe2, 0x82], [0x41])`,
      `pieces("utf16le", [0x41], [0, 0x3d, 0xd8], [0, 0xde])`,
      `pieces("base64", [1], [2, 3, 4])`,
    ],
  },
  crypto: {
    imports: `import crypto, { createHash, createHmac } from "node:crypto"; import { Buffer } from "node:buffer";`,
    shown: [
      `["md5", "sha1", "SHA256", "sha-384".replace("-", ""), "sha512", "sha3-256", "RIPEMD160", "RSA-SHA256"].map((name) => createHash(name).update("abc").update(Buffer.from("ü")).digest("hex"))`,
      `createHash("sha256").update("ff00", "hex").digest("base64url")`,
      `createHash("sha1").digest()`,
      `(() => { const h = createHash("sha256").update("a"); const c = h.copy(); h.update("b"); return [h.digest("hex"), c.digest("hex")]; })()`,
      `(() => { const h = createHash("sha256"); h.digest(); return h.update("x"); })()`,
      `(() => { try { createHash("nonsense"); } catch (error) { return [error.name, error.message]; } })()`,
      `["sha256", "md5"].map((name) => createHmac(name, "key".repeat(40)).update("data").digest("base64"))`,
      `crypto.pbkdf2Sync("p", "salt", 3, 40, "sha512").toString("hex")`,
      `Buffer.from(crypto.hkdfSync("sha256", "key", "salt", "info", 42)).toString("hex")`,
      `crypto.scryptSync("p", "salt", 32, { N: 4, r: 1 }).toString("hex")`,
      `[crypto.timingSafeEqual(Buffer.from("ab"), Buffer.from("ab")), crypto.timingSafeEqual(Buffer.from("ab"), Buffer.from("ac"))]`,
      `crypto.timingSafeEqual(Buffer.from("ab"), Buffer.from("abc"))`,
      `[crypto.randomBytes(20).length, crypto.randomUUID().length, crypto.randomInt(5) < 5, crypto.randomInt(3, 4), typeof crypto.webcrypto.subtle.digest]`,
      `await new Promise((resolve) => crypto.randomBytes(4, (error, bytes) => resolve([error, bytes.length])))`,
    ],
  },
  punycode: {
    imports: `import punycode from "punycode";`,
    shown: [
      `[punycode.toASCII("mañana.com"), punycode.toUnicode("xn--maana-pta.com"), punycode.encode("☃-⌘"), punycode.ucs2.decode("😀")]`,
    ],
  },
};

/** Programs that print by themselves. */
const PROGRAMS: Readonly<Record<string, string>> = {
  events: `
    import EventEmitter, { errorMonitor, getEventListeners, listenerCount, on, once, setMaxListeners } from "node:events";
    const emitter = new EventEmitter();
    emitter.on("a", (...args) => console.log("a", ...args)).once("a", () => console.log("once")).prependListener("a", () => console.log("first"));
    console.log(emitter.emit("a", 1, 2), emitter.emit("a"), emitter.emit("none"), emitter.eventNames(), emitter.listenerCount("a"));
    emitter.on("newListener", (name) => console.log("new", name)); emitter.on("b", () => {}); emitter.removeAllListeners("b");
    emitter.on(errorMonitor, (error) => console.log("seen", error.message));
    try { emitter.emit("error", new Error("boom")); } catch (error) { console.log("thrown", error.message); }
    try { emitter.emit("error", 5); } catch (error) { console.log(error.code, error.message); }
    class Own extends EventEmitter { constructor() { super(); this.x = 1; } }
    const own = new Own();
    setTimeout(() => own.emit("late", "v", 2), 2);
    console.log(await once(own, "late"), own instanceof EventEmitter);
    setTimeout(() => own.emit("error", new Error("instead")), 2);
    console.log(await once(own, "never").catch((error) => error.message));
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 2);
    console.log(await once(own, "never", { signal: abort.signal }).catch((error) => [error.name, error.code]));
    const target = new EventTarget();
    setTimeout(() => target.dispatchEvent(new Event("t")), 2);
    console.log((await once(target, "t"))[0].type);
    const stop = new AbortController();
    setTimeout(() => { for (const n of [1, 2, 3]) own.emit("n", n); }, 2);
    try { for await (const [n] of on(own, "n", { signal: stop.signal })) { console.log("n", n); if (n === 3) stop.abort(); } } catch (error) { console.log(error.name); }
    console.log(getEventListeners(emitter, "a").length, listenerCount(emitter, "a"), own.listenerCount("n"), EventEmitter.EventEmitter === EventEmitter);
    setMaxListeners(3, emitter); console.log(emitter.getMaxListeners(), EventEmitter.defaultMaxListeners);`,
  stream: `
    import stream, { Duplex, PassThrough, Readable, Transform, Writable, addAbortSignal, compose, finished, pipeline } from "node:stream";
    import { pipeline as promised } from "node:stream/promises"; import { EventEmitter } from "node:events";
    const upper = () => new Transform({ transform(chunk, _, done) { done(null, String(chunk).toUpperCase()); } });
    const chunks = []; const sink = new Writable({ highWaterMark: 3, write(chunk, encoding, done) { chunks.push(String(chunk)); setTimeout(done, 1); } });
    await promised(Readable.from(["a", "b", "c"], { objectMode: false }), upper(), sink);
    console.log(chunks.join(""), sink.writableFinished, new Readable() instanceof EventEmitter, typeof stream, stream.Readable === Readable);
    const pass = new PassThrough(); console.log(pass.write("x".repeat(20_000)), pass.write("y")); pass.end(); let size = 0; for await (const chunk of pass) size += chunk.length; console.log(size);
    const objects = Readable.from([1, 2, 3, 4]); console.log(await objects.filter((n) => n % 2 === 0).map(async (n) => n * 10).toArray());
    await new Promise((resolve) => pipeline(new Readable({ read() { this.destroy(new Error("broken")); } }), new PassThrough(), (error) => { console.log(error.message); resolve(); }));
    const duplex = new Duplex({ read() { this.push("d"); this.push(null); }, write(chunk, encoding, done) { console.log("written", String(chunk)); done(); } });
    duplex.end("in"); await new Promise((resolve) => { duplex.on("data", (chunk) => console.log("data", chunk)); finished(duplex, resolve); });
    const abort = new AbortController(); const endless = addAbortSignal(abort.signal, new Readable({ read() {} })); setTimeout(() => abort.abort(), 2);
    try { for await (const _ of endless); } catch (error) { console.log(error.name); }
    const text = new Readable({ read() {} }); text.setEncoding("utf8"); text.push(Buffer.from([0xe2, 0x82])); text.push(Buffer.from([0xac])); text.push(null); for await (const chunk of text) console.log(chunk);
    process.nextTick(() => console.log("tick")); await null;`,
  timers: `
    import timers from "node:timers"; import promises, { setTimeout as wait, setInterval as every, scheduler } from "node:timers/promises";
    const timer = timers.setTimeout(() => console.log("never"), 5); console.log(timer.hasRef(), typeof timer.refresh, timer.ref() === timer); timers.clearTimeout(timer);
    console.log(await wait(1, "v"), await promises.setImmediate("now")); await scheduler.wait(1);
    const abort = new AbortController(); setTimeout(() => abort.abort(), 2);
    console.log(await wait(60_000, null, { signal: abort.signal }).catch((error) => [error.name, error.code]));
    let n = 0; for await (const value of every(1, "t")) { console.log(value, ++n); if (n === 3) break; }
    const again = timers.setInterval(() => { if (++n === 6) { timers.clearInterval(again); console.log("end", n); } }, 1);`,
  diagnostics_channel: `
    import dc from "node:diagnostics_channel";
    const channel = dc.channel("x"); console.log(channel === dc.channel("x"), channel.hasSubscribers, dc.hasSubscribers("x"));
    const listener = (message, name) => console.log(name, message); dc.subscribe("x", listener); channel.publish({ a: 1 });
    console.log(channel.hasSubscribers, dc.unsubscribe("x", listener), dc.unsubscribe("x", listener)); channel.publish(2);`,
  ports: `
    const { port1, port2 } = new MessageChannel(); const bytes = new Uint8Array([1, 2, 3]);
    port2.postMessage({ early: new Map([[1, 2]]) }); port1.onmessage = ({ data, type }) => { console.log(type, data); if (data === "end") port1.close(); };
    port1.postMessage("not started"); port2.postMessage(bytes.buffer, [bytes.buffer]); console.log(bytes.length);
    try { port2.postMessage(() => {}); } catch (error) { console.log(error.name); }
    port2.addEventListener("message", ({ data }) => { console.log("2", data); port2.postMessage("end"); }); setTimeout(() => port2.start(), 5);
    try { new MessagePort(); } catch (error) { console.log(error.name); }
    const event = new MessageEvent("m", { data: [1], origin: "o", lastEventId: "i" }); console.log(event.data, event.origin, event.lastEventId, event.source, event.ports.length, event instanceof Event);`,
};

/** Node's own text of an error where it is not what the test is about. */
const PRINT = `const show = async (make) => { try { console.log(await make()); } catch (error) { console.log("throws", error.name, error.code); } };`;

function programOf(name: string): string {
  const table = EXPRESSIONS[name];
  if (table === undefined) return PROGRAMS[name] ?? "";
  return `${table.imports}\n${PRINT}\n${table.shown.map((each) => `await show(async () => (${each}));`).join("\n")}`;
}

async function underNode(file: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ["--no-warnings", file], { timeout: 60_000 });
  return stdout;
}

await withNode({ lwps: 1 }, (t) => {
  const run = async (file: string, stress?: StressMode): Promise<string> => {
    const program = await compileProgram(file, { guestExports: await guestExports(), workingDirectory: folder });
    const { name, source, sourceMap } = program;
    const pid = await t.node.spawn({ name, source, sourceMap, ...(stress === undefined ? {} : { stress }) });
    const { status, stdout, stderr } = await t.watch(pid).ended;
    assert.equal(status.code, 0, stderr);
    return stdout;
  };
  for (const name of [...Object.keys(EXPRESSIONS), ...Object.keys(PROGRAMS)]) {
    test(name, { timeout: 120_000 }, async () => {
      const file = join(folder, `${name}.mjs`);
      writeFileSync(file, programOf(name));
      const expected = (await underNode(file)).split("\n");
      assert.deepEqual((await run(file)).split("\n"), expected);
      assert.deepEqual(
        (await run(file, { every: name === "crypto" ? 4999 : 211, at: "call" })).split("\n"),
        expected,
        "under stress",
      );
    });
  }
});
