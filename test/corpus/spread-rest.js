// Spread in calls, arrays, objects and constructors; rest parameters; evaluation order.
const log = [];
const it = (n, ...vs) => ({ *[Symbol.iterator]() { log.push("start " + n); yield* vs; log.push("end " + n); } });
const collect = (...args) => args.join();
print(collect(...it("a", 1, 2), (log.push("middle"), 3), ...it("b", 4), ...""), log.join());
print([...it("x", 1), ...[...it("y", 2)], ..."é😀"].join("|"));
print(Math.max(...it("m", 3, 9, 4)), new Date(...[2020, 1, 2, 3]).getMonth(), String.fromCharCode(...[72, 105]));
print(JSON.stringify({ ...{ a: 1, b: 2 }, b: 3, ...null, ..."hi", ...[9], ...{ get g() { log.push("g"); return "G"; } } }));
class P { constructor(a, ...rest) { this.s = a + rest.length; } }
print(new P(...[1, 2, 3]).s, new (class extends P { constructor(...args) { super(...args, "more"); } })(1, 2).s);
const bound = collect.bind(null, ...[1, 2]);
print(bound(...[3]), ((a, b = 2, ...[c, d]) => [a, b, c, d].join())(1, undefined, 3, 4));
try { collect(...5); } catch (e) { print(e.name); }
try { collect(...{ *[Symbol.iterator]() { yield 1; throw new Error("spread stopped"); } }); } catch (e) { print(e.message); }
print(collect.length, ((a, b, ...c) => {}).length, collect.apply(null, { length: 2, 0: "p", get 1() { return "q"; } }), collect(...new Map([[1, 2]])));
const o = { f(...a) { return this.k + a.length; }, k: "k" };
print(o.f(...[1, 2]), o?.f(...[1]), o["f"](...[]), eval("o.f(...[1,2,3,4])"));
print(collect(...Array(3)), [...Array(2).keys()].join(), collect(...[, 1]));
