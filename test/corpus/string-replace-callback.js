// replace and replaceAll with functions, patterns, special tokens and conversions.
print("john smith".replace(/\b\w/g, (c) => c.toUpperCase()));
print("2024-01-02".replace(/(\d+)-(\d+)-(\d+)/, (m, y, mo, d, offset, whole) => [d, mo, y, offset, whole.length].join("/")));
print("a1b2".replace(/(?<l>[a-z])(?<d>\d)/g, (...args) => { const g = args.at(-1); return g.d + g.l; }));
print("x-y".replace("-", (m, i, s) => `[${m}${i}${s}]`), "a.b.c".replaceAll(".", (m, i) => i), "aaa".replaceAll("a", () => "$&"));
print("abc".replace("b", "[$&|$`|$'|$$]"), "abc".replace(/(?<n>b)/, "<$<n>$1$2>"));
print("xyz".replace(/y/, () => ({ toString: () => "Y!" })), "n".replace("n", () => undefined));
try { "abc".replace(/./g, (c) => { if (c === "b") throw new Error("at b"); return c; }); } catch (e) { print(e.message); }
try { "aa".replaceAll(/a/, ""); } catch (e) { print(e.name); }
const re = /o/g;
print("foo boo".replace(re, (m, i) => { re.lastIndex = 0; return "0"; }), re.lastIndex);
print("nested".replace(/e/g, () => "abc".replace(/b/, () => "xyz".replace(/y/, () => "!"))));
const o = { [Symbol.replace](s, r) { return `custom ${s} ${r}`; } };
print("str".replace(o, "rep"), "str".replaceAll(o, "all"));
print("aXbX".split("X").length, "".replaceAll("", "z"), "ab".replaceAll("", "-"));
