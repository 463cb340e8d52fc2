// Built-ins whose helpers are replaced by the program: Map.prototype.set, Set.prototype.add, Promise.resolve, RegExp.prototype.exec.
const log = [];
const patch = (object, name, wrap, run) => {
  const original = Object.getOwnPropertyDescriptor(object, name);
  Object.defineProperty(object, name, { ...original, value: wrap(original.value) });
  try { return run(); } finally { Object.defineProperty(object, name, original); }
};
const spy = (label) => (f) => function (...args) { log.push(label + ":" + args.length); return f.apply(this, args); };
patch(Map.prototype, "set", spy("set"), () => new Map([[1, 2], [3, 4]]));
patch(Set.prototype, "add", spy("add"), () => new Set([1, 2, 3]));
patch(WeakSet.prototype, "add", spy("wadd"), () => new WeakSet([{}]));
patch(RegExp.prototype, "exec", spy("exec"), () => "a1b2".replace(/\d/g, "#") + /x/.test("x") + "a,b".split(/,/).length);
patch(String.prototype, Symbol.iterator, spy("siter"), () => [..."ab"].length + Array.from("cd").length);
patch(Promise, "resolve", spy("resolve"), () => Promise.all([1, 2]));
patch(Promise.prototype, "then", spy("then"), () => Promise.all([1]).catch(() => 0));
patch(Array.prototype, "join", spy("join"), () => String([1, 2]) + `${[3]}`);
patch(Error.prototype, "toString", spy("etoString"), () => `${new Error("e")}` + new TypeError("t"));
patch(Function.prototype, Symbol.hasInstance, (f) => f, () => [] instanceof Array);
patch(Date.prototype, "toISOString", spy("iso"), () => JSON.stringify(new Date(0)));
patch(Number.prototype, "valueOf", spy("nvalueOf"), () => Object(5) + 1);
patch(Object.prototype, "toString", spy("otoString"), () => `${{}}` + [{}].join());
print(log.join(" "));
