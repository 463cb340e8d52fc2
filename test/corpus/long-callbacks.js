// Callback-heavy work that is long enough for ordinary polls: sorts, maps, replaces, generators, parsing.
const big = Array.from({ length: 3000 }, (_, i) => (i * 7919) % 3001);
print(big.slice().sort((a, b) => a - b).slice(0, 5).join(), big.map((v) => v * 2).filter((v) => v % 3 === 0).reduce((a, b) => a + b));
function* g(n) { for (let i = 0; i < n; i++) yield i; }
let sum = 0;
for (const v of g(8000)) sum += v;
print(sum);
print("abc ".repeat(1500).replace(/[a-c]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 1)).length);
const text = JSON.stringify(Array.from({ length: 600 }, (_, i) => ({ i, s: "n" + i, d: [i, i + 1] })));
print(JSON.parse(text, (k, v) => (typeof v === "number" ? v + 1 : v))[599].d.join(), JSON.stringify(JSON.parse(text), (k, v) => v).length === text.length);
const fib = (n) => (n < 2 ? n : fib(n - 1) + fib(n - 2));
print(fib(19));
const memo = new Map();
const count = (a, b) => { const key = a + "," + b; if (memo.has(key)) return memo.get(key); const r = a === 0 || b === 0 ? 1 : count(a - 1, b) + count(a, b - 1); memo.set(key, r); return r; };
print(count(16, 16));
const queens = (n, row = 0, cols = 0, d1 = 0, d2 = 0) => { if (row === n) return 1; let c = 0; for (let i = 0; i < n; i++) { const m = 1 << i, p = 1 << (row + i), q = 1 << (row - i + n); if (cols & m || d1 & p || d2 & q) continue; c += queens(n, row + 1, cols | m, d1 | p, d2 | q); } return c; };
print(queens(6));
