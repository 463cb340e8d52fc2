// Optional chaining and logical assignment, with side effects that must or must not happen.
const log = [];
const o = { a: { f() { return this === o.a; }, get g() { log.push("g"); return null; } }, n: null, z: 0, e: "" };
print(o?.a?.f(), o.n?.x.y.z(log.push("never")), o.a?.["f"]?.(), o.missing?.(log.push("never2")), o.a.g?.[log.push("never3")]);
print(log.join(), o.z ?? "d", o.z || "d", o.e ?? "d", o.n ?? "d", delete o.n?.x, delete o?.e, "e" in o);
const key = () => { log.push("key"); return "k"; };
const t = { get k() { log.push("get"); return this._k; }, set k(v) { log.push("set " + v); this._k = v; } };
log.length = 0;
t[key()] ??= (log.push("rhs"), 1);
t[key()] ??= (log.push("never"), 2);
t[key()] &&= 3;
t[key()] ||= 4;
t[key()] += 5;
t[key()] **= 2;
t[key()]++;
print(log.join(), t._k);
try { o.a?.b.c; } catch (e) { print(e.name); }
try { null?.x; undefined?.(); o.z?.(); } catch (e) { print(e.name); }
const f = (x = o?.a?.f?.call(o.a)) => x;
print(f(), (o?.a).f(), (o.n?.x)?.y);
let fn; fn ||= () => {}; let cl; cl ??= class {};
print(fn.name, cl.name);
