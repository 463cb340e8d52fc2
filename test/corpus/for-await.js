// for await over sync iterables, promises, custom async iterators, with closing.
const closing = (name, values) => ({
  [Symbol.asyncIterator]() {
    let i = 0;
    return {
      next: async () => (i < values.length ? { value: values[i++], done: false } : { value: undefined, done: true }),
      return: async (v) => { print(name, "return"); return {}; },
    };
  },
});
(async () => {
  for await (const x of [1, Promise.resolve(2), { then: (r) => r(3) }]) print(x);
  for await (const x of closing("a", ["p", "q"])) print(x);
  for await (const x of closing("b", [1, 2])) { if (x === 1) break; }
  try { for await (const x of closing("c", [1])) throw new Error("body"); } catch (e) { print(e.message); }
  await (async () => { for await (const x of closing("d", [1])) return; })();
  outer: for (const y of [1, 2]) for await (const x of closing("e" + y, [1])) continue outer;
  function* sync() { try { yield Promise.reject(new Error("sync rejected")); } finally { print("sync closed"); } }
  try { for await (const x of sync()) print(x); } catch (e) { print(e.message); }
  for await (const [k, { v = "default" }] of [["a", {}], Promise.resolve(["b", { v: 1 }])]) print(k, v);
  try { for await (const x of { [Symbol.asyncIterator]: () => ({ next: () => 5 }) }) print(x); } catch (e) { print(e.name); }
})();
