// Iterator helpers: lazy map, filter, take, drop, flatMap, reduce, toArray, forEach, some, every, find.
function* nat() { let i = 0; try { while (true) yield i++; } finally { print("nat closed at", i); } }
print(nat().map((x) => x * x).filter((x) => x % 2).take(4).toArray().join());
print(nat().drop(3).take(2).toArray().join(), nat().flatMap((x) => [x, -x]).take(5).toArray().join());
print(nat().take(5).reduce((a, b) => a + b), nat().some((x) => x > 3), nat().every((x) => x < 2), nat().find((x) => x > 6));
nat().take(2).forEach((x, i) => print("each", x, i));
const it = nat().map((x) => { print("mapping", x); return x; });
print(it.next().value, it.return("r").done, it.next().done);
try { nat().map((x) => { if (x === 2) throw new Error("map threw"); return x; }).toArray(); } catch (e) { print(e.message); }
try { nat().take(-1); } catch (e) { print(e.name); }
try { nat().filter(5); } catch (e) { print(e.name); }
print(Iterator.from({ next() { return { done: this.i > 2, value: this.i++ }; }, i: 0 }).map((x) => x + "!").toArray().join());
class Mine extends Iterator { n = 3; next() { return { done: this.n === 0, value: this.n-- }; } }
print(new Mine().toArray().join(), [...new Mine().map((x) => x * 10)].join(), new Mine() instanceof Iterator);
print(new Set([1, 2, 3]).values().filter((x) => x !== 2).toArray().join(), "abc"[Symbol.iterator]().map((c) => c + c).toArray().join());
print([1, 2].values().flatMap((x) => new Set([x, x * 5])).toArray().join());
