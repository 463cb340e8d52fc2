// Duplicate named groups, modifiers and RegExp.escape, where the engine has them.
print(/(?<a>x)|(?<a>y)/.exec("y")?.groups.a, /(?i:a)b/.test("Ab"), /(?i:a)b/.test("AB"), RegExp.escape("a.b*c"));
print("2024-05 05/2024".replace(/(?<y>\d{4})-(?<m>\d\d)|(?<m>\d\d)\/(?<y>\d{4})/g, (...a) => { const g = a.at(-1); return g.y + "." + g.m; }));
