/** `FormData` against Node's, and forms as bodies: what is written here Node reads, what Node writes is read here. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { FORM_ENTRIES_MAX, FORM_HEADER_MAX_BYTES } from "../../src/limits.ts";
import { withNode } from "../node/bench-node.ts";
import { BareEngine } from "./bare-engine.ts";
import { type Cases, compareUnderStress, compareWithNode } from "./oracle.ts";

const SHOW = `const show = (form) => [...form].map(([name, value]) => typeof value === "string" ? [name, value] : [name, value.constructor.name, value.name, value.type, value.size]);`;
const CASES: Cases = {
  "append, set, get, getAll, has, delete": `${SHOW} const f = new FormData(); f.append("a", "1"); f.append("b", 2); f.append("a", null); f.append("c", undefined); const out = [f.get("a"), f.getAll("a"), f.get("z"), f.getAll("z"), f.has("b"), f.has("z")];
    f.set("a", "new"); f.set("d", "4"); f.delete("b"); f.delete("z"); return [out, show(f)];`,
  "set takes the first one's place": `${SHOW} const f = new FormData(); for (const n of ["a", "b", "a", "c", "a"]) f.append(n, n + [...f].length); f.set("a", "x"); return show(f);`,
  "blobs become files": `${SHOW} const f = new FormData(); f.append("a", new Blob(["x"], { type: "t/y" })); f.append("b", new Blob(["xy"]), "name.txt"); f.append("c", new File(["z"], "own", { type: "q/r", lastModified: 7 })); f.append("d", new File(["z"], "own", { lastModified: 7 }), "other"); f.set("g", new Blob(["g"]), "s\\ud800t"); return [show(f), f.get("c").lastModified, f.get("d").lastModified, await f.get("a").text()];`,
  "a file is kept as it is": `const f = new FormData(); const file = new File(["z"], "own"); f.append("a", file); return f.get("a") === file;`,
  "names and values are well-formed text": `${SHOW} const f = new FormData(); f.append("\\ud83d", "\\ude00x"); f.append({ toString: () => "obj" }, [1, 2]); f.append("line\\nbreak", "a\\r\\nb\\rc"); return [show(f), f.has("\\ufffd")];`,
  "what makes no sense": `const f = new FormData(); const out = []; for (const act of [() => f.append("a"), () => f.append(), () => f.append("a", "text", "name"), () => f.set("a", {}, "name"), () => f.get(), () => f.getAll(), () => f.has(), () => f.delete(), () => f.forEach(), () => f.forEach(5), () => f.append(Symbol(), "x"), () => f.append("x", Symbol()), () => new FormData({}), () => new FormData(null), () => FormData(), () => FormData.prototype.get.call({}, "a"), () => FormData.prototype.entries.call({}), () => new FormData(undefined)]) { try { act(); out.push("ok"); } catch (e) { out.push(e.name); } } return out;`,
  "iteration sees changes": `const f = new FormData(); f.append("a", "1"); f.append("b", "2"); const seen = []; for (const [name] of f) { seen.push(name); if (name === "a") { f.delete("a"); f.append("c", "3"); } if (seen.length > 5) break; } return [seen, [...f.keys()], [...f.values()], [...f.entries()]];`,
  forEach: `const f = new FormData(); f.append("a", "1"); const seen = []; const receiver = {}; f.forEach(function (value, name, form) { seen.push(value, name, form === f, this === receiver); }, receiver); return seen;`,
  "its shape": `const f = new FormData(); const it = f.entries(); return [Object.prototype.toString.call(f), Object.prototype.toString.call(it), typeof it[Symbol.iterator], it[Symbol.iterator]() === it, Object.keys(FormData.prototype).sort(), f[Symbol.iterator] === f.entries, f.append.length, f.entries.length];`,
};

const NO_NAME = {
  "a name left out": `const f = new FormData(); f.append("a", new Blob(), undefined); return f.get("a").name;`,
};

/** Node 20 calls that file "undefined". */
describe("FormData", () => compareWithNode({ ...CASES, ...NO_NAME }, { "a name left out": "blob" }));

let engine: BareEngine;
before(async () => {
  engine = await BareEngine.create();
  engine.run(`globalThis.shown = async (form) => Promise.all([...form].map(async ([name, value]) => typeof value === "string" ? [name, value] : [name, value.name, value.type, [...await value.bytes()]]));
    globalThis.parse = (bytes, type) => shown(__godwit.core.part("form").parseForm(new Uint8Array(bytes), type)).catch((e) => e.name);
    globalThis.encode = (entries) => { const form = new FormData(); for (const [name, value, ...file] of entries) { if (file.length === 0) form.append(name, value); else form.append(name, new File([new Uint8Array(file[1])], value, { type: file[0] })); } return form; };`);
});
after(() => engine.dispose());

type Shown = [name: string, value: string] | [name: string, filename: string, type: string, bytes: number[]];

/** What is read of a body here; the error's name when it is malformed. */
function parsed(body: string | readonly number[] | Uint8Array, type: string): readonly Shown[] | string {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : Uint8Array.from(body);
  engine.run(
    `globalThis.outcome = "never settled"; (async () => { try { outcome = await parse([${bytes.join()}], ${JSON.stringify(type)}); } catch (e) { outcome = e.name; } })()`,
  );
  return engine.evaluate("outcome") as readonly Shown[] | string;
}

/** A form as it is written here. */
function encoded(entries: readonly Shown[]): { bytes: number[]; contentType: string } {
  engine.run(`globalThis.outcome = null; (async () => {
    const { body, contentType } = __godwit.core.part("form").encodeForm(encode(${JSON.stringify(entries)}));
    outcome = { bytes: [...await body.bytes()], contentType };
  })()`);
  return engine.evaluate("outcome") as { bytes: number[]; contentType: string };
}

async function inNode(form: Awaited<ReturnType<Response["formData"]>>): Promise<Shown[]> {
  return Promise.all(
    [...form].map(async ([name, value]): Promise<Shown> => {
      if (typeof value === "string") return [name, value];
      return [name, value.name, value.type, [...new Uint8Array(await value.arrayBuffer())]];
    }),
  );
}

/** An escape that was one before it was written cannot be told from one that was not. */
const text = fc
  .string({
    unit: fc.constantFrom("a", "é", "😀", '"', "\\", "\r", "\n", "%", "2", ";", "=", "-", " ", "\0", "\ufeff"),
    maxLength: 8,
  })
  .filter((text) => !text.includes("%22"));
const bytes = fc.array(fc.oneof(fc.nat(255), fc.constantFrom(13, 10, 45)), { maxLength: 12 });
const entry: fc.Arbitrary<Shown> = fc.oneof(
  fc.tuple(text, text),
  fc.tuple(text, text, fc.constantFrom("", "text/plain", "image/png;x=y"), bytes),
);
const withCrlf = (text: string): string => text.replace(/\r\n?|\n/g, "\r\n");
/** What HTML's encoding makes of line breaks, and of the type of what has none. */
function sent(each: Shown): Shown {
  if (each.length === 2) return [withCrlf(each[0]), withCrlf(each[1])];
  return [withCrlf(each[0]), each[1], each[2] === "" ? "application/octet-stream" : each[2], each[3]];
}

test("what is written here is read here: names, values, files, bytes", () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 5 }), (entries) => {
      const { bytes, contentType } = encoded(entries);
      assert.deepEqual(parsed(bytes, contentType), entries.map(sent));
    }),
    { numRuns: 300 },
  );
});

test("what is written here, Node reads", async () => {
  // Node decodes a byte order mark away, and takes no file without a name for one.
  const plain = entry.filter((each) => !JSON.stringify(each).includes("\ufeff") && each[1] !== "");
  await fc.assert(
    fc.asyncProperty(fc.array(plain, { minLength: 1, maxLength: 5 }), async (entries) => {
      const { bytes, contentType } = encoded(entries);
      const response = new Response(Uint8Array.from(bytes), { headers: { "content-type": contentType } });
      assert.deepEqual(await inNode(await response.formData()), entries.map(sent));
    }),
    { numRuns: 200 },
  );
});

test("what Node writes is read here", async () => {
  const named = entry.filter((each) => each[1] !== "");
  await fc.assert(
    fc.asyncProperty(fc.array(named, { maxLength: 5 }), async (entries) => {
      const form = new FormData();
      for (const each of entries) {
        if (each.length === 2) form.append(...each);
        else form.append(each[0], new File([Uint8Array.from(each[3])], each[1], { type: each[2] }));
      }
      const response = new Response(form);
      const type = response.headers.get("content-type") ?? "";
      assert.deepEqual(parsed(new Uint8Array(await response.arrayBuffer()), type), entries.map(sent));
    }),
    { numRuns: 200 },
  );
});

const TYPE = "multipart/form-data; boundary=B";
const part = (head: string, body: string): string => `--B\r\n${head}\r\n\r\n${body}\r\n`;
const FIELD = 'Content-Disposition: form-data; name="a"';
const END = "--B--\r\n";
const file = (name: string, type: string, body: string): Shown => ["a", name, type, [...Buffer.from(body)]];

describe("a multipart body", () => {
  const good: readonly (readonly [what: string, body: string, expected: readonly Shown[], type?: string])[] = [
    ["of one part", part(FIELD, "x") + END, [["a", "x"]]],
    ["of none", END, []],
    ["without its last line break", `${part(FIELD, "x")}--B--`, [["a", "x"]]],
    ["with line breaks around it", `\r\n\r\n${part(FIELD, "x")}${END}\r\n`, [["a", "x"]]],
    ["with an empty part", part(FIELD, "") + END, [["a", ""]]],
    ["whose part has no line of its own", `--B\r\n${FIELD}\r\n\r\n--B--\r\n`, [["a", ""]]],
    [
      "with something like its boundary inside",
      part(FIELD, "x--B\r\n-B\r\n--b--") + END,
      [["a", "x--B\r\n-B\r\n--b--"]],
    ],
    [
      "with headers in any case and room",
      part('content-DISPOSITION :\t form-data ; NAME="a"\t', "x") + END,
      [["a", "x"]],
    ],
    [
      "with further headers",
      part(`X-More: 1\r\n${FIELD}\r\nContent-Transfer-Encoding: binary`, "x") + END,
      [["a", "x"]],
    ],
    [
      "with a file",
      part(`${FIELD}; filename="f.txt"\r\nContent-Type: text/html`, "<p>") + END,
      [file("f.txt", "text/html", "<p>")],
    ],
    ["with a file of no type", part(`${FIELD}; filename="f"`, "x") + END, [file("f", "text/plain", "x")]],
    ["with a file of no name", part(`${FIELD}; filename=""`, "x") + END, [file("", "text/plain", "x")]],
    [
      "with escapes in names",
      part('Content-Disposition: form-data; name="%22%0D%0a%41\\"; filename="a%22.txt"', "x") + END,
      [['"\r\n%41\\', 'a".txt', "text/plain", [120]]],
    ],
    [
      "with names without quotes",
      part("Content-Disposition: form-data; name=a; filename=b.txt", "x") + END,
      [file("b.txt", "text/plain", "x")],
    ],
    [
      "with an extended name of a file",
      part(`${FIELD}; filename="old"; filename*=UTF-8''%e2%82%ac%20rates`, "x") + END,
      [file("€ rates", "text/plain", "x")],
    ],
    ["with names in UTF-8", part('Content-Disposition: form-data; name="ü😀"', "€") + END, [["ü😀", "€"]]],
    ["with a byte order mark", part(FIELD, "\ufeffx") + END, [["a", "\ufeffx"]]],
    [
      "with a name that objects have",
      part('Content-Disposition: form-data; name="__proto__"', "x") + END,
      [["__proto__", "x"]],
    ],
    [
      "with a boundary in quotes",
      part(FIELD, "x").replaceAll("--B", "--B c;d") + "--B c;d--",
      [["a", "x"]],
      'Multipart/Form-Data; charset=utf-8; Boundary="B c;d"',
    ],
  ];
  for (const [what, body, expected, type = TYPE] of good) {
    test(`${what} is read`, () => assert.deepEqual(parsed(body, type), expected));
  }

  const bad: readonly (readonly [what: string, body: string, type?: string])[] = [
    ["that is empty", ""],
    ["without a boundary in its type", part(FIELD, "x") + END, "multipart/form-data"],
    ["with an empty boundary", part(FIELD, "x") + END, 'multipart/form-data; boundary=""'],
    ["with a boundary that is too long", part(FIELD, "x") + END, `multipart/form-data; boundary=${"b".repeat(71)}`],
    ["with another boundary", part(FIELD, "x") + END, "multipart/form-data; boundary=C"],
    ["with something before it", `preamble\r\n${part(FIELD, "x")}${END}`],
    ["with something behind it", `${part(FIELD, "x")}${END}epilogue`],
    ["that has no end", part(FIELD, "x")],
    ["that has half an end", `${part(FIELD, "x")}--B-`],
    ["that ends in a head", `--B\r\n${FIELD}\r\n`],
    ["that ends in a part", `--B\r\n${FIELD}\r\n\r\nx`],
    ["that ends behind a boundary", "--B\r\n"],
    ["with a boundary that goes on", `--Bx\r\n${FIELD}\r\n\r\nx\r\n${END}`],
    ["with line feeds alone", (part(FIELD, "x") + END).replaceAll("\r\n", "\n")],
    ["whose part has no name", part("Content-Disposition: form-data", "x") + END],
    ["whose part has no disposition", part("Content-Type: text/plain", "x") + END],
    ["whose part has no head", `--B\r\n\r\nx\r\n${END}`],
    ["whose part is no form data", part('Content-Disposition: attachment; name="a"', "x") + END],
    ["with a header without a colon", part(`${FIELD}\r\nnonsense`, "x") + END],
    ["with a header whose name is none", part(`${FIELD}\r\nä b: x`, "x") + END],
    ["with a name that is not closed", part('Content-Disposition: form-data; name="a', "x") + END],
    ["with something behind a name", part(`${FIELD}b`, "x") + END],
    ["with an extended name that cannot be read", part(`${FIELD}; filename*=UTF-8''%ff`, "x") + END],
    ["with an extended name in another character set", part(`${FIELD}; filename*=latin1''a`, "x") + END],
    ["whose headers are too long", part(`${FIELD}\r\nX: ${"x".repeat(FORM_HEADER_MAX_BYTES)}`, "x") + END],
    ["of another type", part(FIELD, "x") + END, "text/plain; boundary=B"],
    ["of no type", part(FIELD, "x") + END, ""],
  ];
  for (const [what, body, type = TYPE] of bad) {
    test(`${what} is a TypeError`, () => assert.equal(parsed(body, type), "TypeError"));
  }

  test("bytes that are no UTF-8 become U+FFFD in texts, and stay in files", () => {
    const body = [
      ...Buffer.from(`--B\r\n${FIELD}\r\n\r\n`),
      0xff,
      ...Buffer.from(`\r\n--B\r\n${FIELD}; filename="`),
      0xfe,
      ...Buffer.from(`"\r\n\r\n`),
      0xff,
      ...Buffer.from(`\r\n${END}`),
    ];
    assert.deepEqual(parsed(body, TYPE), [
      ["a", "\ufffd"],
      ["a", "\ufffd", "text/plain", [0xff]],
    ]);
  });

  test("any change of a byte ends in entries or in a TypeError", () => {
    const body = [
      ...Buffer.from(part(FIELD, "text") + part(`${FIELD}; filename="f"\r\nContent-Type: a/b`, "file") + END),
    ];
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.nat(255), fc.constantFrom(0, 1), (at, byte, drop) => {
        const result = parsed(body.toSpliced(at, drop, byte), TYPE);
        assert.ok(result === "TypeError" || (Array.isArray(result) && result.length <= 2), JSON.stringify(result));
      }),
      { numRuns: 500 },
    );
  });
});

/** Polls of the engine that an expression takes: its work, on any machine. */
function polls(expression: string): number {
  engine.polls = 0;
  assert.equal(engine.evaluate(expression), "TypeError");
  return engine.polls;
}

test("the work of a hostile body is in the order of its length", () => {
  engine.run(
    `globalThis.attempt = (text, type) => { try { return __godwit.core.part("form").parseForm(new TextEncoder().encode(text), type).constructor.name; } catch (e) { return e.name; } };`,
  );
  const hostile = (n: number): string[] => [
    `attempt("--" + "-".repeat(69) + "\\r\\n${FIELD.replaceAll('"', '\\"')}\\r\\n\\r\\n" + "\\r\\n--".repeat(${n}), "multipart/form-data; boundary=" + "-".repeat(69))`,
    `attempt("--B\\r\\n${FIELD.replaceAll('"', '\\"')}\\r\\n\\r\\n" + "\\r\\n--".repeat(${n}), "${TYPE}")`,
    `attempt("--B\\r\\nX:" + " ".repeat(${Math.min(n, 15_000)}) + "\\x01\\r\\n\\r\\n", "${TYPE}")`,
    `attempt("--B\\r\\nContent-Disposition: form-data" + ";".repeat(${Math.min(n, 15_000)}) + "\\r\\n\\r\\n", "${TYPE}")`,
  ];
  for (const [index, small] of hostile(2_000).entries()) {
    const large = hostile(20_000)[index] ?? "";
    assert.ok(polls(large) <= 12 * polls(small) + 20, large.slice(0, 120));
  }
});

test("there is an end to the entries of a form", () => {
  const code = (count: number, body: string, type: string): string =>
    `(() => { try { return [...__godwit.core.part("form").parseForm(new TextEncoder().encode(${body.replace("COUNT", String(count))}), "${type}")].length; } catch (e) { return e.name; } })()`;
  const multipart = `"--B\\r\\nContent-Disposition: form-data; name=a\\r\\n\\r\\nx\\r\\n".repeat(COUNT) + "--B--"`;
  const urlencoded = `"a=b&".repeat(COUNT)`;
  for (const [body, type] of [
    [multipart, TYPE],
    [urlencoded, "application/x-www-form-urlencoded"],
  ] as const) {
    assert.equal(engine.evaluate(code(FORM_ENTRIES_MAX, body, type)), FORM_ENTRIES_MAX);
    assert.equal(engine.evaluate(code(FORM_ENTRIES_MAX + 1, body, type)), "TypeError");
  }
});

test("a URL-encoded body is read", () => {
  const type = "application/x-www-form-urlencoded;charset=UTF-8";
  assert.deepEqual(parsed("a=1&b=%C3%BC+x&a=&&=v&c", type), [
    ["a", "1"],
    ["b", "ü x"],
    ["a", ""],
    ["", "v"],
    ["c", ""],
  ]);
  assert.deepEqual(parsed("?a=1&%ff=%zz", type), [
    ["?a", "1"],
    ["\ufffd", "%zz"],
  ]);
  assert.deepEqual(parsed("", type), []);
  assert.deepEqual(parsed([0x61, 0x3d, 0xff], type), [["a", "\ufffd"]]);
});

test("a form shows itself as Node's do", () => {
  engine.run(
    `{ const f = new FormData(); f.append("a", "1"); f.append("b", new File(["x"], "n", { type: "t/x", lastModified: 5 })); f.append("a", "2"); console.log(f, new FormData()); }`,
  );
  assert.equal(
    engine.takeOutput(1),
    "FormData {\n  a: [ '1', '2' ],\n  b: File { size: 1, type: 't/x', name: 'n', lastModified: 5 }\n} FormData {}\n",
  );
});

await withNode({ lwps: 1 }, (t) => {
  test("forms under stress", { timeout: 300_000 }, () => {
    const both = `const godwit = globalThis.__godwit.core.part("form"); const f = new FormData(); f.append("a", "text\\n"); f.append('b"', new File(["bytes ü"], "f.txt", { type: "a/b" }));
      const { body, contentType } = godwit.encodeForm(f); const g = godwit.parseForm(await body.bytes(), contentType); return [g.get("a"), g.get('b"').name, await g.get('b"').text()];`;
    return compareUnderStress(t, { ...CASES, "written and read": both }, { every: 5, at: "call" });
  });
});
