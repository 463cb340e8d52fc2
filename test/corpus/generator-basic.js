// Generators: next with values, return, throw, early exit, state after the end.
function* g(a) {
  const b = yield a + 1;
  try { const c = yield a + b; print("c", c); } catch (e) { print("caught", e); yield "recovered"; } finally { print("finally"); }
  return "end";
}
let it = g(1);
print(JSON.stringify([it.next("ignored"), it.next(10), it.next("C"), it.next()]));
it = g(1); it.next(); it.next(5);
print(JSON.stringify([it.throw("T"), it.return("R"), it.next()]));
it = g(1);
print(JSON.stringify([it.return(7), it.next()]));
it = g(1);
try { it.throw(new Error("early")); } catch (e) { print(e.message, JSON.stringify(it.next())); }
function* self() { try { loop.next(); } catch (e) { print(e.name); } yield 1; }
const loop = self();
loop.next();
function* fin() { try { yield 1; } finally { yield "cleanup"; return "override"; } }
it = fin(); it.next();
print(JSON.stringify([it.return("x"), it.next(), it.next()]));
function* countdown(n) { while (n > 0) yield n--; }
print([...countdown(5)].join(), Math.max(...countdown(3)));
const o = { *m() { yield this.v; }, v: "method" };
print(o.m().next().value, Object.prototype.toString.call(o.m()));
try { new g(); } catch (e) { print(e.name); }
