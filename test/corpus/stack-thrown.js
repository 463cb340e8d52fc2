// The stack of errors thrown by the engine itself: their place, line and column.
const faults = {
  type() { null.property; },
  reference() { notDefined; },
  range() { return new Array(-1); },
  call() { const x = 5; x(); },
  constant() { const c = 1; c = 2; },
  json() { JSON.parse("{bad"); },
  regexp() { new RegExp("("); },
  deep() { return [1].map(() => [2].forEach(() => undefined.x)); },
  uri() { decodeURIComponent("%"); },
  evalSyntax() { eval("var ="); },
};
for (const [name, fault] of Object.entries(faults)) {
  try { fault(); } catch (e) { print(name, e.name + ":", e.message); print(e.stack); }
}
