// BigInt: big products and quotients, shifts, bit operations, conversions, formatting, mixed comparison.
let f = 1n;
for (let i = 1n; i <= 60n; i++) f *= i;
print(f, f.toString(16), f.toString(36));
print(f / 10n ** 40n, f % 1000000007n, -7n / 2n, -7n % 2n, (-2n) ** 63n, 2n ** 200n >> 190n, -1n >> 5n, 1n << 70n);
print(0xffn & 0x0fn, -1n & 0xffn, -5n | 2n, 5n ^ -3n, ~5n, BigInt.asIntN(8, 255n), BigInt.asUintN(64, -1n), BigInt.asIntN(64, 2n ** 63n));
let a = 0n, b = 1n;
for (let i = 0; i < 300; i++) [a, b] = [b, a + b];
print(a);
const powmod = (b, e, m) => { let r = 1n; b %= m; while (e > 0n) { if (e & 1n) r = (r * b) % m; b = (b * b) % m; e >>= 1n; } return r; };
print(powmod(3n, 1000n, 1000000007n), powmod(2n, 127n, 2n ** 61n - 1n));
const gcd = (x, y) => (y === 0n ? x : gcd(y, x % y));
print(gcd(2n ** 40n * 81n, 6n ** 20n), BigInt("0xff"), BigInt("  12  "), BigInt(true), BigInt(2 ** 60), Number(2n ** 64n), parseInt("9".repeat(20)), +String(5n));
for (const g of [() => BigInt(1.5), () => BigInt("1x"), () => 1n + 1, () => 1n >>> 0n, () => Math.max(1n), () => new BigInt(1), () => 2n ** -1n, () => 1n % 0n, () => BigInt(undefined)]) { try { print(g()); } catch (e) { print(e.name); } }
print(1n == 1, 1n === 1, 2n > 1, "2" > 1n, [3n, 1, 2n, 10].sort((x, y) => (x < y ? -1 : x > y ? 1 : 0)).join(), typeof 1n, -(-5n), 5n > 4.9, 0n ? 1 : 2, 10n ** 20n === BigInt("1" + "0".repeat(20)));
let c = 5n; c++; c -= 2n; c **= 3n;
print(c, (123n).toLocaleString(), Object(3n) + 4n, BigInt.prototype.valueOf.call(Object(9n)), (-255n).toString(2), isNaN(Number("1n")));
