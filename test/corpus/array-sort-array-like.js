// sort over array-likes, with getters and setters of the program behind the indexes.
const log = [];
const like = { length: 3 };
const store = ["c", "a", "b"];
for (let i = 0; i < 3; i++) {
  Object.defineProperty(like, i, {
    get() { log.push("get" + i); return store[i]; },
    set(v) { log.push("set" + i + v); store[i] = v; },
    enumerable: true, configurable: true,
  });
}
Array.prototype.sort.call(like, (x, y) => { log.push(x < y ? "lt" : "ge"); return x < y ? -1 : x > y ? 1 : 0; });
print(store.join());
print(log.filter((l) => l.startsWith("get")).join(), log.filter((l) => l.startsWith("set")).join());
print(JSON.stringify(Array.prototype.sort.call({ 0: 2, 2: 1, length: 3 })));
