// Symbol.replace, Symbol.match, Symbol.split called on plain objects whose properties are getters of the program.
const log = [];
const regexpLike = (results) => ({
  get flags() { log.push("flags"); return "g"; },
  get global() { log.push("global"); return true; },
  get unicode() { log.push("unicode"); return false; },
  get lastIndex() { log.push("get lastIndex"); return 0; },
  set lastIndex(v) { log.push("set lastIndex " + v); },
  get exec() { log.push("exec"); return () => results.shift() ?? null; },
});
const result = (text, index) => ({ get length() { log.push("length"); return 1; }, get 0() { log.push("match"); return text; }, get index() { log.push("index"); return index; }, get groups() { log.push("groups"); return undefined; } });
print(RegExp.prototype[Symbol.replace].call(regexpLike([result("b", 1)]), "abc", (m) => m + m), log.join(","));
log.length = 0;
print(RegExp.prototype[Symbol.match].call(regexpLike([result("b", 1), result("c", 2)]), "abc").join(), log.join(","));
log.length = 0;
print(RegExp.prototype[Symbol.search].call(regexpLike([result("b", 1)]), "abc"), log.join(","));
log.length = 0;
print(RegExp.prototype.test.call(regexpLike([]), "abc"), log.join(","));
print(RegExp.prototype.toString.call({ source: "s", flags: "f" }), Object.getOwnPropertyDescriptor(RegExp.prototype, "flags").get.call({ global: 1, sticky: 1, hasIndices: 0 }));
