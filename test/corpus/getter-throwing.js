// Exceptions out of getters and setters, through every native path that reads or writes properties.
const bad = { get x() { throw new Error("x refused"); }, set y(v) { throw new Error("y refused " + v); } };
const attempts = {
  read: () => bad.x,
  write: () => { bad.y = 5; },
  destructure: () => { const { x } = bad; },
  spread: () => ({ ...bad }),
  assign: () => Object.assign({}, bad),
  assignTo: () => Object.assign(bad, { y: 1 }),
  entries: () => Object.entries(bad),
  values: () => Object.values(bad),
  json: () => JSON.stringify(bad),
  reflect: () => Reflect.get(bad, "x"),
  reflectSet: () => Reflect.set(bad, "y", 2),
  template: () => `${bad.x}`,
  call: () => bad.x(),
  optional: () => bad?.x?.z,
  increment: () => { bad.x++; },
  nullish: () => { bad.x ??= 1; },
  withStatement: new Function("bad", "with (bad) { return x; }").bind(null, bad),
  structured: () => { const { ...rest } = bad; },
  fromEntries: () => Object.fromEntries([{ 0: "k", get 1() { throw new Error("entry refused"); } }]),
  defineProperties: () => Object.defineProperties({}, { get p() { throw new Error("descriptor refused"); } }),
};
for (const [name, f] of Object.entries(attempts)) {
  try { f(); print(name, "passed"); } catch (e) { print(name, e.message); }
}
