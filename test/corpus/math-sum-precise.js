// Math.sumPrecise over an iterator of the program, f16round.
function* g() { try { yield 1e20; yield 0.1; yield -1e20; } finally { print("closed"); } }
print(Math.sumPrecise(g()), Math.sumPrecise([]), Math.f16round(1.337));
function* bad() { try { yield 1; yield "2"; } finally { print("closed early"); } }
try { Math.sumPrecise(bad()); } catch (e) { print(e.name); }
print(new Float16Array([1.337, 65520, 1e-8]).join());
