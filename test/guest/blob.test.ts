/** `Blob` and `File` against Node's. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { withNode } from "../node/bench-node.ts";
import { BareEngine } from "./bare-engine.ts";
import { type Cases, compareUnderStress, compareWithNode } from "./oracle.ts";

const CASES: Cases = {
  "parts of every kind": `const b = new Blob(["aé😀", new Uint8Array([1, 2, 3]).subarray(1), new Uint16Array([0x4142]), new DataView(new Uint8Array([9, 8]).buffer, 1), new Uint8Array([5]).buffer, new Blob(["inner"]), 5, null, undefined, { toString: () => "obj" }, ""]);
    return [b.size, b.type, [...new Uint8Array(await b.arrayBuffer())], await b.text()];`,
  "lone surrogates": `return [...new Uint8Array(await new Blob(["\\ud83d", "\\ude00", "a\\ud800"]).arrayBuffer())];`,
  "nothing in it": `const out = []; for (const b of [new Blob(), new Blob([]), new Blob([""]), new Blob(undefined, {}), new Blob([], null), new Blob([], undefined)]) out.push(b.size, b.type, await b.text(), (await b.arrayBuffer()).byteLength); return out;`,
  types: `return ["Text/HTML", "", "a/b;c=\\u00e9", "x\\n", "\\u007f", "~ ", "text/plain;charset=UTF-8", 5, null].map((type) => new Blob([], { type }).type);`,
  "line endings": `return [await new Blob(["a\\r\\nb\\rc\\nd\\n\\re\\r"], { endings: "native" }).text(), await new Blob(["a\\r\\n"], { endings: "transparent" }).text()];`,
  "what is no list of parts": `const out = []; for (const make of [() => new Blob("text"), () => new Blob(5), () => new Blob(null), () => new Blob({}), () => new Blob([], 5), () => new Blob([], { endings: "x" }), () => new Blob([Symbol()]), () => Blob(), () => new Blob([], { type: Symbol() })]) { try { make(); out.push("ok"); } catch (e) { out.push(e.name); } } return out;`,
  "any iterable is one": `return [await new Blob((function* () { yield "a"; yield "b"; })()).text(), await new Blob(new Set(["x", "y"])).text(), await new Blob(new Uint8Array([7, 8])).text(), await new Blob(new String("st")).text()];`,
  "what it was made of may change": `const bytes = new Uint8Array([1, 2]); const b = new Blob([bytes, bytes.buffer]); bytes[0] = 9; const out = new Uint8Array(await b.arrayBuffer()); out[1] = 7; return [...new Uint8Array(await b.arrayBuffer())];`,
  "slices of slices": `const b = new Blob(["0123456789", "abcdef"]); const out = []; for (const [from, to] of [[0, 5], [5], [-3], [-6, -2], [8, 12], [4, 2], [100], [-100, 100], [undefined, undefined]]) { const s = b.slice(from, to); const again = s.slice(1, -1); out.push([s.size, await s.text(), await again.text()]); } return out;`,
  "positions that are no whole numbers": `const b = new Blob(["0123456789"]); return Promise.all([[null, null], [NaN, 3], ["2", "4"], [2.4, 4.6], [Infinity], [-Infinity, Infinity]].map((range) => b.slice(...range).text()));`,
  "the type of a slice": `const b = new Blob(["x"], { type: "a/b" }); return [b.slice().type, b.slice(0, 1, "C/D").type, b.slice(0, 1, "\\u00e9").type];`,
  "a byte order mark": `return [(await new Blob([new Uint8Array([0xef, 0xbb, 0xbf, 0x61])]).text()).length, await new Blob([new Uint8Array([0xff, 0x61])]).text()];`,
  "as a stream": `const b = new Blob(["a".repeat(100000), "b".repeat(70000), "c"]); let text = "", n = 0; for await (const chunk of b.stream()) { text += new TextDecoder().decode(chunk); n += chunk instanceof Uint8Array ? 0 : 1; } return [text.length, n, text === await b.text()];`,
  "as a stream of nothing": `return (await new Blob().stream().getReader().read());`,
  "as a stream that is cancelled": `const r = new Blob(["abc"]).stream().getReader(); await r.cancel(); return r.read();`,
  "into a buffer of one's own": `const reader = new Blob(["ab", "cde"]).stream().getReader({ mode: "byob" }); let text = ""; for (;;) { const { value, done } = await reader.read(new Uint8Array(2)); if (done) return [text, value.length]; text += new TextDecoder().decode(value); }`,
  "the wrong receiver": `const out = []; for (const act of [() => Blob.prototype.text.call({}), () => Blob.prototype.arrayBuffer.call({})]) out.push(await act().catch((e) => e.name)); for (const act of [() => Blob.prototype.slice.call({}), () => Blob.prototype.size, () => Blob.prototype.stream.call({})]) { try { act(); out.push("ok"); } catch (e) { out.push(e.name); } } return out;`,
  "a file": `const f = new File(["ab", "c"], "näme.txt", { type: "Text/Plain", lastModified: 1234 }); return [f.name, f.type, f.size, f.lastModified, await f.text(), f instanceof Blob, Object.prototype.toString.call(f), Object.prototype.toString.call(f.slice()), f.slice() instanceof File, Math.abs(new File([], "x").lastModified - Date.now()) < 5000];`,
  "names of files": `return ["", "a/b", "\\ud800", 5, null, undefined].map((name) => new File([], name).name);`,
  "dates of files": `return [5, "7", NaN, -1, new Date(9), null, true].map((lastModified) => new File([], "x", { lastModified }).lastModified);`,
  "what makes no file": `const out = []; for (const make of [() => new File(), () => new File([]), () => new File("x", "y"), () => new File([], "x", 5)]) { try { make(); out.push("ok"); } catch (e) { out.push(e.name); } } return out;`,
  "a clone": `const b = structuredClone(new Blob(["ab", "c"], { type: "t/x" })); return [b instanceof Blob, b.type, await b.text(), b.size];`,
  "clones among others": `const b = new Blob(["x"]); const { list, again } = structuredClone({ list: [b, b.slice(0, 0)], again: b }); return [list[0] === again, list[0] !== b, await again.text(), list[1].size];`,
};

/** Where Node stops at an assertion, and where it keeps lone carriage returns. */
const EXPECTED = {
  "positions that are no whole numbers": ["", "012", "23", "234", "", "0123456789"],
  "line endings": ["a\nb\nc\nd\n\ne\n", "a\r\n"],
};

describe("blobs and files", () => compareWithNode(CASES, EXPECTED));

let engine: BareEngine;
before(async () => {
  engine = await BareEngine.create();
});
after(() => engine.dispose());

test("what Node 20 has not: bytes(), clones of files", async () => {
  engine.run(`globalThis.out = []; (async () => {
    out.push([...await new Blob(["abc"]).bytes()]);
    const f = structuredClone(new File(["x", "yz"], "n", { type: "a/b", lastModified: 42 }));
    out.push(f instanceof File, f.name, f.type, f.lastModified, await f.text());
  })()`);
  assert.deepEqual(engine.evaluate("out"), [[97, 98, 99], true, "n", "a/b", 42, "xyz"]);
});

test("they show themselves as Node's do", () => {
  engine.run(
    `console.log(new Blob(["ab"], { type: "a/b" }), [new File(["x"], "n", { lastModified: 5 })], Object.keys(Blob.prototype).sort().join());`,
  );
  assert.equal(
    engine.takeOutput(1),
    "Blob { size: 2, type: 'a/b' } [ File { size: 1, type: '', name: 'n', lastModified: 5 } ] arrayBuffer,bytes,size,slice,stream,text,type\n",
  );
});

test("any parts and slices make what joining the bytes makes", async () => {
  const part = fc.oneof(
    fc.string({ unit: fc.constantFrom("a", "é", "😀", "\ud800", "\udc00", "\r", "\n"), maxLength: 5 }),
    fc.uint8Array({ maxLength: 6 }),
  );
  const cuts = fc.array(fc.tuple(fc.integer({ min: -12, max: 25 }), fc.integer({ min: -12, max: 25 })), {
    maxLength: 3,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 6 }), cuts, async (parts, cuts) => {
      let blob = new Blob(parts);
      for (const [from, to] of cuts) blob = blob.slice(from, to);
      const source = parts.map((part) =>
        typeof part === "string" ? JSON.stringify(part) : `new Uint8Array([${part.join()}])`,
      );
      const slices = cuts.map(([from, to]) => `.slice(${from}, ${to})`).join("");
      engine.run(
        `globalThis.bytes = []; new Blob([${source.join()}])${slices}.bytes().then((b) => { bytes = [...b]; });`,
      );
      assert.deepEqual(engine.evaluate("bytes"), [...new Uint8Array(await blob.arrayBuffer())]);
    }),
    { numRuns: 300 },
  );
});

await withNode({ lwps: 1 }, (t) => {
  test("blobs under stress", { timeout: 300_000 }, () => compareUnderStress(t, CASES, { every: 7, at: "call" }));

  test("a blob is a message", { timeout: 60_000 }, async () => {
    const program = await t.run(`
      const child = fork();
      if (child === 0) { const { message } = receive(); message.file.text().then((text) => console.log(text, message.file.name, message.blob.type)); }
      else { send(child, { file: new File(["in ", "pieces"], "f.txt"), blob: new Blob([], { type: "a/b" }) }); wait(child); }`);
    assert.equal(program.stdout, "in pieces f.txt a/b\n", program.stderr);
  });
});
