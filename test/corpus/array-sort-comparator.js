// Array.prototype.sort calling a comparator written in the program: order, stability, number of calls' effect.
const rows = [];
for (let i = 0; i < 40; i++) rows.push({ key: (i * 7919) % 11, index: i });
rows.sort((a, b) => a.key - b.key);
print(rows.map((r) => r.key + ":" + r.index).join(" "));
let stable = true;
for (let i = 1; i < rows.length; i++) {
  if (rows[i - 1].key === rows[i].key && rows[i - 1].index > rows[i].index) stable = false;
}
print("stable", stable);
print([5, 1, 4, 2, 3].sort((a, b) => b - a).join());
print([3, 1, 2].sort(undefined).join(), [10, 9, 1].sort().join());
print(["b", undefined, "a", , "c"].sort((a, b) => (a < b ? 1 : -1)).length);
print(JSON.stringify([3, undefined, 1, , 2].sort((a, b) => a - b)));
print([2, 1].sort(() => NaN).join(), [2, 1].sort(() => "1").join(), [2, 1].sort(() => ({ valueOf: () => 1 })).join());
