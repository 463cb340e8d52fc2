// RegExp construction from objects, Symbol.match, compile, escape, lastIndex conversions.
const like = { [Symbol.match]: true, source: "q+", flags: "i", constructor: function () {} };
print(String(new RegExp(like)), RegExp(/a/g) === RegExp(/a/g));
const r = /a/g;
print(RegExp(r) === r, new RegExp(r) === r);
r.lastIndex = { valueOf() { print("lastIndex"); return 1; } };
print(r.exec("aaa").index, r.lastIndex);
r.compile("b", "i");
print(String(r), r.test("B"));
print(/[\d-x]/.test("-"), /\cJ/.test("\n"), /\0/.test("\0"));
const frozen = Object.freeze(/a/g);
try { frozen.test("a"); print("no error"); } catch (e) { print(e.name); }
print("\u2028".match(/./), /\s/.test("\ufeff"), /^.$/u.test("\u{10ffff}"), /\w/iu.test("ſ"), /[^x]/iu.test("X"));
