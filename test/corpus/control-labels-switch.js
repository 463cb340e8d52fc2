// Labelled break and continue, switch with fall-through and function scoping, nested loops of all kinds.
const out = [];
outer: for (let i = 0; i < 4; i++) {
  inner: for (let j = 0; ; j++) {
    if (j === 3) continue outer;
    if (i === 2) break outer;
    if (j === 1) continue inner;
    out.push(i + "" + j);
  }
}
print(out.join());
block: { out.push("in"); if (out.length) break block; out.push("never"); }
const kind = (x) => {
  switch (typeof x) {
    case "number": { if (x > 5) return "big"; }
    case "bigint": x = "numeric";
    default: return "default " + String(x);
    case "string": switch (x) { case "a": return "A"; case f(): return "called"; }
  }
  return "end";
};
function f() { print("case evaluated"); return "f"; }
print(kind(9), kind(1), kind(2n), kind("a"), kind("f"), kind("q"), kind(null));
let n = 0;
do { if (n === 2) continue; if (n > 4) break; } while (n++ < 10);
print(n);
for (var i = 0, s = ""; s += i, i < 3; i++);
print(s);
for (const k in { x: 1, __proto__: { y: 2, x: 3 } }) print("key", k);
const o = { a: 1, b: 2, c: 3 };
for (const k in o) { delete o.b; o.d = 4; print("live", k); }
for (const k in "ab") print(k);
for (const c of "añ") print(c);
a: b: for (;;) { break a; }
switch (1) { case 0: let shadow = 1; case 1: try { shadow; } catch (e) { print(e.name); } }
for (let q of [1, 2]) { let q = "inner"; print(q); }
lab: { try { break lab; } finally { print("finally before label"); } }
while (true) { try { continue; } finally { break; } }
print("end");
