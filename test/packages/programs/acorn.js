// A parser of JavaScript, on text of its own making.
import { parse, parseExpressionAt, tokenizer, version } from "acorn";

const source = `import a, { b as c } from "m";
export default class A extends B { #x = 1; static { this.y = 2; } get z() { return this.#x ?? a?.[c]; } async *g() { for await (const q of r) yield* q; } }
label: for (let i = 0, { j = 1, ...k } = {}; i < 10; i++) { if (i % 2) continue label; else break; }
const t = \`a\${b}c\`, re = /[a-z]+(?<n>x)/giu, big = 12n ** 2n, f = async (x, ...y) => await x;
try { throw new Error } catch { debugger } finally { ; }`;
const count = {};
const visit = (node) => {
  if (node === null || typeof node !== "object") return;
  if (typeof node.type === "string") count[node.type] = (count[node.type] ?? 0) + 1;
  for (const child of Object.values(node))
    if (Array.isArray(child)) child.forEach(visit);
    else visit(child);
};
for (let n = 0; n < 10; n++)
  visit(
    parse(`${source}\n`.replace("class A", `class A${n}`), {
      ecmaVersion: "latest",
      sourceType: "module",
      locations: true,
    }),
  );
console.log(version.split(".")[0], JSON.stringify(count));
console.log([...tokenizer("a=>b+1", { ecmaVersion: 2022 })].map((token) => token.type.label).join(" "));
console.log(JSON.stringify(parseExpressionAt("x = (1 + 2) * y", 4, { ecmaVersion: 2022 })));
for (const bad of ["let a; let a", "a b", "({", "return", "'\n'"]) {
  try {
    parse(bad, { ecmaVersion: 2022 });
  } catch (error) {
    console.log(error.name, error.message, error.pos);
  }
}
