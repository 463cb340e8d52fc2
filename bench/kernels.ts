/** JavaScript kernels: each defines `kernel()`, which works for some tens of milliseconds in the engine and returns a check sum. */

export interface Kernel {
  readonly name: string;
  readonly source: string;
}

/** One for each thing that programs spend their time on. */
export const KERNELS: readonly Kernel[] = [
  {
    name: "calls",
    source: `function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
function kernel() { return fib(22); }`,
  },
  {
    name: "properties",
    source: `class Point { constructor(x, y) { this.x = x; this.y = y; } add(other) { this.x += other.x; this.y += other.y; return this; } get sum() { return this.x + this.y; } }
function kernel() {
  const point = new Point(0, 0), step = new Point(1, 2), bag = { a: 1, b: 2, c: 3, d: 4 };
  let total = 0;
  for (let i = 0; i < 12000; i++) { point.add(step); total += point.sum; bag.d = bag.a + bag.b; bag.a = bag.c & 7; bag.c = bag.d + 1; }
  return total + bag.d;
}`,
  },
  {
    name: "arrays",
    source: `function kernel() {
  const list = [];
  for (let i = 0; i < 20000; i++) list.push(i ^ 5);
  let total = 0;
  for (let turn = 0; turn < 5; turn++) for (let i = 0; i < list.length; i++) total += list[i];
  return total + list.map((x) => x * 2).filter((x) => x % 3 === 0).reduce((a, b) => a + b, 0) + list.slice(10, 5000).reverse().indexOf(77);
}`,
  },
  {
    name: "strings",
    source: `function kernel() {
  let text = "", total = 0;
  for (let i = 0; i < 10000; i++) text += "item " + i + ";";
  for (let i = 0; i < text.length; i += 2) total += text.charCodeAt(i);
  for (const part of text.split(";")) total += part.trim().toUpperCase().length + part.indexOf("9");
  return total + text.slice(100, 4000).padEnd(5000, "ab").length;
}`,
  },
  {
    name: "closures",
    source: `function counter(start) { let n = start; return { next: () => (n += 1), add: (k) => { n += k; return n; } }; }
function kernel() {
  let total = 0;
  for (let i = 0; i < 3000; i++) { const c = counter(i); for (let k = 0; k < 8; k++) total += c.next() + c.add(k); }
  return total;
}`,
  },
  {
    name: "maps",
    source: `function kernel() {
  const numbers = new Map(), words = new Map(), seen = new Set();
  for (let i = 0; i < 2500; i++) { numbers.set(i * 7, i); words.set("key" + (i % 500), i); seen.add(i % 1000); }
  let total = 0;
  for (let i = 0; i < 2500; i++) total += (numbers.get(i * 7) ?? 0) + (seen.has(i) ? 1 : 0);
  for (const [key, value] of words) total += key.length + value;
  return total;
}`,
  },
  {
    name: "sort",
    source: `function kernel() {
  const list = [];
  let seed = 12345;
  for (let i = 0; i < 5000; i++) { seed = (seed * 1103515245 + 12345) & 0x7fffffff; list.push({ key: seed, name: "n" + (seed % 1000) }); }
  list.sort((a, b) => a.key - b.key);
  const names = list.map((item) => item.name).sort();
  return list[17].key + names[99].length;
}`,
  },
  {
    name: "json",
    source: `const documentValue = { users: Array.from({ length: 150 }, (_, i) => ({ id: i, name: "user " + i, tags: ["a", "b", "c"], score: i / 3, active: i % 2 === 0, nested: { deep: { value: [i, i + 1, null] } } })) };
function kernel() {
  let total = 0;
  for (let i = 0; i < 10; i++) { const text = JSON.stringify(documentValue); total += text.length + JSON.parse(text).users[i].id; }
  return total;
}`,
  },
  {
    name: "floats",
    source: `function kernel() {
  const width = 40, height = 24;
  let total = 0;
  for (let py = 0; py < height; py++) for (let px = 0; px < width; px++) {
    const cx = (px / width) * 3.5 - 2.5, cy = (py / height) * 2 - 1;
    let x = 0, y = 0, n = 0;
    while (x * x + y * y < 4 && n < 100) { const t = x * x - y * y + cx; y = 2 * x * y + cy; x = t; n++; }
    total += n + Math.sqrt(n) * Math.sin(n);
  }
  return Math.round(total);
}`,
  },
  {
    name: "typed arrays",
    source: `const pixels = new Uint8Array(40000), sums = new Float64Array(200);
function kernel() {
  for (let i = 0; i < pixels.length; i++) pixels[i] = (i * 31) ^ (i >> 3);
  for (let y = 0; y < 200; y++) { let sum = 0; for (let x = 0; x < 200; x++) sum += pixels[y * 200 + x]; sums[y] = sum; }
  return sums.reduce((a, b) => a + b, 0);
}`,
  },
  {
    name: "regular expressions",
    source: `const log = Array.from({ length: 150 }, (_, i) => "2024-03-" + (i % 28 + 1) + " user" + i + "@example.com GET /path/" + i + "?q=" + i * 3 + " 200").join("\\n");
function kernel() {
  let total = 0;
  for (const match of log.matchAll(/(\\d{4})-(\\d\\d?)-(\\d+)\\s+(\\w+)@([\\w.]+)/g)) total += match[4].length + Number(match[3]);
  total += log.replace(/\\/path\\/(\\d+)/g, (_, id) => "/p" + id).length + log.split(/\\s+|\\?/).length;
  return total + (log.match(/[a-z]+\\d+(?=@)/g) ?? []).length;
}`,
  },
];
