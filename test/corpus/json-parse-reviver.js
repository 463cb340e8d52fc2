// JSON.parse with revivers: order, deletion, replacement, holders changed under way, proxies, exceptions.
const order = [];
const r = JSON.parse('{"a":1,"b":[1,2,{"c":3}],"d":{"e":null}}', function (k, v) {
  order.push(k || "(root)");
  if (k === "c") return undefined;
  if (typeof v === "number") return v * 10;
  return v;
});
print(JSON.stringify(r), order.join());
print(JSON.stringify(JSON.parse("[1,2,3,4]", function (k, v) { if (k === "0") { this[2] = "changed"; this.length = 3; } return v; })));
print(JSON.parse('{"x":1}', function (k) { return k === "" ? Object.keys(this).length + "" + typeof this[""] : 1; }));
try { JSON.parse("[1,[2,[3]]]", (k, v) => { if (v === 3) throw new Error("three"); return v; }); } catch (e) { print(e.message); }
const seen = [];
JSON.parse("[0,1]", function (k, v) {
  if (k === "0") this[1] = new Proxy({ p: 1, q: 2 }, { ownKeys(t) { seen.push("ownKeys"); return Reflect.ownKeys(t); }, get(t, key) { seen.push("get " + String(key)); return t[key]; } });
  return v;
});
print(seen.join());
for (const text of ["{", "[1,]", "nul", '"\u0001"', "1 2", '{"a":1,}', "01", "", '"\\x"']) {
  try { JSON.parse(text); print("parsed", text); } catch (e) { print(e.name); }
}
print(JSON.parse('"\\ud83d\\ude00\\n"').length, JSON.parse("-0") === 0, Object.is(JSON.parse("-0"), -0), JSON.parse('{"__proto__":1}').__proto__);
print(JSON.parse({ toString: () => '{"from":"toString"}' }).from);
