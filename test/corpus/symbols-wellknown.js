// Well-known symbols consulted by native code, each through a getter of the program.
const log = [];
const watch = (o, name, value) => Object.defineProperty(o, Symbol[name], { get() { log.push(name); return value; }, configurable: true });
print([].concat(watch([1], "isConcatSpreadable", false)).length);
print(watch({}, "toStringTag", "T") + "", `${watch({}, "toPrimitive", () => "prim")}`);
print(1 instanceof watch(function () {}, "hasInstance", () => true));
print("x".match(watch({}, "match", () => "M")), "x".replace(watch({}, "replace", () => "R")), "x".search(watch({}, "search", () => "S")), "x".split(watch({}, "split", () => "P")));
print([...watch({}, "iterator", function* () { yield 1; })].join(), "startsWith" in String.prototype);
try { "x".startsWith(watch({ toString: () => "x" }, "match", true)); } catch (e) { print(e.name); }
print("x".startsWith(watch({ toString: () => "x" }, "match", false)));
with (watch({ s: 1 }, "unscopables", { s: false })) print(s);
const a = [1, 2]; a.constructor = watch({}, "species", undefined);
print(a.map((x) => x).length);
(async () => { for await (const v of watch({}, "asyncIterator", undefined) && { [Symbol.iterator]: function* () { yield "sync fallback"; } }) print(v); print(log.join()); })();
print(Symbol.for("a") === Symbol.for("a"), Symbol.keyFor(Symbol.for("a")), Symbol("d").toString(), Symbol("d").description, Object(Symbol.iterator).description, typeof Object(Symbol("x")));
print(Object.getOwnPropertySymbols({ [Symbol("k")]: 1, s: 2 }).map(String).join(), JSON.stringify({ [Symbol("k")]: 1 }));
