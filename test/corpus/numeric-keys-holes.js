// Sparse arrays, very large indexes, negative and fractional keys, conversion from fast to slow arrays.
const a = [1, 2, 3];
a[10] = "ten"; a["5"] = "five"; a[-1] = "neg"; a[1.5] = "frac"; a[4294967295] = "not index";
print(a.length, Object.keys(a).join(), a.indexOf(undefined), a.findIndex((v) => v === undefined));
const visited = []; a.forEach((v, i) => visited.push(i)); print(visited.join());
const sparse = []; sparse[4294967294] = "last";
print(sparse.length, sparse.at(-1));
try { sparse.push("over"); } catch (e) { print(e.name, sparse.length, sparse[4294967295]); }
const holes = [, 1, , 2, ,];
print(holes.length, holes.map((x) => x * 2).length, JSON.stringify(holes), 0 in holes, holes.filter(() => true).length, holes.every((x) => x > 0), [...holes].join("|"), holes.lastIndexOf(undefined), holes.includes(undefined));
Array.prototype[2] = "proto";
print(holes[2], holes.indexOf("proto"), holes.slice().hasOwnProperty(2), [3, , , 1].sort().join("|"), holes.reduce((x, y) => x + "," + y));
delete Array.prototype[2];
const grown = []; for (let i = 0; i < 1000; i++) grown[i] = i; grown.length = 3; grown[2] = undefined;
print(grown.length, grown.join(), delete grown[1], 1 in grown, grown.shift(), grown.length);
const like = { length: 2 ** 53 - 1, [2 ** 53 - 2]: "end" };
print(Array.prototype.at.call(like, -1), Array.prototype.pop.call(like), like.length);
print(Array.prototype.push.call({ length: "3", get 3() { return 1; } }, ) === 3, Array(3).fill().map((_, i) => i).join(), Array.apply(null, Array(2)).length);
