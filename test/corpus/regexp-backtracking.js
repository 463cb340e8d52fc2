// Backtracking, possessive-like patterns, captures in loops, backreferences.
print(/^(a+)+$/.test("aaaaaaaaaaaaaaa"), /^(a+)+$/.test("aaaaaaaaaaab"));
print("aaa".match(/(a*?)(a*)/).join("|"), "<b><i>".match(/<(.+?)>/)[1], "<b><i>".match(/<(.+)>/)[1]);
print(/(\w)\1(\d)\2/.exec("xaa11y")?.join(), /(?:(a)|b)*/.exec("ab").join("|"), /(z)((a+)?(b+)?(c))*/.exec("zaacbbbcac").join("|"));
print(/\b(\w+)\s+\1\b/i.exec("This is is it")[0], /^(?:(\d+)-)?(\d+)$/.exec("12")[1]);
print("aBc".replace(/b/i, "[$&]"), "line1\nline2".match(/^line2$/m)[0], /a.c/s.test("a\nc"), /a.c/.test("a\nc"));
const sticky = /foo/y;
sticky.lastIndex = 3;
print(sticky.test("barfoo"), sticky.lastIndex, sticky.test("barfoo"), sticky.lastIndex);
print(/(?=(a+))a*b\1/.exec("baaabac").join(), /(.*?)a(?!(a+)b\2c)\2(.*)/.exec("baaabaac").join("|"));
print("x".match(/y*/)[0].length, "abc".match(/(?:)/g).length, /[^]/.test("\n"), /[]/.test("a"));
let steps = 0;
for (let i = 1; i < 12; i++) if (!new RegExp("^(" + "a?".repeat(i) + ")" + "a".repeat(i) + "$").test("a".repeat(i))) steps++;
print(steps);
