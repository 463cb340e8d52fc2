/** Streams against Node's: sources, sinks, transforms, pipes, bytes, errors, and the streams of text. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { withNode } from "../node/bench-node.ts";
import { BareEngine } from "./bare-engine.ts";
import { type Cases, compareUnderStress, compareWithNode } from "./oracle.ts";

const STREAMS: Cases = {
  "an iterable, read as an iterable": `const seen = []; for await (const x of ReadableStream.from([1, Promise.resolve(2), 3])) seen.push(x); return seen;`,
  "an async generator, left early, is told": `const log = [];
    const source = ReadableStream.from((async function* () { try { yield 1; yield 2; yield 3; } finally { log.push("done"); } })());
    for await (const x of source) { log.push(x); if (x === 2) break; }
    return [log, source.locked];`,
  "values() that keep the stream": `const source = ReadableStream.from([1, 2, 3]);
    for await (const x of source.values({ preventCancel: true })) break;
    const reader = source.getReader(); return [await reader.read(), await reader.read(), await reader.read()];`,
  "pulls no more than it must": `const log = []; let n = 0;
    const stream = new ReadableStream({ start: () => { log.push("start"); }, pull: (c) => { log.push("pull"); c.enqueue(n++); } }, { highWaterMark: 2 });
    await Promise.resolve(); await new Promise((done) => queueMicrotask(done)); await null; await null;
    const reader = stream.getReader(); log.push((await reader.read()).value); await null; await null; await null;
    return log;`,
  "desiredSize by a strategy of one's own": `let controller;
    const stream = new ReadableStream({ start: (c) => { controller = c; } }, { highWaterMark: 10, size: (chunk) => chunk.length });
    const sizes = [controller.desiredSize]; controller.enqueue("abc"); sizes.push(controller.desiredSize); controller.enqueue("a long chunk"); sizes.push(controller.desiredSize);
    controller.close(); sizes.push(controller.desiredSize); const reader = stream.getReader(); await reader.read(); await reader.read(); await reader.closed; sizes.push(controller.desiredSize); return sizes;`,
  "what iterators inherit": `const it = new ReadableStream().values(); const proto = Object.getPrototypeOf(it); return [Object.getPrototypeOf(proto) === Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}).prototype), Object.getOwnPropertyNames(proto).sort(), it[Symbol.asyncIterator]() === it];`,
  "the strategies": `const a = new CountQueuingStrategy({ highWaterMark: 3 }), b = new ByteLengthQueuingStrategy({ highWaterMark: 5 });
    return [a.highWaterMark, a.size("xyz"), b.highWaterMark, b.size(new Uint8Array(7)), a.size.length, b.size.length, a.size === new CountQueuingStrategy({ highWaterMark: 1 }).size];`,
  "an error of the source reaches its reader": `const stream = new ReadableStream({ pull: (c) => c.error(new RangeError("no")) }, { highWaterMark: 0 });
    const reader = stream.getReader(); const closed = reader.closed.catch((e) => "closed " + e.name); try { await reader.read(); } catch (e) { return [e.name, await closed]; }`,
  "a throw in pull": `const stream = new ReadableStream({ pull() { throw new SyntaxError("x"); } }); return (await stream.getReader().read()).value;`,
  "cancel tells the source why": `const log = []; const stream = new ReadableStream({ cancel: (reason) => { log.push(reason); } }); log.push(await stream.cancel("why")); return log;`,
  "a reader that gives back its lock": `const stream = ReadableStream.from([1, 2]); const one = stream.getReader(); const first = await one.read(); const pending = one.closed.catch((e) => e.name); one.releaseLock();
    const two = stream.getReader(); return [first, await two.read(), stream.locked, await pending, await one.read().catch((e) => e.name)];`,
  "a locked stream refuses": `const stream = new ReadableStream(); stream.getReader(); const out = [];
    for (const act of [() => stream.getReader(), () => stream.tee(), () => stream.pipeThrough(new TransformStream()), () => stream.values()]) { try { act(); out.push("ok"); } catch (e) { out.push(e.name); } }
    for (const act of [() => stream.cancel(), () => stream.pipeTo(new WritableStream())]) out.push(await act().then(() => "ok", (e) => e.name));
    return out;`,
  tee: `const [a, b] = ReadableStream.from(["x", "y"]).tee(); const read = async (s) => { const seen = []; for await (const x of s) seen.push(x); return seen; }; return Promise.all([read(a), read(b)]);`,
  "tee, both cancelled": `const log = []; const [a, b] = new ReadableStream({ cancel: (reasons) => { log.push(reasons); } }).tee(); await Promise.all([a.cancel(1), b.cancel(2)]); return log;`,
  "writes in order, one at a time": `const log = []; let release;
    const stream = new WritableStream({ start: () => { log.push("start"); }, write: (x) => { log.push(x); return new Promise((done) => { release = done; }); }, close: () => { log.push("close"); } });
    const writer = stream.getWriter(); const writes = [writer.write(1), writer.write(2), writer.close()]; for (let i = 0; i < 10; i++) await null; log.push("waits"); release(); await writes[0]; for (let i = 0; i < 10; i++) await null; release(); await Promise.all(writes); await writer.closed; return log;`,
  "backpressure of a writer": `let release; const stream = new WritableStream({ write: () => new Promise((done) => { release = done; }) }, new CountQueuingStrategy({ highWaterMark: 2 }));
    const writer = stream.getWriter(); await writer.ready; const sizes = [writer.desiredSize]; writer.write(1); sizes.push(writer.desiredSize); writer.write(2); sizes.push(writer.desiredSize); for (let i = 0; i < 10; i++) await null; release(); await writer.ready; sizes.push(writer.desiredSize); return sizes;`,
  "abort of a writer": `const log = []; const stream = new WritableStream({ abort: (reason) => { log.push("abort " + reason); } }); const writer = stream.getWriter(); const closed = writer.closed.catch((e) => { log.push("closed " + e); }); await writer.abort("stop"); await closed; log.push(await writer.write(1).catch((e) => e)); return log;`,
  "the signal of a sink": `let signal; const stream = new WritableStream({ start: (c) => { signal = c.signal; }, write: () => new Promise(() => {}) }); const writer = stream.getWriter(); writer.closed.catch(() => {}); writer.write(1).catch(() => {}); await null; await null; writer.abort(new Error("x")); return [signal instanceof AbortSignal, signal.aborted, signal.reason.message];`,
  "a sink that fails": `const stream = new WritableStream({ write() { throw new RangeError("full"); } }); const writer = stream.getWriter(); writer.closed.catch(() => {}); const out = [await writer.write(1).catch((e) => e.name)]; out.push(await writer.write(2).catch((e) => e.name), await writer.ready.catch((e) => e.name)); return out;`,
  "a transform": `const upper = new TransformStream({ start: (c) => c.enqueue("<"), transform: (x, c) => { c.enqueue(x.toUpperCase()); }, flush: (c) => c.enqueue(">") });
    const seen = []; for await (const x of ReadableStream.from(["a", "b"]).pipeThrough(upper)) seen.push(x); return seen;`,
  "a transform that terminates": `const first = new TransformStream({ transform: (x, c) => { c.enqueue(x); c.terminate(); } }); const writer = first.writable.getWriter(); writer.closed.catch(() => {}); const reader = first.readable.getReader(); const w = writer.write(1).catch((e) => e.name); return [await reader.read(), await reader.read(), await w, await writer.write(2).catch((e) => e.name)];`,
  "a transform that fails": `const bad = new TransformStream({ transform() { throw new RangeError("bad"); } }); const out = []; try { for await (const x of ReadableStream.from([1]).pipeThrough(bad)) out.push(x); } catch (e) { out.push(e.name); } return out;`,
  "a pipe, whole": `const log = []; await ReadableStream.from([1, 2, 3]).pipeTo(new WritableStream({ write: (x) => { log.push(x); }, close: () => { log.push("close"); } })); return log;`,
  "a pipe that leaves its end open": `const log = []; const sink = new WritableStream({ write: (x) => { log.push(x); }, close: () => { log.push("close"); } }); await ReadableStream.from([1]).pipeTo(sink, { preventClose: true }); const writer = sink.getWriter(); await writer.write(2); return log;`,
  "a pipe whose source fails": `const log = []; const sink = new WritableStream({ abort: (e) => { log.push("abort " + e.name); } }); try { await new ReadableStream({ start: (c) => c.error(new RangeError()) }).pipeTo(sink); } catch (e) { log.push(e.name); } return log;`,
  "a pipe whose sink fails": `const log = []; const source = new ReadableStream({ pull: (c) => c.enqueue(1), cancel: (e) => { log.push("cancel " + e.name); } }); try { await source.pipeTo(new WritableStream({ write() { throw new RangeError(); } })); } catch (e) { log.push(e.name); } return log;`,
  "a pipe that is aborted": `const log = []; const controller = new AbortController();
    const source = new ReadableStream({ pull: (c) => { c.enqueue(1); }, cancel: (e) => { log.push("cancel " + e.name); } });
    const sink = new WritableStream({ write: () => { if (log.push("write") === 3) controller.abort(); }, abort: (e) => { log.push("abort " + e.name); } });
    try { await source.pipeTo(sink, { signal: controller.signal }); } catch (e) { log.push(e.name); } return log;`,
  "a pipe that was aborted before": `return new ReadableStream().pipeTo(new WritableStream(), { signal: AbortSignal.abort("reason") }).catch((e) => e);`,
  "bytes into one's own buffer": `const stream = new ReadableStream({ type: "bytes", start: (c) => { c.enqueue(new Uint8Array([1, 2, 3, 4, 5])); c.close(); } });
    const reader = stream.getReader({ mode: "byob" }); const a = await reader.read(new Uint8Array(3)); const b = await reader.read(new Uint8Array(3)); const c = await reader.read(new Uint8Array(1)); return [[...a.value], a.done, [...b.value], b.done, [...c.value], c.done];`,
  "a request for bytes, filled by its source": `const stream = new ReadableStream({ type: "bytes", pull: (c) => { const { view } = c.byobRequest; view[0] = 7; view[1] = 8; c.byobRequest.respond(2); } });
    const reader = stream.getReader({ mode: "byob" }); const { value, done } = await reader.read(new Uint8Array(8)); return [[...value], value.byteOffset, value.buffer.byteLength, done];`,
  "buffers allocated for a default reader": `const stream = new ReadableStream({ type: "bytes", autoAllocateChunkSize: 4, pull: (c) => { new Uint8Array(c.byobRequest.view.buffer).fill(9); c.byobRequest.respond(4); } }); return [...(await stream.getReader().read()).value];`,
  "a buffer that is read into is taken away": `const stream = new ReadableStream({ type: "bytes", start: (c) => c.enqueue(new Uint8Array([1])) }); const mine = new Uint8Array(4); const reading = stream.getReader({ mode: "byob" }).read(mine); return [mine.byteLength, (await reading).value.length];`,
  "a chunk that is enqueued is taken away": `let mine = new Uint8Array([1, 2]); const stream = new ReadableStream({ type: "bytes", start: (c) => c.enqueue(mine) }); return [mine.length, [...(await stream.getReader().read()).value]];`,
  "16-bit views of bytes that come apart": `const stream = new ReadableStream({ type: "bytes", start: (c) => { for (const byte of [1, 2, 3, 4]) c.enqueue(new Uint8Array([byte])); c.close(); } }); const reader = stream.getReader({ mode: "byob" }); const { value } = await reader.read(new Uint16Array(2)); return [value.constructor.name, [...value]];`,
  "tee of bytes": `const [a, b] = new ReadableStream({ type: "bytes", start: (c) => { c.enqueue(new Uint8Array([1, 2, 3])); c.close(); } }).tee(); const one = await a.getReader({ mode: "byob" }).read(new Uint8Array(2)); const two = await b.getReader().read(); return [[...one.value], [...two.value]];`,
  "arguments that make no sense": `const out = []; for (const make of [() => new ReadableStream(null), () => new ReadableStream({ type: "text" }), () => new ReadableStream({ type: "bytes" }, { size: () => 1 }), () => new ReadableStream({}, { highWaterMark: -1 }), () => new ReadableStream({}, { highWaterMark: NaN }), () => new WritableStream({ type: "bytes" }), () => new TransformStream({ readableType: "bytes" }), () => new ReadableStreamDefaultReader({}), () => new ReadableStreamDefaultController(), () => new WritableStreamDefaultController(), () => new TransformStreamDefaultController(), () => new ReadableByteStreamController(), () => new ReadableStreamBYOBRequest(), () => new ReadableStream().getReader({ mode: "x" }), () => new ReadableStream().getReader({ mode: "byob" }), () => new CountQueuingStrategy(), () => ReadableStream.from(null), () => ReadableStream.from({}), () => ReadableStream.from(5), () => ReadableStream()]) { try { make(); out.push("ok"); } catch (e) { out.push(e.name); } } return out;`,
  "what a stream cannot be cloned to": `const out = []; for (const value of [new ReadableStream(), new WritableStream(), new TransformStream()]) { try { structuredClone(value); out.push("ok"); } catch (e) { out.push(e.name); } } return out;`,
  "tags and prototypes": `return [new ReadableStream(), new WritableStream(), new TransformStream(), new ReadableStream().getReader(), new WritableStream().getWriter()].map((x) => [Object.prototype.toString.call(x), x.constructor.name]);`,
  "an order of many steps": `const log = []; const read = async (name, stream) => { for await (const x of stream) log.push(name + x); log.push(name + "end"); };
    const double = () => new TransformStream({ transform: (x, c) => { c.enqueue(x); c.enqueue(-x); } });
    await Promise.all([read("a", ReadableStream.from([1, 2, 3]).pipeThrough(double()).pipeThrough(double())), read("b", ReadableStream.from([1]).pipeThrough(double()))]); return log.filter((x) => x.startsWith("a")).concat(log.filter((x) => x.startsWith("b")));`,
};

const bytesOf = (text: string): string => JSON.stringify([...new TextEncoder().encode(text)]);
const TEXT: Cases = {
  "text to bytes, pairs cut apart": `const chunks = []; for await (const x of ReadableStream.from(["a\\ud83d", "\\ude00b", "\\ud83d", "", "x", "\\udc00", "\\ud800"]).pipeThrough(new TextEncoderStream())) chunks.push([...x]); return chunks.flat();`,
  "what is no text becomes text": `const chunks = []; for await (const x of ReadableStream.from([1, null, undefined, { toString: () => "obj" }, []]).pipeThrough(new TextEncoderStream())) chunks.push(...x); return chunks;`,
  "a symbol is no text": `for await (const x of ReadableStream.from([Symbol("s")]).pipeThrough(new TextEncoderStream())) return "no error";`,
  "bytes to text, characters cut apart": `const bytes = new Uint8Array(${bytesOf("\ufeffgrün 😀 €")}); const out = []; for (let size = 1; size < 5; size++) { let text = ""; const pieces = []; for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size)); for await (const x of ReadableStream.from(pieces).pipeThrough(new TextDecoderStream())) text += x; out.push(text); } return out;`,
  "an unfinished character at the end": `let text = ""; for await (const x of ReadableStream.from([new Uint8Array([0x61, 0xf0, 0x9f])]).pipeThrough(new TextDecoderStream())) text += x; return text;`,
  "an unfinished character at the end, fatal": `let text = ""; for await (const x of ReadableStream.from([new Uint8Array([0x61, 0xf0, 0x9f])]).pipeThrough(new TextDecoderStream("utf-8", { fatal: true }))) text += x; return text;`,
  "bad bytes, fatal": `for await (const x of ReadableStream.from([new Uint8Array([0xff])]).pipeThrough(new TextDecoderStream("utf-8", { fatal: true }))); return "no error";`,
  "shared buffers, and what was taken away": `let text = ""; const shared = new Uint8Array(new SharedArrayBuffer(1)); shared[0] = 97; const gone = new Uint8Array([98]); const also = new Uint8Array([99]).buffer; structuredClone(null, { transfer: [gone.buffer, also] });
    for await (const x of ReadableStream.from([shared, shared.buffer, gone, also, new Uint8Array([100])]).pipeThrough(new TextDecoderStream())) text += x; return text;`,
  "buffers and views": `let text = ""; for await (const x of ReadableStream.from([new Uint8Array([97]).buffer, new DataView(new Uint8Array([0, 98]).buffer, 1), new Uint16Array([0x6463])]).pipeThrough(new TextDecoderStream())) text += x; return text;`,
  "a chunk that is no bytes": `for await (const x of ReadableStream.from(["text"]).pipeThrough(new TextDecoderStream())); return "no error";`,
  "other encodings": `let text = ""; for await (const x of ReadableStream.from([new Uint8Array([0x3d]), new Uint8Array([0xd8, 0x00, 0xde])]).pipeThrough(new TextDecoderStream("utf-16le"))) text += x; return text;`,
  attributes: `const d = new TextDecoderStream("latin1", { fatal: true, ignoreBOM: true }); return [d.encoding, d.fatal, d.ignoreBOM, new TextEncoderStream().encoding, d.readable instanceof ReadableStream, d.writable instanceof WritableStream];`,
  "an encoding that is none": `return new TextDecoderStream("nope").encoding;`,
  "a byte order mark, kept": `let text = ""; for await (const x of ReadableStream.from([new Uint8Array([0xef]), new Uint8Array([0xbb, 0xbf, 0x61])]).pipeThrough(new TextDecoderStream("utf-8", { ignoreBOM: true }))) text += x; return text;`,
};

/** Node asks for a transfer, where the standard and browsers name the error. */
describe("streams", () =>
  compareWithNode(STREAMS, {
    "what a stream cannot be cloned to": ["DataCloneError", "DataCloneError", "DataCloneError"],
  }));
/** Node 20 writes a symbol's description. */
describe("streams of text", () => compareWithNode(TEXT, { "a symbol is no text": "throws TypeError" }));

test("streams show themselves as Node's do", async () => {
  const engine = await BareEngine.create();
  engine.run(`console.log(new ReadableStream(), new ReadableStream({ type: "bytes" }), new WritableStream());`);
  assert.equal(
    engine.takeOutput(1),
    "ReadableStream { locked: false, state: 'readable', supportsBYOB: false } " +
      "ReadableStream { locked: false, state: 'readable', supportsBYOB: true } WritableStream { locked: false, state: 'writable' }\n",
  );
  engine.dispose();
});

await withNode({ lwps: 1 }, (t) => {
  test("streams under stress", { timeout: 300_000 }, () =>
    compareUnderStress(t, { ...STREAMS, ...TEXT }, { every: 29, at: "call" }),
  );

  test("a pipe is checkpointed in the middle, and goes on where it was, twice", { timeout: 60_000 }, async () => {
    const program = await t.start(`
      let sum = 0, count = 0;
      const numbers = new ReadableStream({ pull(c) { if (count === 3000) c.close(); else c.enqueue(count++); } });
      const pairs = new TransformStream({ transform(x, c) { c.enqueue([x, x * x]); } });
      await numbers.pipeThrough(pairs).pipeTo(new WritableStream({ write([x, square]) { sum = (sum * 31 + square) % 1000003; if (x === 1000) console.log("half"); } }));
      console.log("sum", sum, count);`);
    await program.printed("half");
    const image = await t.node.checkpoint(program.pid);
    const first = await program.ended;
    let sum = 0;
    for (let x = 0; x < 3000; x++) sum = (sum * 31 + x * x) % 1000003;
    assert.equal(first.stdout, `half\nsum ${sum} 3000\n`, first.stderr);
    for (const _ of [1, 2]) {
      const again = await t.watch(await t.node.restore(image)).ended;
      assert.equal(again.status.code, 0, again.stderr);
      assert.ok(again.stdout.endsWith(`sum ${sum} 3000\n`), again.stdout);
    }
  });
});
