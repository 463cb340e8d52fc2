// find, findIndex, findLast, findLastIndex, some, every, includes and indexOf.
const a = [3, 8, 1, 8, 5];
print(a.find((v) => v > 4), a.findIndex((v) => v > 4), a.findLast((v) => v > 4), a.findLastIndex((v) => v === 8));
print(a.find(() => false), a.findIndex(() => false), a.findLast(() => 0), a.findLastIndex(() => ""));
let calls = 0;
print(a.some((v) => (calls++, v === 1)), calls);
calls = 0;
print(a.every((v) => (calls++, v !== 1)), calls, [].every(() => false), [].some(() => true));
print([, 1].find((v) => v === undefined), [, 1].findIndex((v) => v === undefined), [, 1].every((v) => v === 1));
const from = { valueOf() { print("from index"); return 1; } };
print([NaN, 1, NaN].includes(NaN, from), [NaN].indexOf(NaN), [1, 2, 1].indexOf(1, from), [1, 2, 1].lastIndexOf(1, from));
const b = [1, 2, 3];
print(b.find((v, i) => { b.length = 1; return i === 2; }));
try { a.findLast((v) => v.x.y); } catch (e) { print(e.name); }
