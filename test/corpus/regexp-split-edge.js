// split, match and replace at the edges: captures in split, limits, empty matches, sticky, unicode, callbacks in classes.
print("A<B>bold</B>and<CODE>coded</CODE>".split(/<(\/)?([^<>]+)>/).join("|"), "abc".split(/(?:)/).join(), "".split(/,/).length, "".split("").length, ",a,".split(",").length, "a1b2c3".split(/\d/, 2).join());
print("aaa".replace(/a*?/g, "x"), "abc".replace(/(?:)/g, "-"), "😀😀".replace(/(?:)/gu, "-"), "aBc".replace(/[A-Z]/g, (c) => "_" + c.toLowerCase()), "x".replace(/(y)?x/, "[$1]"), "$".replace("$", "$$"), "abc".replace(/(?<z>b)/, "$<z>$<q>$2"));
const r = /\d+/y; r.lastIndex = 2; print(r.exec("ab123")?.[0], r.lastIndex, "1a2".replace(/\d/y, "#"), "12a3".match(/\d/gy).join(), "a\u{1F600}b".match(/./gu).length);
const text = "k1=v1&k2=v2&k1=v3"; const q = {}; text.replace(/([^&=]+)=([^&]*)/g, (_, k, v) => { (q[k] ??= []).push(v); }); print(JSON.stringify(q));
const lex = (s) => { const re = /(\s+)|(\d+)|([a-z]+)|(.)/gy, out = []; for (let m; (m = re.exec(s)); ) if (!m[1]) out.push(["", "ws", "num", "id", "op"][m.findIndex((x, i) => i && x)] + ":" + m[0]); return out.join(" "); };
print(lex("let x = 42 + foo;"));
class Template { #vars; constructor(v) { this.#vars = v; } render(s) { return s.replace(/\{\{(\w+)(?:\|(\w+))?\}\}/g, (_, k, f) => this.#apply(f, this.#vars[k] ?? `?${k}`)); } #apply(f, v) { return f ? { up: (x) => x.toUpperCase(), rev: (x) => [...x].reverse().join("") }[f](v) : v; } }
print(new Template({ n: "godwit", t: "bird" }).render("{{n|up}} the {{t|rev}} {{missing}}"));
print(/(?:(a)|(b)|(c))+/.exec("abc").join("|"), /(a)|b/.exec("b").length, /\1(a)/.exec("aa").join(), /(?=(a))\1/.exec("ba").index, /(?!a)./.exec("ab")[0], /^.*?$/m.exec("x\ny")[0], /\bfoo\B/.test("foobar"), /[\w-]+/.exec("a-b c")[0], /\x41\u0042\cJ?/.exec("AB")[0]);
