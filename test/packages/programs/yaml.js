// YAML both ways: anchors, tags, comments, errors with their place.
import { parse, parseAllDocuments, parseDocument, stringify, visit } from "yaml";

const text = `# a comment
base: &base {x: 1, y: [a, b]}
derived:
  <<: *base
  y: !!set {c, d}
block: |
  two
   lines
folded: >-
  one
  line
num: [0x1F, 1e3, .inf, ~, true, 2001-12-14]
"quoted \\u263a": 'it''s'
`;
console.log(JSON.stringify(parse(text, { merge: true }), (_, value) => (value instanceof Set ? [...value] : value)));
const document = parseDocument(text);
document.setIn(["num", 0], 42);
visit(document, {
  Scalar(_, node) {
    if (node.value === "two\n lines\n") node.value = "changed";
  },
});
console.log(String(document));
console.log(parseAllDocuments("a: 1\n---\nb: 2\n...\n").length);
console.log(
  stringify({
    a: [1, { b: "x: y", c: null }],
    "long text": "word ".repeat(30),
    multi: "a\nb\n",
    date: new Date(0),
    nested: Array.from({ length: 10 }, (_, n) => ({ n, s: `${n}` })),
  }),
);
try {
  parse("a: [1, 2\nb: }");
} catch (error) {
  console.log(error.name, error.message);
}
