// join, toString and toLocaleString calling back, with cycles.
const log = [];
const item = (name) => ({ toString() { log.push(name); return name; }, toLocaleString() { log.push("l" + name); return name.toUpperCase(); } });
print([item("a"), null, undefined, item("b")].join("-"), log.join());
log.length = 0;
print([item("a"), 1, item("b")].toLocaleString(), log.join());
print(String([1, [2, [3, null]]]), [[], [[]]] + "");
const o = { join() { return "joined"; } };
print(Array.prototype.toString.call(o), Array.prototype.toString.call({ join: 1 }));
const sep = { toString() { print("separator"); return "+"; } };
print([1, 2].join(sep));
try { [{ toString() { throw new TypeError("no string"); } }].join(); } catch (e) { print(e.message); }
const inner = { toString() { return [1, { toString: () => "deep" }].join("/"); } };
print([inner, inner].join("~"));
