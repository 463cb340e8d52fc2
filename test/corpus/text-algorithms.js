// Levenshtein, KMP, run-length coding, roman numerals, Caesar, anagrams, word wrap.
const lev = (a, b) => { let prev = [...Array(b.length + 1).keys()]; for (let i = 1; i <= a.length; i++) { const cur = [i]; for (let j = 1; j <= b.length; j++) cur[j] = Math.min(prev[j] + 1, cur[j - 1] + 1, prev[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)); prev = cur; } return prev.at(-1); };
print(lev("kitten", "sitting"), lev("godwit", "goodwill"), lev("", "abc"));
const kmp = (text, p) => { const f = [0]; for (let i = 1, k = 0; i < p.length; i++) { while (k && p[i] !== p[k]) k = f[k - 1]; if (p[i] === p[k]) k++; f[i] = k; } const out = []; for (let i = 0, k = 0; i < text.length; i++) { while (k && text[i] !== p[k]) k = f[k - 1]; if (text[i] === p[k]) k++; if (k === p.length) { out.push(i - k + 1); k = f[k - 1]; } } return out; };
print(kmp("abababcababab", "abab").join());
const rle = (s) => s.replace(/(.)\1*/gs, (m, c) => c + m.length), unrle = (s) => s.replace(/(\D)(\d+)/gs, (_, c, n) => c.repeat(n));
print(rle("aaabccdddd"), unrle(rle("aaabccdddd")));
const roman = (n) => [["M", 1000], ["CM", 900], ["D", 500], ["CD", 400], ["C", 100], ["XC", 90], ["L", 50], ["XL", 40], ["X", 10], ["IX", 9], ["V", 5], ["IV", 4], ["I", 1]].reduce((s, [r, v]) => { while (n >= v) { s += r; n -= v; } return s; }, "");
print([1994, 2024, 49].map(roman).join());
const caesar = (s, k) => s.replace(/[a-z]/gi, (c) => { const b = c < "a" ? 65 : 97; return String.fromCharCode(((c.charCodeAt() - b + k + 26) % 26) + b); });
print(caesar("Hello, World", 3), caesar(caesar("Hello, World", 3), -3));
const groups = new Map(); for (const w of ["tea", "eat", "tan", "ate", "nat", "bat"]) { const k = [...w].sort().join(""); groups.set(k, [...(groups.get(k) ?? []), w]); }
print([...groups.values()].map((g) => g.join("/")).join(" "));
const wrap = (t, w) => t.split(" ").reduce((l, x) => ((l.at(-1) + " " + x).trim().length <= w ? [...l.slice(0, -1), (l.at(-1) + " " + x).trim()] : [...l, x]), [""]);
print(wrap("the bar tailed godwit flies from alaska to new zealand without a stop", 20).join("|"));
const pal = (s) => { const c = s.toLowerCase().replace(/[^a-z]/g, ""); return c === [...c].reverse().join(""); };
print(pal("A man, a plan, a canal: Panama"), pal("godwit"), "title case me".replace(/\b[a-z]/g, (c) => c.toUpperCase()), "snake_case_name".replace(/_(\w)/g, (_, c) => c.toUpperCase()));
