// Dijkstra with a heap, topological sort, union-find, breadth-first search, strongly connected components.
class Heap { #a = []; #less; constructor(less) { this.#less = less; } get size() { return this.#a.length; } push(v) { const a = this.#a; a.push(v); for (let i = a.length - 1; i > 0; ) { const p = (i - 1) >> 1; if (!this.#less(a[i], a[p])) break; [a[i], a[p]] = [a[p], a[i]]; i = p; } } pop() { const a = this.#a, top = a[0], last = a.pop(); if (a.length) { a[0] = last; for (let i = 0; ; ) { let m = i; for (const c of [2 * i + 1, 2 * i + 2]) if (c < a.length && this.#less(a[c], a[m])) m = c; if (m === i) break; [a[i], a[m]] = [a[m], a[i]]; i = m; } } return top; } }
const graph = { a: { b: 7, c: 9, f: 14 }, b: { c: 10, d: 15 }, c: { d: 11, f: 2 }, d: { e: 6 }, f: { e: 9 }, e: {} };
const dijkstra = (s) => { const dist = { [s]: 0 }, h = new Heap(([x], [y]) => x < y); h.push([0, s]); while (h.size) { const [d, u] = h.pop(); if (d > dist[u]) continue; for (const [v, w] of Object.entries(graph[u])) if (d + w < (dist[v] ?? Infinity)) h.push([(dist[v] = d + w), v]); } return dist; };
print(JSON.stringify(dijkstra("a")));
const topo = (g) => { const seen = new Set(), out = []; const visit = (n) => { if (seen.has(n)) return; seen.add(n); Object.keys(g[n]).forEach(visit); out.unshift(n); }; Object.keys(g).forEach(visit); return out; };
print(topo(graph).join());
const uf = [...Array(10).keys()], find = (x) => (uf[x] === x ? x : (uf[x] = find(uf[x])));
for (const [x, y] of [[1, 2], [3, 4], [2, 4], [5, 6], [8, 9]]) uf[find(x)] = find(y);
print([1, 2, 3, 4].every((x) => find(x) === find(1)), new Set([...uf.keys()].map(find)).size);
const maze = ["#########", "#S..#...#", "#.#.#.#.#", "#.#...#E#", "#########"].map((r) => [...r]);
const bfs = () => { const q = [[1, 1, 0]], seen = new Set(["1,1"]); for (const [y, x, d] of q) { if (maze[y][x] === "E") return d; for (const [dy, dx] of [[0, 1], [1, 0], [0, -1], [-1, 0]]) { const k = `${y + dy},${x + dx}`; if (maze[y + dy][x + dx] !== "#" && !seen.has(k)) { seen.add(k); q.push([y + dy, x + dx, d + 1]); } } } };
print(bfs());
const scc = (g) => { let n = 0; const idx = {}, low = {}, stack = [], out = []; const go = (v) => { idx[v] = low[v] = n++; stack.push(v); for (const w of g[v]) { if (idx[w] === undefined) { go(w); low[v] = Math.min(low[v], low[w]); } else if (stack.includes(w)) low[v] = Math.min(low[v], idx[w]); } if (low[v] === idx[v]) out.push(stack.splice(stack.indexOf(v)).sort().join("")); }; Object.keys(g).forEach((v) => idx[v] ?? go(v)); return out; };
print(scc({ a: ["b"], b: ["c", "e"], c: ["d"], d: ["c"], e: ["a", "f"], f: ["g"], g: ["f"] }).join());
