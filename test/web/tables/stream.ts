/** Streams, text streams, compression streams. */

import { ruled, type Table } from "../case.ts";

const SOURCES = [
  "",
  "{}",
  "null",
  "5",
  "{ start: 5 }",
  "{ type: 'bytes' }",
  "{ type: 'nope' }",
  "{ type: undefined }",
  "{ start() { throw new RangeError(); } }",
  "{ autoAllocateChunkSize: 0, type: 'bytes' }",
  "{ get start() { throw new RangeError(); } }",
];
const STRATEGIES = [
  "",
  "{}",
  "{ highWaterMark: 5 }",
  "{ highWaterMark: -1 }",
  "{ highWaterMark: NaN }",
  "{ highWaterMark: Infinity }",
  "{ size: 5 }",
  "{ size: () => 1 }",
  "{ highWaterMark: '2' }",
  "new CountQueuingStrategy({ highWaterMark: 3 })",
  "new ByteLengthQueuingStrategy({ highWaterMark: 3 })",
];
function construction(name: string, source: string, strategy: string): string {
  const further = strategy === "" ? "" : `, ${strategy}`;
  return `(() => { const s = new ${name}(${source || "undefined"}${further}); return [s.locked, Object.prototype.toString.call(s)]; })()`;
}
const making = ["ReadableStream", "WritableStream"].flatMap((name) =>
  SOURCES.flatMap((source) => STRATEGIES.map((strategy) => construction(name, source, strategy))),
);
const bothWrong = [
  ["{ start: 5 }", "{ highWaterMark: -1 }"],
  ["{ start: 5 }", "{ highWaterMark: NaN }"],
  ["{ type: 'bytes' }", "{ size: 5 }"],
  ["{ type: 'nope' }", "{ size: 5 }"],
  ["{ autoAllocateChunkSize: 0, type: 'bytes' }", "{ size: 5 }"],
].flatMap(([source = "", strategy = ""]) =>
  ["ReadableStream", "WritableStream"].map(
    (name) => [construction(name, source, strategy), "throws TypeError"] as const,
  ),
);
const desired = STRATEGIES.map(
  (strategy) =>
    `(() => { let c; new ReadableStream({ start(x) { c = x; } }${strategy === "" ? "" : `, ${strategy}`}); const before = c.desiredSize; c.enqueue(new Uint8Array(2)); return [before, c.desiredSize]; })()`,
);
const strategies = ["CountQueuingStrategy", "ByteLengthQueuingStrategy"].flatMap((name) =>
  ["", "{}", "{ highWaterMark: 1 }", "{ highWaterMark: 'x' }", "null"].map(
    (init) =>
      `(() => { const s = new ${name}(${init}); return [s.highWaterMark, s.size({ byteLength: 7 }), s.size.name, s.size.length]; })()`,
  ),
);

const MADE =
  "const made = (...chunks) => new ReadableStream({ start(c) { for (const x of chunks) c.enqueue(x); c.close(); } }); const all = async (s) => { const out = []; for await (const x of s) out.push(x); return out; };";
const reading = [
  "return all(made(1, 2, 3));",
  "const s = made(1); const r = s.getReader(); return [s.locked, await r.read(), await r.read(), await r.closed];",
  "const s = made(1); s.getReader(); s.getReader();",
  "const r = made(1).getReader(); r.releaseLock(); return r.read();",
  "const s = made(1), r = s.getReader(); r.releaseLock(); return [s.locked, await all(s)];",
  "const s = made(1); s.getReader(); return s.cancel();",
  "return made(1).getReader({ mode: 'byob' });",
  "return made(1).getReader({ mode: 'nope' });",
  "return made(1).getReader(5);",
  "let why; const s = new ReadableStream({ cancel(r) { why = r; } }); await s.cancel('reason'); return why;",
  "const s = new ReadableStream({ cancel() { throw new RangeError(); } }); return s.cancel();",
  "const s = made(1, 2); for await (const x of s) break; return s.locked;",
  "const s = made(1, 2); for await (const x of s.values({ preventCancel: true })) break; return all(s);",
  "const s = new ReadableStream({ start(c) { c.error(new RangeError()); } }); return all(s);",
  "const s = new ReadableStream({ start(c) { c.enqueue(1); c.error(new RangeError()); } }); return s.getReader().read();",
  "let n = 0; const s = new ReadableStream({ pull(c) { c.enqueue(n++); if (n === 3) c.close(); } }); return all(s);",
  "const s = new ReadableStream({ async pull(c) { throw new RangeError(); } }); return all(s);",
  "new ReadableStream({ start(c) { c.close(); c.enqueue(1); } });",
  "new ReadableStream({ start(c) { c.close(); c.close(); } });",
  "new ReadableStream({ start(c) { c.error(1); c.error(2); } }); return 'fine';",
  "const [a, b] = made(1, 2).tee(); return [await all(a), await all(b)];",
  "const s = made(1); s.getReader(); s.tee();",
  "const [a, b] = made(1, 2).tee(); await Promise.all([a.cancel(1), b.cancel(2)]); return 'both';",
  "return all(ReadableStream.from([1, 2]));",
  "return all(ReadableStream.from((async function* () { yield 1; yield 2; })()));",
  "return ReadableStream.from(5);",
  "return all(ReadableStream.from('text'));",
  "return all(ReadableStream.from([Promise.resolve(1)]));",
  "let r; const s = ReadableStream.from({ [Symbol.asyncIterator]() { return { async next() { return { value: 1, done: false }; }, async return(x) { r = x; return {}; } }; } }); const i = s.getReader(); await i.read(); await i.cancel('why'); return r;",
  "const s = new ReadableStream({ type: 'bytes', start(c) { c.enqueue(new Uint8Array([1, 2, 3])); c.close(); } }); const r = s.getReader({ mode: 'byob' }); const a = await r.read(new Uint8Array(2)); const b = await r.read(new Uint8Array(2)); return [a, b, await r.read(new Uint8Array(2))];",
  "const s = new ReadableStream({ type: 'bytes', start(c) { c.enqueue(new Uint8Array(0)); } });",
  "const s = new ReadableStream({ type: 'bytes', start(c) { c.enqueue('x'); } });",
  "const s = new ReadableStream({ type: 'bytes', pull(c) { const v = c.byobRequest.view; v[0] = 7; c.byobRequest.respond(1); } }); return s.getReader({ mode: 'byob' }).read(new Uint8Array(4));",
  "const s = new ReadableStream({ type: 'bytes', autoAllocateChunkSize: 4, pull(c) { c.byobRequest.view[0] = 9; c.byobRequest.respond(1); } }); return s.getReader().read();",
  "const r = new ReadableStream({ type: 'bytes' }).getReader({ mode: 'byob' }); return r.read(new Uint8Array(0));",
  "const r = new ReadableStream({ type: 'bytes' }).getReader({ mode: 'byob' }); return r.read();",
  "const b = new Uint8Array(4); const s = new ReadableStream({ type: 'bytes', start(c) { c.enqueue(new Uint8Array([1])); } }); await s.getReader({ mode: 'byob' }).read(b); return b.byteLength;",
];
const LATE = "const w = new WritableStream().getWriter(); await w.close(); return w.write(1);";
const writing = [
  LATE,
  "const out = []; const w = new WritableStream({ write(x) { out.push(x); }, close() { out.push('closed'); } }).getWriter(); w.write(1); w.write(2); await w.close(); return out;",
  "const w = new WritableStream().getWriter(); return [w.desiredSize, await w.ready, await w.write(1), await w.close(), await w.closed];",
  "const s = new WritableStream(); s.getWriter(); s.getWriter();",
  "let why; const s = new WritableStream({ abort(r) { why = r; } }); await s.abort('reason'); return why;",
  "const s = new WritableStream({ write() { throw new RangeError(); } }); const w = s.getWriter(); w.closed.catch(() => {}); await w.write(1).catch(() => {}); return w.write(2);",
  "const w = new WritableStream({ start(c) { c.error(new RangeError()); } }).getWriter(); w.ready.catch(() => {}); return w.closed;",
  "const w = new WritableStream().getWriter(); await w.close(); return w.close();",
  "const w = new WritableStream().getWriter(); w.releaseLock(); return w.write(1);",
  "const s = new WritableStream(); s.getWriter(); return s.close();",
  "let signal; const s = new WritableStream({ start(c) { signal = c.signal; } }); s.abort('x'); return [signal.aborted, signal.reason];",
  "const w = new WritableStream({}, { highWaterMark: 2 }).getWriter(); const sizes = [w.desiredSize]; w.write(1); sizes.push(w.desiredSize); w.write(1); w.write(1); sizes.push(w.desiredSize); return sizes;",
];
const piping = [
  "const out = []; await made(1, 2).pipeTo(new WritableStream({ write(x) { out.push(x); } })); return out;",
  "return all(made(1, 2).pipeThrough(new TransformStream({ transform(x, c) { c.enqueue(x * 2); c.enqueue(x * 3); } })));",
  "return all(made('a').pipeThrough(new TransformStream()));",
  "return all(made(1).pipeThrough(new TransformStream({ flush(c) { c.enqueue('end'); } })));",
  "return all(made(1).pipeThrough(new TransformStream({ transform() { throw new RangeError(); } })));",
  "return all(made(1, 2).pipeThrough(new TransformStream({ transform(x, c) { c.terminate(); } })));",
  "const s = made(1); s.getReader(); return s.pipeTo(new WritableStream());",
  "return made(1).pipeTo({});",
  "return made(1).pipeThrough({});",
  "return made(1).pipeTo(new WritableStream({ write() { throw new RangeError(); } }));",
  "return new ReadableStream({ start(c) { c.error(new RangeError()); } }).pipeTo(new WritableStream());",
  "const c = new AbortController(); c.abort('why'); return made(1).pipeTo(new WritableStream(), { signal: c.signal });",
  "const c = new AbortController(); const p = new ReadableStream().pipeTo(new WritableStream(), { signal: c.signal }); c.abort('later'); return p;",
  "const w = new WritableStream(); await made(1).pipeTo(w, { preventClose: true }); return [w.locked, await w.getWriter().write(2)];",
  "let reason; const s = new ReadableStream({ cancel(r) { reason = r.name; } }); await s.pipeTo(new WritableStream({ start(c) { c.error(new RangeError()); } })).catch(() => {}); return reason;",
  "const t = new TransformStream(); const w = t.writable.getWriter(); w.write('x'); w.close(); return all(t.readable);",
  "new TransformStream({ readableType: 'bytes' });",
  "new TransformStream({ writableType: 'bytes' });",
  "const t = new TransformStream({ start(c) { c.enqueue('s'); } }); return t.readable.getReader().read();",
];
const text = [
  "return all(made(new Uint8Array([0xe2, 0x82]), new Uint8Array([0xac, 0xff])).pipeThrough(new TextDecoderStream()));",
  "return all(made(new Uint8Array([0xe2])).pipeThrough(new TextDecoderStream('utf-8', { fatal: true })));",
  "return all(made('a\\ud83d', '\\ude00b').pipeThrough(new TextEncoderStream()));",
  "return all(made('\\ud83d').pipeThrough(new TextEncoderStream()));",
  "return all(made(5, null).pipeThrough(new TextEncoderStream()));",
  "return all(made('not bytes').pipeThrough(new TextDecoderStream()));",
  "new TextDecoderStream('nonsense');",
  "const d = new TextDecoderStream('utf-16', { fatal: true }); return [d.encoding, d.fatal, d.ignoreBOM];",
  "return new TextEncoderStream().encoding;",
];
const KINDS = ["gzip", "deflate", "deflate-raw"];
const PACKED = [
  "new Uint8Array(0)",
  "new TextEncoder().encode('text'.repeat(100))",
  "Uint8Array.from({ length: 5000 }, (_, i) => (i * 7919) % 251)",
  "new Uint8Array(100000)",
];
const whole = [
  ...KINDS.flatMap((kind) =>
    PACKED.map(
      (data) =>
        `const data = ${data}; const packed = await all(made(data).pipeThrough(new CompressionStream('${kind}'))); const back = await all(ReadableStream.from(packed).pipeThrough(new DecompressionStream('${kind}'))); return [packed.every((p) => p instanceof Uint8Array), back.flatMap((b) => [...b]).join() === [...data].join()];`,
    ),
  ),
  ...KINDS.map(
    (kind) =>
      `const packed = (await all(made(new Uint8Array(10)).pipeThrough(new CompressionStream('${kind}')))).flatMap((b) => [...b]); return (await all(made(...packed.map((b) => Uint8Array.of(b))).pipeThrough(new DecompressionStream('${kind}')))).flatMap((b) => [...b]).length;`,
  ),
  "new CompressionStream('nope');",
  "new CompressionStream();",
  "new DecompressionStream('br');",
  "return Object.prototype.toString.call(new CompressionStream('gzip'));",
];
/** What is no stream of its kind: malformed, cut short, or with something after its end. */
const malformed = [
  ...KINDS.flatMap((kind) =>
    ["new Uint8Array([1, 2, 3])", "new Uint8Array(0)", "'text'", "5", "new Uint8Array([31, 139, 8, 0])"].map(
      (data) => `return (await all(made(${data}).pipeThrough(new DecompressionStream('${kind}')))).length;`,
    ),
  ),
  ...KINDS.map(
    (kind) =>
      `const packed = (await all(made(new Uint8Array(10)).pipeThrough(new CompressionStream('${kind}')))).flatMap((b) => [...b]); return all(made(Uint8Array.from([...packed, 0])).pipeThrough(new DecompressionStream('${kind}')));`,
  ),
  ...KINDS.map(
    (kind) =>
      `const packed = (await all(made(new Uint8Array(10)).pipeThrough(new CompressionStream('${kind}')))).flatMap((b) => [...b]); return all(made(Uint8Array.from(packed.slice(0, -1))).pipeThrough(new DecompressionStream('${kind}')));`,
  ),
  "return all(made('text').pipeThrough(new CompressionStream('gzip')));",
];
const wrapped = (body: string): string => `await (async () => { ${MADE} ${body} })()`;
const shapes = [
  "ReadableStream",
  "WritableStream",
  "TransformStream",
  "ReadableStreamDefaultReader",
  "ReadableStreamBYOBReader",
  "WritableStreamDefaultWriter",
].flatMap((name) => [
  `[${name}.name, ${name}.length]`,
  `${name}()`,
  `[...Object.keys(${name}.prototype)].sort()`,
  `Object.prototype.toString.call(${name}.prototype)`,
]);
const controllers = [
  "ReadableStreamDefaultController",
  "ReadableByteStreamController",
  "ReadableStreamBYOBRequest",
  "WritableStreamDefaultController",
  "TransformStreamDefaultController",
].map((name) => `new ${name}()`);

export const STREAMS: Table = {
  api: "streams",
  cases: [
    ...new Set([
      ...making,
      ...desired,
      ...strategies,
      ...[...reading, ...writing, ...piping, ...text].map(wrapped),
      ...shapes,
      ...controllers,
    ]),
  ],
  rulings: {
    ...ruled("Web IDL, 3.6: arguments are converted before anything is done with them", ...bothWrong),
    ...ruled("Streams, 5.3.4: to write to a stream that is closed is a TypeError", [wrapped(LATE), "throws TypeError"]),
  },
};
export const COMPRESSION: Table = {
  api: "CompressionStream, DecompressionStream",
  cases: [...new Set([...whole, ...malformed].map(wrapped))],
  rulings: ruled(
    "Compression, 5 and 6: an error is a TypeError",
    ...malformed.map((body) => [wrapped(body), "throws TypeError"] as const),
  ),
};
