// Symbol.toPrimitive, valueOf and toString called from every operator that converts.
const log = [];
const p = { [Symbol.toPrimitive](hint) { log.push(hint); return hint === "string" ? "str" : hint === "number" ? 7 : "def"; } };
const v = { valueOf() { log.push("valueOf"); return 3; }, toString() { log.push("toString"); return "text"; } };
const run = (name, f) => { log.length = 0; let r; try { r = String(f()); } catch (e) { r = e.name; } print(name, r, log.join()); };
for (const [n, o] of [["p", p], ["v", v]]) {
  run(n + " +", () => o + 1);
  run(n + " + str", () => "s" + o);
  run(n + " unary", () => +o);
  run(n + " -", () => o - 1);
  run(n + " *", () => o * o);
  run(n + " **", () => o ** 2);
  run(n + " %", () => 10 % o);
  run(n + " <", () => o < 5);
  run(n + " >=", () => 5 >= o);
  run(n + " ==", () => o == 3);
  run(n + " == str", () => "def" == o);
  run(n + " |", () => o | 8);
  run(n + " ~", () => ~o);
  run(n + " <<", () => o << 1);
  run(n + " >>>", () => -1 >>> o);
  run(n + " template", () => `${o}`);
  run(n + " key", () => ({ str: "by p", text: "by v" })[o]);
  run(n + " in", () => o in { str: 1 });
  run(n + " ++", () => { let x = o; x++; return x; });
  run(n + " +=", () => { let x = 1; x += o; return x; });
  run(n + " Number", () => Number(o));
  run(n + " Date", () => new Date(o).getTime());
  run(n + " isNaN", () => isNaN(o));
  run(n + " parseInt", () => parseInt(o));
  run(n + " Symbol", () => Symbol(o).description);
  run(n + " BigInt", () => BigInt(o));
}
