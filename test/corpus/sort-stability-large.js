// A larger sort with a comparator over several keys, compared with a sort written in the program.
const rows = Array.from({ length: 120 }, (_, i) => ({ a: (i * 31) % 7, b: (i * 17) % 5, i }));
const by = (...keys) => (x, y) => { for (const k of keys) { if (x[k] !== y[k]) return x[k] < y[k] ? -1 : 1; } return 0; };
const native = rows.slice().sort(by("a", "b"));
function merge(list, cmp) { if (list.length < 2) return list; const m = list.length >> 1, l = merge(list.slice(0, m), cmp), r = merge(list.slice(m), cmp), out = []; while (l.length && r.length) out.push(cmp(l[0], r[0]) <= 0 ? l.shift() : r.shift()); return out.concat(l, r); }
const own = merge(rows, by("a", "b"));
print(native.every((v, i) => v === own[i]), native.slice(0, 6).map((r) => `${r.a}${r.b}:${r.i}`).join(" "));
print(rows.toSorted((x, y) => y.i - x.i)[0].i, rows[0].i);
const words = "it was the best of times it was the worst of times".split(" ");
print([...new Set(words)].sort((x, y) => x.length - y.length || (x < y ? -1 : 1)).join());
print(words.map((w) => [w, words.filter((v) => v === w).length]).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : a > b ? 1 : 0)).slice(0, 4).join(";"));
print(Array.from({ length: 40 }, (_, i) => (i * 13) % 40).sort((x, y) => (x % 4) - (y % 4) || x - y).join());
