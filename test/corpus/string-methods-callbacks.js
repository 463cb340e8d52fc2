// split, match, matchAll, search with protocol objects; raw, at, codePoints, isWellFormed.
const splitter = { [Symbol.split](s, limit) { return [s, limit, "split"]; } };
const matcher = { flags: "g", [Symbol.match](s) { return s + " matched"; }, [Symbol.search](s) { return s.length; }, [Symbol.matchAll]: function* (s) { yield s; yield s + s; } };
print("a,b".split(splitter, 3).join("|"), "str".match(matcher), "four".search(matcher), [..."m".matchAll(matcher)].join());
print([..."a1b22".matchAll(/[a-z](\d+)/g)].map((m) => m[1] + "@" + m.index).join());
print("a1b2c".split(/(\d)/).join("|"), "abc".split("").join("|"), "a,b,c".split(",", { valueOf: () => 2 }).join("|"));
print(String.raw`a\n${1}${{ toString: () => "obj" }}`, String.raw({ raw: { length: 2, get 0() { return "g"; }, 1: "h" } }, "-"));
print("a😀".at(-1).length, [..."a😀"].length, "😀".codePointAt(0), "\ud800".isWellFormed(), "\ud800".toWellFormed().charCodeAt(0).toString(16));
print("İ".toLowerCase().length, "ß".toUpperCase(), "ΑΣ".toLowerCase(), "ﬁ".normalize("NFKC"));
print("abc".localeCompare("abd"), "  x ".trim() + "|", "x".padEnd(5, "ab"), "abc".substring(2, 0), "abc".substr(-2, 1));
try { "a".matchAll(/a/); } catch (e) { print(e.name); }
try { "a".startsWith(/a/); } catch (e) { print(e.name); }
try { "a".repeat(-1); } catch (e) { print(e.name); }
print("a-b_c".split(/[-_]/).map((s) => s.toUpperCase()).join(""));
