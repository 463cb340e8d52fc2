// Which operations close an iterator and when: break, throw, destructuring, spread, return in closures.
const make = (name, result = {}) => ({
  [Symbol.iterator]() {
    let i = 0;
    return { next() { return { value: ++i, done: i > 5 }; }, get return() { print(name, "return looked up"); return () => { print(name, "closed"); return result; }; } };
  },
});
for (const x of make("break")) break;
try { for (const x of make("throw")) throw new Error("body"); } catch (e) { print(e.message); }
(() => { for (const x of make("return")) return; })();
o: for (;;) { for (const x of make("label")) break o; }
for (const x of make("end")) ;
const [a, b] = make("destructure");
const [...all] = make("rest");
const [] = make("empty");
let t = {};
try { [t.x, (() => { throw new Error("target"); })().y] = make("target"); } catch (e) { print(e.message); }
try { const [p = (() => { throw new Error("default"); })()] = make("default"); } catch (e) { print(e.message); }
try { const [q = (() => { throw new Error("default2"); })()] = { [Symbol.iterator]: () => ({ next: () => ({ done: false, value: undefined }), return() { print("default closed"); return {}; } }) }; } catch (e) { print(e.message); }
try { for (const x of make("badresult", 5)) break; } catch (e) { print(e.name); }
try { for (const x of make("badresult2", 5)) throw new Error("wins"); } catch (e) { print(e.message); }
try { new Map(make("map")); } catch (e) { print(e.name); }
print(a, b, all.join());
const bad = { [Symbol.iterator]: () => ({ next() { throw new Error("next failed"); }, return() { print("must not close"); } }) };
try { for (const x of bad) print(x); } catch (e) { print(e.message); }
try { [...{ [Symbol.iterator]: () => ({ next: () => 1 }) }]; } catch (e) { print(e.name); }
try { [...{ [Symbol.iterator]: 1 }]; } catch (e) { print(e.name); }
