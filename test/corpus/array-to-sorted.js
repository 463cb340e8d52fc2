// toSorted, toReversed, toSpliced and with: copies, with comparators and holes.
const a = [3, 1, 2];
print(a.toSorted((x, y) => y - x).join(), a.join());
print(a.toSorted().join(), [3, , 1].toSorted().length, 1 in [3, , 1].toSorted());
print(a.toReversed().join(), a.toSpliced(1, 1, "x", "y").join(), a.with(-1, 9).join(), a.join());
try { a.with(5, 0); } catch (e) { print(e.name); }
try { a.toSorted("no"); } catch (e) { print(e.name); }
try { a.toSorted(() => { throw new Error("stop"); }); } catch (e) { print(e.message, a.join()); }
const like = { length: 2, get 0() { print("get 0"); return "b"; }, get 1() { print("get 1"); return "a"; } };
print(Array.prototype.toSorted.call(like).join());
print(Array.prototype.toSpliced.call(like, 0, 1).join());
