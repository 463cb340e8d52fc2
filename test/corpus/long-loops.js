// Loops long enough for ordinary polls to fall into: arithmetic, arrays, strings, properties, calls.
let x = 1;
for (let i = 0; i < 40000; i++) x = (x * 1103515245 + 12345) & 0x7fffffff;
print(x);
const sieve = new Uint8Array(8000);
let primes = 0;
for (let i = 2; i < sieve.length; i++) { if (sieve[i]) continue; primes++; for (let j = i * 2; j < sieve.length; j += i) sieve[j] = 1; }
print(primes);
let h = 0;
const words = "the quick brown fox jumps over the lazy dog".split(" ");
for (let i = 0; i < 6000; i++) { const w = words[i % words.length]; for (let k = 0; k < w.length; k++) h = (h * 31 + w.charCodeAt(k)) | 0; }
print(h);
let collatz = 0, best = 0;
for (let n = 1; n < 500; n++) { let m = n, steps = 0; while (m !== 1) { m = m % 2 ? 3 * m + 1 : m / 2; steps++; } if (steps > best) { best = steps; collatz = n; } }
print(collatz, best);
const o = { a: 0, b: 0 };
for (let i = 0; i < 10000; i++) { o.a += i; o.b ^= o.a; o["k" + (i % 7)] = i; }
print(o.a, o.b, Object.keys(o).length);
