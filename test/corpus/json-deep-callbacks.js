// Sort inside a getter inside a Proxy inside JSON inside a sort: native frames upon native frames.
const item = (n) => new Proxy({ n }, {
  get(t, k) {
    if (k === "toJSON") return undefined;
    if (k === "n") return [3, 1, 2].sort((a, b) => JSON.parse(JSON.stringify({ get d() { return a - b; } }), (k, v) => v).d).map((v) => v * t.n).join("");
    return t[k];
  },
});
const list = [item(3), item(1), item(2)];
list.sort((x, y) => Number(JSON.parse(JSON.stringify(x)).n) - Number(JSON.parse(JSON.stringify(y)).n));
print(JSON.stringify(list));
print("abc".replace(/./g, (c) => JSON.stringify([c].map((x) => x.replace(/./, (y) => [..."zyx"].sort((a, b) => (a < b ? -1 : 1)).join(y))))));
try {
  JSON.stringify([item(1)], (k, v) => { if (k === "n") throw new Error("deep " + v); return v; });
} catch (e) { print(e.message); }
