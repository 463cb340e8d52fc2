// Uses before initialisation, through closures, classes, defaults, loops, switch and typeof.
const attempts = {
  let: () => { const f = () => x; f(); let x = 1; },
  const: () => { x = 1; const x = 2; },
  typeof: () => { typeof x; let x; },
  class: () => { new C(); class C {} },
  heritage: () => { class C extends C {} },
  computed: () => { class C { [C.name]() {} } },
  staticSelf: () => { class C { static a = C.name; } return C.a; },
  loop: () => { for (let i = i; ; ) break; },
  forOf: () => { for (const x of [x]) ; },
  forOfClosure: () => { let s = ""; for (const x of [() => "ok"]) s += x(); return s; },
  param: () => ((a = b, b) => a)(),
  paramOk: () => ((a, b = a) => b)("later"),
  switch: () => { switch (1) { case 1: x; let x; } },
  destructure: () => { const { a = c, c } = {}; },
  closureLater: () => { let r; const f = () => x; { r = typeof f; } let x = 5; return r + f(); },
  eval: () => { eval("y"); let y; },
  callback: () => { [1].map(() => z); let z; },
  named: () => { const f = function g() { g = 1; return typeof g; }; return f(); },
  catch: () => { try { throw 1; } catch (e) { let f = e; return f; } },
};
for (const [n, f] of Object.entries(attempts)) { try { print(n, f()); } catch (e) { print(n, e.name); } }
