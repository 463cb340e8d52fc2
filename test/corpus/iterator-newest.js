// Iterator.concat, zip, zipKeyed, chunks, windows where the engine has them.
const text = (v) => JSON.stringify(v);
print(text(Iterator.concat([1], new Set([2]), { *[Symbol.iterator]() { yield 3; } }).toArray()));
print(text(Iterator.zip([[1, 2, 3], ["a", "b"]]).toArray()), text(Iterator.zip([[1, 2], ["a"]], { mode: "longest", padding: [0, "-"] }).toArray()));
try { Iterator.zip([[1, 2], [1]], { get mode() { print("mode"); return "strict"; } }).toArray(); } catch (e) { print(e.name); }
print(text(Iterator.zipKeyed({ a: [1, 2], b: ["x", "y"] }).toArray()));
print(text([1, 2, 3, 4, 5].values().chunks(2).toArray()), text([1, 2, 3].values().windows(2).toArray()));
print([1, 2].values().includes(2), ["a", "b"].values().join("+"));
function* closing(n) { try { yield 1; yield 2; } finally { print("closed", n); } }
const z = Iterator.zip([closing("a"), closing("b")]);
z.next();
z.return();
