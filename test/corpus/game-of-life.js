// Cellular automata and puzzles: nested loops over strings and Sets, backtracking, memoised recursion.
let cells = new Set(["1,0", "2,1", "0,2", "1,2", "2,2"]);
const step = (live) => { const n = new Map(); for (const c of live) { const [x, y] = c.split(",").map(Number); for (let dx = -1; dx <= 1; dx++) for (let dy = -1; dy <= 1; dy++) if (dx || dy) { const k = `${x + dx},${y + dy}`; n.set(k, (n.get(k) ?? 0) + 1); } } return new Set([...n].filter(([k, v]) => v === 3 || (v === 2 && live.has(k))).map(([k]) => k)); };
for (let i = 0; i < 8; i++) cells = step(cells);
print([...cells].sort().join(" "));
let row = "0000000001000000000"; const out = [row];
for (let i = 0; i < 6; i++) out.push((row = [...row].map((c, j) => "01111000"[parseInt((row[j - 1] ?? 0) + c + (row[j + 1] ?? 0), 2)]).join("")));
print(out.join("|"));
const grid = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79".split("");
let tried = 0;
const ok = (i, d) => { const r = (i / 9) | 0, c = i % 9, b = 27 * ((r / 3) | 0) + 3 * ((c / 3) | 0); for (let k = 0; k < 9; k++) if (grid[r * 9 + k] === d || grid[k * 9 + c] === d || grid[b + 9 * ((k / 3) | 0) + (k % 3)] === d) return false; return true; };
const candidates = (i) => [..."123456789"].filter((d) => ok(i, d));
const solve = () => { let best = -1, options; for (let i = 0; i < 81; i++) { if (grid[i] !== ".") continue; const c = candidates(i); if (best < 0 || c.length < options.length) { best = i; options = c; if (c.length < 2) break; } } if (best < 0) return true; for (const d of options) { tried++; grid[best] = d; if (solve()) return true; } grid[best] = "."; return false; };
print(solve(), tried, grid.join("").slice(0, 27));
const coins = (n, cs, memo = {}) => (n === 0 ? 1 : n < 0 || !cs.length ? 0 : (memo[n + "/" + cs.length] ??= coins(n - cs[0], cs, memo) + coins(n, cs.slice(1), memo)));
print(coins(50, [25, 10, 5, 1]), [...(function* subsets([h, ...t]) { if (h === undefined) yield []; else for (const s of subsets(t)) { yield s; yield [h, ...s]; } })([1, 2, 3])].filter((s) => s.length === 2).join(";"));
