// JSON both ways over a larger value, with revivers, replacers, toJSON and indentation, long enough for polls.
const make = (n) => (n === 0 ? { leaf: true, t: "é\"\\\n" } : { n, kids: Array.from({ length: 3 }, (_, i) => make(n - 1)), get id() { return "id" + n; } });
const tree = make(4), text = JSON.stringify(tree);
print(text.length, JSON.stringify(JSON.parse(text)) === text, JSON.stringify(tree, null, 1).split("\n").length);
let seen = 0; const back = JSON.parse(text, function (k, v) { seen++; return k === "id" ? { [v]: this.n } : Array.isArray(v) ? v.slice(0, 2) : v; });
print(seen, JSON.stringify(back).length, back.kids[1].kids[0].id.id3 ?? JSON.stringify(back.kids[1].kids[0].id));
print(JSON.stringify(tree, (k, v) => (k === "kids" ? v.length : v)), JSON.stringify(tree, ["n", "kids", "leaf"]).length);
class Node { constructor(d) { this.d = d; if (d) this.kid = new Node(d - 1); } toJSON(k) { return k ? [this.d, this.kid] : { root: this.d, kid: this.kid }; } }
print(JSON.stringify(new Node(8)));
print(JSON.parse("[".repeat(60) + "]".repeat(60)).flat(Infinity).length, JSON.parse(`{"a":${"[1,".repeat(20)}0${"]".repeat(20)}}`, (k, v) => (Array.isArray(v) ? v[0] + v[1] : v)).a);
const rows = Array.from({ length: 150 }, (_, i) => ({ i, even: i % 2 === 0, name: "row " + i, nested: { sq: i * i } })); const round = JSON.parse(JSON.stringify(rows, (k, v) => (typeof v === "number" ? String(v) : v)), (k, v) => (/^\d+$/.test(v) ? Number(v) : v)); print(round[149].nested.sq, round.filter((r) => r.even).length, JSON.stringify(round) === JSON.stringify(rows));
