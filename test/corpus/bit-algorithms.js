// SHA-256, CRC-32, base64 and bit tricks written in the program over typed arrays.
const K = [], H0 = []; { const isPrime = (n) => { for (let i = 2; i * i <= n; i++) if (n % i === 0) return false; return true; }; const frac = (x) => ((x - Math.floor(x)) * 2 ** 32) | 0; for (let n = 2; K.length < 64; n++) if (isPrime(n)) { if (H0.length < 8) H0.push(frac(n ** (1 / 2))); K.push(frac(Math.cbrt(n))); } }
function sha256(text) {
  const bytes = [...text].map((c) => c.charCodeAt(0)), bits = bytes.length * 8; bytes.push(128); while (bytes.length % 64 !== 56) bytes.push(0);
  const dv = new DataView(new ArrayBuffer(8)); dv.setUint32(4, bits); for (let i = 0; i < 8; i++) bytes.push(dv.getUint8(i));
  const h = Int32Array.from(H0), w = new Int32Array(64), r = (x, n) => (x >>> n) | (x << (32 - n));
  for (let o = 0; o < bytes.length; o += 64) {
    for (let i = 0; i < 64; i++) w[i] = i < 16 ? (bytes[o + i * 4] << 24) | (bytes[o + i * 4 + 1] << 16) | (bytes[o + i * 4 + 2] << 8) | bytes[o + i * 4 + 3] : (r(w[i - 2], 17) ^ r(w[i - 2], 19) ^ (w[i - 2] >>> 10)) + w[i - 7] + (r(w[i - 15], 7) ^ r(w[i - 15], 18) ^ (w[i - 15] >>> 3)) + w[i - 16];
    let [a, b, c, d, e, f, g, k] = h;
    for (let i = 0; i < 64; i++) { const t1 = (k + (r(e, 6) ^ r(e, 11) ^ r(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0, t2 = ((r(a, 2) ^ r(a, 13) ^ r(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0; [k, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0]; }
    [a, b, c, d, e, f, g, k].forEach((v, i) => (h[i] += v));
  }
  return Array.from(h, (v) => (v >>> 0).toString(16).padStart(8, "0")).join("");
}
print(sha256("abc"));
const crc = (text) => { let c = ~0; for (const ch of text) { c ^= ch.charCodeAt(0); for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1; } return (~c >>> 0).toString(16); };
print(crc("123456789"), crc(""));
const alphabet = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"];
const b64 = (s) => s.replace(/[^]{1,3}/g, (m) => { const n = (m.charCodeAt(0) << 16) | ((m.charCodeAt(1) || 0) << 8) | (m.charCodeAt(2) || 0); return [18, 12, 6, 0].map((k, i) => (i > m.length ? "=" : alphabet[(n >> k) & 63])).join(""); });
print(b64("Man"), b64("godwit!"), b64("a"));
const pop = (n) => { let c = 0; while (n) { n &= n - 1; c++; } return c; };
print([0, 1, 255, -1, 2 ** 31].map(pop).join(), [...Array(8).keys()].map((n) => n ^ (n >> 1)).join(), [1, 5, 1023].map((n) => 32 - Math.clz32(n)).join());
let x = 0x12345678; x = ((x & 0xff) << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24);
print((x >>> 0).toString(16), (0xdeadbeef | 0).toString(2).length, [-5 >> 1, -5 >>> 28, 5 << 29, ~5].join());
