/** `Headers`, `Request`, `Response`, `FormData`, `Blob`, `File`: making, reading, cloning; nothing is sent. */

import { ruled, type Table } from "../case.ts";

const quote = (text: string): string => JSON.stringify(text);

const NAMES = [
  "a",
  "A",
  "content-type",
  "X-Y",
  "set-cookie",
  "",
  " ",
  "a b",
  "a:",
  "ü",
  "a\n",
  "(",
  "\u0000",
  "__proto__",
  "constructor",
  "1",
  "!#$%&'*+-.^_`|~",
];
const VALUES = [
  "v",
  "",
  " v ",
  "\tv\t",
  "a, b",
  "ü",
  "\u00ff",
  "\u0100",
  "😀",
  "a\nb",
  "a\r\n b",
  "a\u0000b",
  "\u007f",
  "\ud800",
  "\n v \r",
];
const INITS = [
  "",
  "undefined",
  "null",
  "5",
  "'text'",
  "{}",
  "({ a: 1, B: 'x' })",
  "({ a: '1', A: '2' })",
  "({ a: undefined, b: null })",
  "[['a', 'b'], ['a', 'c']]",
  "[['a']]",
  "[['a', 'b', 'c']]",
  "[[]]",
  "[1]",
  "['ab']",
  "new Map([['k', 'v']])",
  "new Headers({ x: 'y' })",
  "new Headers([['set-cookie', 'a=1'], ['set-cookie', 'b=2']])",
  "({ [Symbol('s')]: 1 })",
  "({ 'bad name': 1 })",
  "[['b', 2], ['a', 1], ['C', 3]]",
  "new URLSearchParams('q=1')",
  "Object.create({ inherited: 1 })",
  "({ get a() { return 'got'; } })",
  "function* () { yield ['g', '1']; }()",
  "[new Set(['s', 't'])]",
  "Symbol()",
];
const headers = [
  ...NAMES.flatMap((name) =>
    VALUES.map(
      (value) =>
        `(() => { const h = new Headers(); h.append(${quote(name)}, ${quote(value)}); h.append(${quote(name)}, 'second'); return h; })()`,
    ),
  ),
  ...NAMES.flatMap((name) =>
    ["get", "has", "delete"].map((method) => `new Headers({ a: '1', 'content-type': 't' }).${method}(${quote(name)})`),
  ),
  ...NAMES.map((name) => `(() => { const h = new Headers({ a: '1' }); h.set(${quote(name)}, 'x'); return h; })()`),
  ...INITS.map((init) => `new Headers(${init})`),
  "new Headers().append()",
  "new Headers().append('a')",
  "new Headers().get()",
  "new Headers().set('a')",
  "new Headers().has()",
  "new Headers().delete()",
  "Headers()",
  "Headers.prototype.get.call({}, 'a')",
  "[Headers.name, Headers.length]",
  "Object.prototype.toString.call(new Headers())",
  "[...Object.keys(Headers.prototype)].sort()",
  "(() => { const h = new Headers([['set-cookie', 'a=1'], ['x', 'y'], ['Set-Cookie', 'b=2']]); return [h.getSetCookie(), h.get('set-cookie'), [...h]]; })()",
  "new Headers().getSetCookie()",
  "(() => { const h = new Headers({ b: '2', a: '1' }); const seen = []; for (const [k] of h) { seen.push(k); if (k === 'a') h.append('c', '3'); } return seen; })()",
  "(() => { const seen = []; new Headers({ b: '2', a: '1' }).forEach((v, k, h) => seen.push(v, k, h instanceof Headers)); return seen; })()",
  "[[...new Headers({ b: '2', a: '1' }).keys()], [...new Headers({ b: '2', a: '1' }).values()]]",
  "new Headers().forEach()",
  "Object.prototype.toString.call(new Headers().entries())",
  "Headers.prototype[Symbol.iterator] === Headers.prototype.entries",
];
export const HEADERS: Table = { api: "Headers", cases: [...new Set(headers)] };

const URLS = [
  "'http://x/'",
  "'http://x/a b?q#f'",
  "'relative'",
  "''",
  "'http://u:p@x/'",
  "new URL('https://y/')",
  "'data:text/plain,x'",
  "null",
  "undefined",
  "Symbol()",
  "{ toString: () => 'http://o/' }",
];
const REQUESTS = [
  "",
  "{}",
  "null",
  "5",
  "{ method: 'get' }",
  "{ method: 'post' }",
  "{ method: 'patch' }",
  "{ method: 'PATCH' }",
  "{ method: 'CONNECT' }",
  "{ method: 'trace' }",
  "{ method: 'a b' }",
  "{ method: '' }",
  "{ method: 'POST', body: 'text' }",
  "{ method: 'GET', body: 'text' }",
  "{ method: 'HEAD', body: '' }",
  "{ body: 'x' }",
  "{ headers: { a: 'b' } }",
  "{ headers: [['a']] }",
  "{ redirect: 'manual' }",
  "{ redirect: 'nope' }",
  "{ credentials: 'omit' }",
  "{ credentials: 'nope' }",
  "{ cache: 'no-store' }",
  "{ mode: 'cors' }",
  "{ mode: 'navigate' }",
  "{ mode: 'nope' }",
  "{ referrer: '' }",
  "{ integrity: 'sha256-x' }",
  "{ keepalive: true }",
  "{ window: 5 }",
  "{ window: null }",
  "{ signal: 5 }",
  "{ signal: AbortSignal.abort('r') }",
  "{ duplex: 'full' }",
  "{ method: 'POST', body: new ReadableStream(), duplex: 'half' }",
  "{ method: 'POST', body: new ReadableStream() }",
  "{ referrerPolicy: 'no-referrer' }",
  "{ referrerPolicy: 'nope' }",
];
const BODIES = [
  "undefined",
  "null",
  "'text'",
  "'ü€😀'",
  "''",
  "5",
  "{}",
  "new Uint8Array([1, 2, 255])",
  "new Uint8Array([1, 2, 3]).buffer",
  "new DataView(new ArrayBuffer(4), 1, 2)",
  "new Blob(['blob'], { type: 'text/x' })",
  "new Blob(['blob'])",
  "new File(['file'], 'n', { type: 'a/b' })",
  "new URLSearchParams('a=b c')",
  "new String('boxed')",
  "Symbol()",
  "'\\ud800'",
  "new ReadableStream({ start(c) { c.enqueue(new Uint8Array([104, 105])); c.close(); } })",
  "new ReadableStream({ start(c) { c.enqueue('not bytes'); c.close(); } })",
  "new ReadableStream({ start(c) { c.error(new RangeError()); } })",
];
const READERS = ["text", "json", "arrayBuffer", "bytes", "blob", "formData"];
const request = [
  ...URLS.flatMap((url) => REQUESTS.slice(0, 8).map((init) => `new Request(${url}${init === "" ? "" : `, ${init}`})`)),
  ...REQUESTS.flatMap((init) => [
    `(() => { const r = new Request('http://x/'${init === "" ? "" : `, ${init}`}); return [r, r.headers, r.signal.aborted, r.body === null, r.duplex]; })()`,
    `(() => { const r = new Request(new Request('http://x/', { method: 'POST', body: 'b', headers: { h: '1' } })${init === "" ? "" : `, ${init}`}); return [r, r.headers]; })()`,
  ]),
  ...BODIES.map(
    (body) =>
      `(() => { const r = new Request('http://x/', { method: 'POST', body: ${body}, duplex: 'half' }); return [r.headers.get('content-type'), r.body === null, r.bodyUsed]; })()`,
  ),
  ...["undefined", "'text'", "'{\"a\":1}'", "new Uint8Array([255])", "new URLSearchParams('a=1&b=2')"].flatMap((body) =>
    READERS.map((reader) => `await new Request('http://x/', { method: 'POST', body: ${body} }).${reader}()`),
  ),
  "await (async () => { const r = new Request('http://x/', { method: 'POST', body: 'b' }); const c = r.clone(); return [await r.text(), await c.text(), r.bodyUsed, c.bodyUsed]; })()",
  "await (async () => { const r = new Request('http://x/', { method: 'POST', body: 'b' }); await r.text(); return r.clone(); })()",
  "await (async () => { const r = new Request('http://x/', { method: 'POST', body: 'b' }); await r.text(); return new Request(r); })()",
  "await (async () => { const r = new Request('http://x/', { method: 'POST', body: 'b' }); const n = new Request(r); return [r.bodyUsed, n.bodyUsed, await n.text()]; })()",
  "await (async () => { const c = new AbortController(); const r = new Request('http://x/', { signal: c.signal }); const s = r.clone(); c.abort('why'); return [r.signal, s.signal, r.signal === c.signal]; })()",
  "Request()",
  "new Request()",
  "[Request.name, Request.length]",
  "Object.prototype.toString.call(new Request('http://x'))",
  "Request.prototype.url",
  "Request.prototype.text.call({})",
  "await (async () => { const r = new Request('http://x/', { method: 'POST', body: 'b' }); await r.text(); return r.text(); })()",
  "(() => { const r = new Request('http://x/'); r.headers.set('a', 'b'); r.headers.set('host', 'h'); return r.headers; })()",
  "(() => { 'use strict'; new Request('http://x/').url = 'y'; })()",
];
export const REQUEST: Table = { api: "Request", cases: [...new Set(request)] };

const RESPONSES = [
  "",
  "undefined",
  "null",
  "{}",
  "5",
  "{ status: 200 }",
  "{ status: 199 }",
  "{ status: 600 }",
  "{ status: 101 }",
  "{ status: 204 }",
  "{ status: 304 }",
  "{ status: '404' }",
  "{ status: NaN }",
  "{ status: -1 }",
  "{ status: 200.9 }",
  "{ statusText: 'Fine' }",
  "{ statusText: 'a\\nb' }",
  "{ statusText: 'ü' }",
  "{ statusText: '\\u0100' }",
  "{ headers: { a: 'b' } }",
  "{ headers: 5 }",
  "{ headers: { 'content-type': 'x/y' } }",
];
const response = [
  ...RESPONSES.flatMap((init) =>
    ["null", "'body'"].map(
      (body) =>
        `(() => { const r = new Response(${body}${init === "" ? "" : `, ${init}`}); return [r, r.headers, r.body === null]; })()`,
    ),
  ),
  ...BODIES.map(
    (body) =>
      `(() => { const r = new Response(${body}); return [r.headers.get('content-type'), r.body === null, r.bodyUsed]; })()`,
  ),
  ...BODIES.flatMap((body) => READERS.map((reader) => `await new Response(${body}).${reader}()`)),
  ...["'{\"a\":[1,2]}'", "'nope'", "''", "'\\ufeff{}'", "'1'", "'null'"].map(
    (body) => `await new Response(${body}).json()`,
  ),
  ...["'http://x/'", "'relative'", "'/abs'", "new URL('http://u')", "''", "'http://ü/'"].flatMap((url) =>
    ["", ", 301", ", 302", ", 307", ", 308", ", 200", ", 299", ", 'x'"].map(
      (status) => `(() => { const r = Response.redirect(${url}${status}); return [r, r.headers.get('location')]; })()`,
    ),
  ),
  ...[
    "{ a: 1 }",
    "undefined",
    "null",
    "'s'",
    "() => {}",
    "1n",
    "(() => { const o = {}; o.o = o; return o; })()",
    "{ toJSON() { return 5; } }",
  ].flatMap((data) =>
    [
      "",
      ", { status: 201 }",
      ", { status: 204 }",
      ", { headers: { 'content-type': 'x/y' } }",
      ", { headers: { a: 'b' } }",
    ].map(
      (init) =>
        `await (async () => { const r = Response.json(${data}${init}); return [r, r.headers, await r.text()]; })()`,
    ),
  ),
  "(() => { const r = Response.error(); return [r, r.headers, r.body]; })()",
  "Response.error().headers.append('a', 'b')",
  "Response.redirect()",
  "Response.json()",
  "Response()",
  "[Response.name, Response.length]",
  "Object.prototype.toString.call(new Response())",
  "Response.prototype.status",
  "Response.prototype.text.call({})",
  "await (async () => { const r = new Response('b'); await r.text(); return r.text(); })()",
  "await (async () => { const r = new Response('b'); await r.text(); return r.clone(); })()",
  "await (async () => { const r = new Response('b'); const c = r.clone(); return [await r.text(), await c.text()]; })()",
  "await (async () => { const r = new Response('b'); const reader = r.body.getReader(); return r.text(); })()",
  "await (async () => { const r = new Response('b'); const reader = r.body.getReader(); return r.clone(); })()",
  "await (async () => { const r = new Response('ab'); const reader = r.body.getReader(); const { value, done } = await reader.read(); return [value, done, await reader.read(), r.bodyUsed]; })()",
  "await (async () => { const r = new Response('b'); await r.body.cancel(); return [r.bodyUsed]; })()",
  "await (async () => { let n = 0; for await (const c of new Response('abc').body) n += c.length; return n; })()",
  "await (async () => { const r = new Response(new ReadableStream({ start(c) { c.enqueue(new Uint8Array([97])); c.enqueue(new Uint8Array([98])); c.close(); } })); const c = r.clone(); return [await r.text(), await c.text()]; })()",
  ...["a=1&b=2&a=3", "a=%zz&%ff=+", "", "=&&=x"].map(
    (text) =>
      `await new Response(${quote(text)}, { headers: { 'content-type': 'application/x-www-form-urlencoded' } }).formData()`,
  ),
  ...["text/plain", "multipart/form-data", "application/x-www-form-urlencoded; charset=x", ""].map(
    (type) => `await new Response('a=1', { headers: { 'content-type': ${quote(type)} } }).formData()`,
  ),
  ...["text/plain;charset=x", "TEXT/HTML", "", "bad", 'a/b; c="d"', "application/json"].map(
    (type) => `(await new Response('b', { headers: { 'content-type': ${quote(type)} } }).blob()).type`,
  ),
];
export const RESPONSE: Table = { api: "Response", cases: [...new Set(response)] };

const PARTS = [
  "undefined",
  "[]",
  "['a', 'ü', '😀']",
  "['\\ud800']",
  "[1, null, undefined, {}]",
  "[new Uint8Array([1, 2]), new ArrayBuffer(2)]",
  "[new Blob(['in']), 'side']",
  "new Set(['s'])",
  "'text'",
  "null",
  "5",
  "{}",
  "[Symbol()]",
  "[new DataView(new ArrayBuffer(3), 1)]",
  "[new Uint8Array([1, 2, 3, 4]).subarray(1, 3)]",
  "['a\\r\\nb\\nc']",
];
const TYPES = [
  "",
  ", {}",
  ", null",
  ", { type: 'TEXT/Plain' }",
  ", { type: 'ü' }",
  ", { type: '\\u0000' }",
  ", { type: null }",
  ", { endings: 'native' }",
  ", { endings: 'transparent' }",
  ", { endings: 'nope' }",
  ", 5",
  ", { type: { toString: () => 'a/b' } }",
];
const SLICES = [
  "",
  "0",
  "1",
  "-1",
  "0, 2",
  "1, -1",
  "3, 1",
  "-2, -1",
  "0, 100",
  "undefined, 2",
  "0, 2, 'T/Y'",
  "0, 2, '\\u0100'",
  "null, null",
];
const blob = [
  ...PARTS.flatMap((parts) =>
    TYPES.map(
      (type) =>
        `await (async () => { const b = new Blob(${parts}${type}); return [b, await b.bytes?.() ?? new Uint8Array(await b.arrayBuffer())]; })()`,
    ),
  ),
  ...SLICES.map(
    (slice) =>
      `await (async () => { const b = new Blob(['abc', 'def'], { type: 'x/y' }).slice(${slice}); return [b, await b.text()]; })()`,
  ),
  ...["'n'", "'a/b\\\\c'", "''", "5", "'\\ud800'", "Symbol()"].flatMap((name) =>
    [
      "",
      ", {}",
      ", { lastModified: 5 }",
      ", { lastModified: -1.9 }",
      ", { lastModified: NaN }",
      ", { lastModified: new Date(7) }",
      ", { type: 'A/B', lastModified: 1 }",
    ].map(
      (options) =>
        `(() => { const f = new File(['x'], ${name}${options}); return [f.name, f.size, f.type, ${options.includes("lastModified") ? "f.lastModified" : "typeof f.lastModified"}]; })()`,
    ),
  ),
  "new File()",
  "new File(['a'])",
  "new Blob().size",
  "Blob()",
  "new Blob([], {}).type",
  "[Blob.name, Blob.length, File.name, File.length]",
  "Object.prototype.toString.call(new Blob())",
  "Object.prototype.toString.call(new File([], ''))",
  "Blob.prototype.size",
  "new File([], '') instanceof Blob",
  "await new Blob(['é']).text()",
  "await new Blob([new Uint8Array([0xff, 0xfe])]).text()",
  "await new Blob(['\\ufeffx']).text()",
  "await new Blob(['abc']).arrayBuffer()",
  "await (async () => { const all = []; for await (const c of new Blob(['ab', 'cd']).stream()) all.push(...c); return all; })()",
  "[...Object.keys(Blob.prototype)].sort().filter((k) => !['bytes', 'textStream'].includes(k))",
  "new File(['a'], 'n').slice(0, 1).constructor.name",
];
const sliced = (slice: string): string =>
  `await (async () => { const b = new Blob(['abc', 'def'], { type: 'x/y' }).slice(${slice}); return [b, await b.text()]; })()`;
const clamped = ruled(
  "File API, 3.3.1, and Web IDL, [Clamp] (Node 20 aborts)",
  [sliced("NaN"), `[Blob {size: 6, type: ""},"abcdef"]`],
  [sliced("Infinity"), `[Blob {size: 0, type: ""},""]`],
  [sliced("-Infinity"), `[Blob {size: 6, type: ""},"abcdef"]`],
  [sliced("1.9, 3.9"), `[Blob {size: 2, type: ""},"cd"]`],
  [sliced("0.5, 2.5"), `[Blob {size: 2, type: ""},"ab"]`],
  [sliced("'1', '3'"), `[Blob {size: 2, type: ""},"bc"]`],
);
const NAMED = { "'n'": `"n"`, "'a/b\\\\c'": `"a/b\\\\c"`, "''": `""`, "5": `"5"`, "'\\ud800'": `"\\ufffd"` };
const truncated = ruled(
  "File API, 4.1, and Web IDL, 3.2.4.7: lastModified is a whole number",
  ...Object.entries(NAMED).map(
    ([name, shown]) =>
      [
        `(() => { const f = new File(['x'], ${name}, { lastModified: -1.9 }); return [f.name, f.size, f.type, f.lastModified]; })()`,
        `[${shown},1,"",-1]`,
      ] as const,
  ),
);
export const BLOB: Table = {
  api: "Blob, File",
  cases: [...new Set([...blob, ...Object.keys(clamped), ...Object.keys(truncated)])],
  rulings: { ...clamped, ...truncated },
};

const FIELDS = [
  "'a', 'b'",
  "'a', 5",
  "'a', null",
  "'a', undefined",
  "'a', {}",
  "'a', new Blob(['x'], { type: 't/y' })",
  "'a', new Blob(['x']), 'name.txt'",
  "'a', new File(['x'], 'f.txt', { lastModified: 1 })",
  "'a', new File(['x'], 'f.txt', { lastModified: 1 }), 'other'",
  "'a', 'text', 'name'",
  "'a', {}, 'name'",
  "'a'",
  "",
  "'\\ud800', '\\udc00'",
  "'', ''",
  "'a\\r\\nb', 'c\\nd'",
  "Symbol(), 'x'",
];
const form = [
  ...FIELDS.flatMap((fields) =>
    ["append", "set"].map(
      (method) =>
        `(() => { const f = new FormData(); f.append('a', 'first'); f.append('z', 'z'); f.${method}(${fields}); return [...f].map(([k, v]) => [k, typeof v === 'string' ? v : [v.name, v.size, v.type, v.constructor.name]]); })()`,
    ),
  ),
  ...["get", "getAll", "has", "delete"].flatMap((method) =>
    ["'a'", "'missing'", "", "undefined", "Symbol()"].map(
      (name) =>
        `(() => { const f = new FormData(); f.append('a', '1'); f.append('a', '2'); f.append('b', '3'); const r = f.${method}(${name}); return [r, [...f.keys()]]; })()`,
    ),
  ),
  ...FIELDS.slice(0, 11).map(
    (fields) =>
      `await (async () => { const f = new FormData(); f.append(${fields}); const r = new Response(f); const back = await r.formData(); const out = []; for (const [k, v] of back) out.push(k, typeof v === 'string' ? v : [v.name, v.type, await v.text()]); return [/^multipart\\/form-data; ?boundary=.+/.test(r.headers.get('content-type')), out]; })()`,
  ),
  "new FormData(5)",
  "new FormData({})",
  "new FormData(undefined)",
  "FormData()",
  "[FormData.name, FormData.length]",
  "Object.prototype.toString.call(new FormData())",
  "(() => { const f = new FormData(); f.append('a', '1'); const seen = []; f.forEach((v, k, all) => seen.push(v, k, all === f)); return seen; })()",
  "FormData.prototype[Symbol.iterator] === FormData.prototype.entries",
  "[...Object.keys(FormData.prototype)].sort()",
  "FormData.prototype.get.call({}, 'a')",
  "Object.prototype.toString.call(new FormData().keys())",
  "(() => { const f = new FormData(); f.append('a', '1'); f.append('b', '2'); const seen = []; for (const [k] of f) { seen.push(k); if (k === 'a') f.delete('b'); } return seen; })()",
];
export const FORM: Table = {
  api: "FormData",
  cases: [...new Set(form)],
  rulings: ruled("XMLHttpRequest, 5: both arguments of the constructor are optional", [
    "[FormData.name, FormData.length]",
    `["FormData",0]`,
  ]),
};
