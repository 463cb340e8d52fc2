// Set methods with set-likes written in the program: order of calls, changes while they run.
const like = (name, values) => ({
  get size() { print(name, "size"); return { valueOf() { print(name, "size valueOf"); return values.length; } }; },
  get has() { print(name, "has"); return (v) => { print(name, "has?", v); return values.includes(v); }; },
  get keys() { print(name, "keys"); return function* () { try { yield* values; } finally { print(name, "keys closed"); } }; },
});
const s = new Set([1, 2, 3]);
const show = (r) => print(r instanceof Set ? [...r].join() : r);
show(s.union(like("u", [3, 4])));
show(s.intersection(like("i", [3, 1])));
show(s.intersection(like("i2", [1, 2, 3, 4])));
show(s.difference(like("d", [2])));
show(s.symmetricDifference(like("x", [3, 9])));
show(s.isSubsetOf(like("sub", [1, 2, 3, 4])));
show(s.isSupersetOf(like("sup", [1, 7, 2])));
show(s.isDisjointFrom(like("dis", [5, 2, 6])));
show(new Set([1, 2, 3]).difference({ size: 5, has(v) { s.delete(v); return v === 2; }, keys: () => [].values() }));
for (const bad of [[1], { size: NaN, has() {}, keys() {} }, { size: -1, has() {}, keys() {} }, { size: 1, has: 1, keys() {} }, 5]) {
  try { s.union(bad); print("accepted"); } catch (e) { print(e.name); }
}
