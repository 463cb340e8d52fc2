// Lookbehind, named groups, duplicate named groups, indices, unicode and unicode sets.
print("$12 €34".replace(/(?<=\$)\d+/, "X"), "a1b2".match(/(?<!a)\d/)[0], "abcdef".match(/(?<=(\w)(\w))d/).slice(1).join());
const m = /(?<year>\d{4})-(?<month>\d\d)/d.exec("on 2024-05");
print(m.groups.year, m.groups.month, m.indices.groups.month.join(), m.indices[0].join(), Object.keys(m.groups).join(), Object.getPrototypeOf(m.groups));
print(/\u{1F600}/u.test("😀"), "😀".match(/./u)[0].length, "😀".match(/./)[0].length, /\p{Lu}/u.test("É"), /\p{Script=Greek}/u.test("α"), /^\P{L}$/u.test("1"));
print("aé1".match(/[\p{L}--[a-z]]/v)?.[0], /[[a-z]&&[aeiou]]/v.exec("xyzu")[0], /^\p{RGI_Emoji}$/v.test("👍🏽"));
try { new RegExp("(?<n>a)(?<n>b)"); } catch (e) { print(e.name); }
for (const bad of ["(", "[b-a]", "a**", "\\", "(?<1>a)", "x{2,1}"]) { try { new RegExp(bad); print("ok", bad); } catch (e) { print(e.name, bad); } }
try { new RegExp("\\p{No}", "v"); new RegExp("\\p{Nope}", "u"); } catch (e) { print(e.name); }
print(/a/dgimsuy.flags, new RegExp("/", "g").source, String(new RegExp("\n")), RegExp("a|b").source, new RegExp(/x/g, "i").flags);
