// Strings: lone surrogates, normalisation, comparisons, indexes out of range, conversions with side effects.
const n = (v) => ({ valueOf() { order.push(v); return v; } }), order = [];
print("abcdef".slice(n(-3), n(-1)), "abcdef".substring(n(4), n(1)), "abcdef".at(n(-2)), "abc".charAt(n(9)) === "", "abc".charCodeAt(9), order.join());
print("a".codePointAt(1), "abc".lastIndexOf("c", n(NaN)), "abcabc".lastIndexOf("a", -5), "".indexOf(""), "abc".indexOf("", 10), "aaa".lastIndexOf(""));
print(["b", "a", "C", "ä", "1", "10", "9", ""].sort().join("|"), "a" < "B", "Z" < "a", "\u{1F600}" > "\uffff", "é" === "é".normalize("NFD"), "é" === "e\u0301".normalize());
print(JSON.stringify("\ud83d"), encodeURI("https://x.y/ä?q=1 2#z"), escape("\u0100"), "\u0000".length, "\x41\u{42}\103".replace(/C/, "c"));
for (const f of [() => encodeURIComponent("\ud800"), () => decodeURI("%E0%A4%A"), () => "a".normalize("X"), () => String.fromCodePoint(0x110000), () => "x".repeat(Infinity), () => "".padEnd.call(null)]) { try { print(f()); } catch (e) { print(e.name); } }
print("abc".split("").reverse().join(""), [..."👨‍👩‍👧"].length, "👍🏽".length, "İi".toLowerCase().length, "ŉ".toUpperCase().length, "ΑΣ ΑΣΑ".toLowerCase());
print("a\tb\nc".replace(/\s/g, (c) => c.charCodeAt(0)), "tEST".replace(/^(.)(.*)$/, (_, a, b) => a.toUpperCase() + b.toLowerCase()), " \u00a0\ufeffx\u2003".trim(), "abc".concat(1, null, undefined, [2, 3], {}));
print("x".padStart(3, ""), "abc".padEnd(6, "12345"), "😀".split(""). length, "a,b,,c".split(","). length, "abc".split("b", 1).join(), "ab".split(/(?:)/u).join(), "test".search(/s/), "ab" + -0, `${[]}${{}}${null}`);
let s = "start"; s += { toString() { s = "changed"; return "!"; } }; print(s);
let t = "t"; t = t + (t = "u") + t; print(t);
