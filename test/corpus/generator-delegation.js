// yield* to generators, arrays, strings and hand-written iterators; throw and return pass through.
function* inner() { try { const x = yield "i1"; print("got", x); yield "i2"; return "inner result"; } catch (e) { print("inner caught", e); yield "i3"; return "after catch"; } finally { print("inner finally"); } }
function* outer() { const r = yield* inner(); print("r", r); yield* [1, 2]; yield* "ab"; return "done"; }
print([...outer()].join());
let it = outer(); it.next();
print(JSON.stringify([it.throw("E"), it.next("n"), it.next()]));
it = outer(); it.next();
print(JSON.stringify([it.return("early"), it.next()]));
const log = [];
const custom = {
  [Symbol.iterator]() { return this; },
  next(v) { log.push("next " + v); return { value: log.length, done: log.length > 2 }; },
  return(v) { log.push("return " + v); return { value: "ret", done: true }; },
};
function* d() { return yield* custom; }
it = d();
print(it.next("a").value, it.next("b").value);
try { it.throw("boom"); } catch (e) { print(e instanceof TypeError, log.join()); }
log.length = 0;
it = d(); it.next();
print(JSON.stringify(it.return("z")), log.join());
function* tree(n) { if (n) { yield* tree(n - 1); yield n; yield* tree(n - 1); } }
print([...tree(4)].join(""));
function* deep(n) { if (n === 0) { yield "bottom"; return; } yield* deep(n - 1); }
print([...deep(60)].join());
