// JSON.stringify with toJSON, replacer functions and lists, indent from getters, boxed values, cycles.
const log = [];
const o = {
  a: { toJSON(k) { log.push("toJSON " + k); return { seen: k }; } },
  b: [1, undefined, () => 1, Symbol("s"), NaN, -0],
  get c() { log.push("get c"); return "getter"; },
  d: undefined,
  e: new Date(0),
  f: Object(5), g: Object("s"), h: Object(false),
};
print(JSON.stringify(o), log.join());
print(JSON.stringify(o, (k, v) => { if (k === "b") return undefined; if (typeof v === "string") return v + "!"; return v; }));
print(JSON.stringify(o, ["f", { toString: () => "no" }, Object("g"), 1, "f"]));
print(JSON.stringify({ x: [1, { y: 2 }], z: {} }, null, 2));
print(JSON.stringify([[]], null, Object("--")), JSON.stringify({ a: 1 }, null, { valueOf: () => 3 }));
const cyc = { name: "c" };
cyc.self = cyc;
try { JSON.stringify(cyc); } catch (e) { print(e.name); }
try { JSON.stringify({ toJSON() { throw new Error("no json"); } }); } catch (e) { print(e.message); }
try { JSON.stringify([1n]); } catch (e) { print(e.name); }
BigInt.prototype.toJSON = function () { return this.toString() + "n"; };
print(JSON.stringify([1n]));
delete BigInt.prototype.toJSON;
print(JSON.stringify({ k: 1 }, function (k, v) { return k === "" ? { replaced: this[""].k } : v; }));
print(JSON.stringify("\u2028\ud800\"\\\b"), JSON.stringify(undefined), JSON.stringify(() => 1), JSON.stringify(null), JSON.stringify(new Map([[1, 2]])));
print(JSON.stringify(new Proxy([1, { get x() { return 2; } }], {})), JSON.stringify(new Proxy({ q: 1 }, {})));
