// flat and flatMap: depth, holes, callbacks that return many values, species.
print([1, [2, [3, [4]]]].flat().length, [1, [2, [3, [4]]]].flat(Infinity).join());
print([1, 2, 3].flatMap((v) => [v, v * 10]).join(), [1, 2].flatMap((v) => [[v]]).length, ["a b", "c"].flatMap((t) => t.split(" ")).join());
print([1, , [2, , 3]].flat().join("|"));
const depth = { valueOf() { print("depth"); return 2; } };
print([[[[1]]]].flat(depth).length);
try { [1].flatMap(() => { throw new Error("flat"); }); } catch (e) { print(e.message); }
class L extends Array {}
print(new L(1, 2).flatMap((v) => [v]).constructor.name);
print([1, 2].flatMap(function (v) { return this.k + v; }, { k: 5 }).join());
const proxied = new Proxy([7, 8], { get(t, k, r) { if (typeof k === "string" && k !== "constructor") print("get", k); return Reflect.get(t, k, r); } });
print([proxied].flat().join());
