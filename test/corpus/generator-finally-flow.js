// try/finally in generators with return, break, continue and nested yields.
function* g() {
  for (let i = 0; i < 4; i++) {
    try { if (i === 1) continue; if (i === 3) break; yield "body" + i; } finally { yield "fin" + i; }
  }
  try { return "ret"; } finally { try { yield "f1"; } finally { yield "f2"; } }
}
print([...g()].join());
const it = g();
const got = [];
for (let r = it.next(); !r.done; r = it.next()) got.push(r.value);
print(got.length, it.next().value);
function* h() { try { yield 1; } finally { throw new Error("from finally"); } }
const k = h(); k.next();
try { k.return(5); } catch (e) { print(e.message, k.next().done); }
try { for (const x of h()) throw new Error("from body"); } catch (e) { print(e.message); }
try { for (const x of h()) break; } catch (e) { print(e.message); }
function* nested() { try { try { yield 1; } finally { yield 2; } } catch (e) { yield "c" + e; } finally { yield 3; } }
const n = nested(); n.next();
print(JSON.stringify([n.throw("E"), n.next(), n.next(), n.next()]));
