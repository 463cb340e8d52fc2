// Backtracking long enough for the engine to poll inside the regular expression matcher itself.
const evil = /^(a+)+$/;
print(evil.test("a".repeat(19) + "b"), evil.test("a".repeat(40)));
print(/^(?:(x+x+)+y)$/.test("x".repeat(17)), /(?=(a*)*b)c/.test("a".repeat(15)));
print("ab".repeat(2000).replace(/(?:ab)*?(?=$)/, "").length, /(.*)(.*)(.*)z/.test("q".repeat(120)));
const nested = "xxxx".replace(/x/g, (m, i) => String(evil.test("a".repeat(12 + i) + "!")));
print(nested);
try { "aab".replace(/(a+)+b/, () => { throw new Error(String(evil.test("a".repeat(14) + "c"))); }); } catch (e) { print(e.message); }
print("k=v;".repeat(300).match(/(\w)=(\w);/g).length, [...("n1 ".repeat(100)).matchAll(/(?<l>[a-z])(?<d>\d)/g)].length);
