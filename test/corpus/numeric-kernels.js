// Floating point work: n-body, Mandelbrot, matrix product, Newton, Simpson, a linear congruential generator.
let bodies = [{ x: 0, v: 0, m: 10 }, { x: 1, v: 0.3, m: 1 }, { x: -2, v: -0.1, m: 2 }];
for (let s = 0; s < 60; s++) { for (const b of bodies) for (const o of bodies) if (o !== b) { const d = o.x - b.x, r = Math.sqrt(d * d + 0.1); b.v += (o.m * d * 0.001) / (r * r * r); } for (const b of bodies) b.x += b.v * 0.01; }
print(bodies.map((b) => b.x.toFixed(12)).join());
let rows = "";
for (let y = -1; y <= 1; y += 0.5) { for (let x = -2; x <= 0.5; x += 0.25) { let zr = 0, zi = 0, n = 0; while (zr * zr + zi * zi < 4 && n < 25) { [zr, zi] = [zr * zr - zi * zi + x, 2 * zr * zi + y]; n++; } rows += n === 25 ? "#" : n % 10; } rows += "|"; }
print(rows);
const mul = (a, b) => a.map((r) => b[0].map((_, j) => r.reduce((s, v, k) => s + v * b[k][j], 0)));
let p = [[1, 1], [1, 0]]; for (let i = 0; i < 5; i++) p = mul(p, p);
print(JSON.stringify(p));
const newton = (f, x) => { for (let i = 0; i < 30; i++) x -= f(x) / ((f(x + 1e-6) - f(x - 1e-6)) / 2e-6); return x; };
print(newton((x) => x * x - 2, 1).toFixed(10));
const simpson = (f, a, b, n) => { const h = (b - a) / n; let s = f(a) + f(b); for (let i = 1; i < n; i++) s += f(a + i * h) * (i % 2 ? 4 : 2); return (s * h) / 3; };
print(simpson((x) => x * x * x, 0, 2, 100).toFixed(9), simpson((x) => 1 / (1 + x * x), 0, 1, 50).toFixed(9));
const rng = ((s) => () => (s = (s * 1664525 + 1013904223) >>> 0) / 2 ** 32)(42);
let inside = 0; for (let i = 0; i < 500; i++) { const x = rng(), y = rng(); if (x * x + y * y < 1) inside++; }
print(inside, rng().toFixed(10), 0.1 + 0.7, 1 / 3 + 1 / 3, 4.35 * 100, 1.005 * 1000);
const hist = new Uint32Array(5); for (let i = 0; i < 300; i++) hist[Math.floor(rng() * 5)]++;
print(hist.join(), new Float32Array([0.1, 1e10, 1e-10]).join(), Math.fround(16777217));
