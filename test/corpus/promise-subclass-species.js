// Promise subclasses, species, custom constructors used by native reaction code.
const log = [];
class Sub extends Promise {
  constructor(executor) { log.push("construct"); super((res, rej) => executor((v) => { log.push("res"); res(v); }, rej)); }
  static get [Symbol.species]() { log.push("species"); return this; }
}
const p = Sub.resolve(1).then((v) => v + 1);
print(p instanceof Sub, p.constructor === Sub);
p.then((v) => { print("value", v); print(log.join()); });
function Custom(executor) { executor((v) => print("custom resolved", v), (e) => print("custom rejected", e.name ?? e)); this.custom = true; }
print(Promise.resolve.call(Custom, 5).custom, Promise.reject.call(Custom, 6).custom);
Promise.all.call(Custom, []);
try { Promise.resolve.call(function () {}, 1); } catch (e) { print(e.name); }
try { Promise.all.call(undefined, []); } catch (e) { print(e.name); }
const q = Promise.resolve(1);
q.constructor = { [Symbol.species]: function (ex) { ex((v) => print("species resolved", v), () => {}); this.mine = 1; } };
print(q.then((v) => v * 100).mine);
Object.defineProperty(q, "constructor", { get() { throw new Error("constructor getter"); } });
try { q.then(() => {}); } catch (e) { print(e.message); }
(async () => { try { await q; } catch (e) { print("await", e.message); } })();
