// Tagged templates: caching of the strings object, raw, invalid escapes, tags that are methods, nested templates.
const seen = [];
function tag(strings, ...values) { seen.push(strings); return strings.raw.join("_") + "|" + values.map(String).join(); }
const run = (v) => tag`a${v}b\n${[v].map((x) => `<${x}>`)}c`;
print(run(1), run(2), seen[0] === seen[1], Object.isFrozen(seen[0]), Object.isFrozen(seen[0].raw));
print(tag`\unicode and \xerxes`, seen[2][0], `line\
continued`, `a${`b${`c${1 + 1}`}`}`);
const o = { t(s) { return this.n + s[0]; }, n: "method:" };
print(o.t`x`, o["t"]`y`, (() => o.t)()`z`.includes("z"));
var n = "global:";
const order = [];
((s, ...v) => v)`${order.push("1")}${{ toString() { order.push("never"); return ""; } }}${order.push("2")}`;
print(order.join(), tag`${{ [Symbol.toPrimitive]: (h) => h }}`);
function chain(s) { return s[0] === "end" ? "done" : chain; }
print(chain`a``b``end`);
class T { constructor(s) { this.s = s.join("-"); } }
print(new (T.bind(null, ["bound"]))().s);
try { tag`${(() => { throw new Error("in substitution"); })()}`; } catch (e) { print(e.message); }
try { print(`${{ toString() { throw new Error("in template"); } }}`); } catch (e) { print(e.message); }
