// Math: exact cases, special values, conversions, sums.
print(Math.max(), Math.min(), Math.max(1, NaN), Math.max(-0, 0), Math.sign(-3), Math.sign(-0), Math.trunc(-4.7), Math.round(-0.5), Math.round(2.5), Math.round(-2.5));
print(Math.floor(-0.5), Math.ceil(-0.5), Math.abs(-0), Math.cbrt(27), Math.hypot(3, 4), Math.hypot(), Math.hypot(NaN, Infinity), Math.fround(5.5), Math.fround(5.05), Math.clz32(1), Math.clz32(0), Math.imul(0xffffffff, 5), Math.imul(2 ** 31, 2));
print(Math.sqrt(2), Math.log2(8), Math.log10(1000), Math.log1p(0), Math.expm1(0), Math.exp(1), Math.atan2(1, 1), Math.atan2(-0, -1), Math.sin(0), Math.cos(0), Math.tan(0));
print(Math.pow(2, 0.5), 2 ** -1, (-2) ** 3, Math.pow(NaN, 0), Math.pow(1, Infinity), (-8) ** (1 / 3), 0 ** 0, Math.sinh(0), Math.cosh(0), Math.tanh(Infinity), Math.asinh(-0), Math.acosh(1), Math.atanh(0));
print([1.5, -1.5, 0.5, -0.5, 1e300].map(Math.round).join(), [5, -5].map((x) => [x % 3, -x % 3, x / 2 | 0, x >> 1, x >>> 28].join("/")).join());
print(7 % -3, -7 % 3, 5.5 % 2, -0 % 1, Infinity % 5, 5 % Infinity, 2 ** 32 >> 0, 2 ** 31 | 0, -1 >>> 0, 1 << 31, 1 << 32, ~~3.9, ~-1);
let e = 1, t = 1;
for (let i = 1; i < 20; i++) { t /= i; e += t; }
print(e, 4 * Math.atan(1) === Math.PI, Math.E, Math.LN2, Math.SQRT1_2);
