// all, allSettled, any, race, withResolvers, try: with iterables, thenables and subclasses.
const later = (v, n) => { let p = Promise.resolve(v); for (let i = 0; i < n; i++) p = p.then((x) => x); return p; };
const reject = (m, n) => later(0, n).then(() => { throw new Error(m); });
(async () => {
  print((await Promise.all([1, later(2, 3), { then: (r) => r(3) }])).join());
  await Promise.all([later(1, 5), reject("first", 2), reject("second", 4)]).catch((e) => print(e.message));
  print(JSON.stringify((await Promise.allSettled([1, reject("r", 1), later(2, 2)])).map((r) => r.status + (r.value ?? r.reason.message))));
  print(await Promise.any([reject("a", 1), later("any", 3), later("slow", 9)]));
  await Promise.any([reject("a", 1), reject("b", 2)]).catch((e) => print(e.name, e.errors.map((x) => x.message).join()));
  print(await Promise.race([later("slow", 5), later("fast", 1)]));
  const { promise, resolve } = Promise.withResolvers();
  resolve("resolved"); resolve("again");
  print(await promise);
  print(await Promise.try((a, b) => a + b, 1, 2));
  await Promise.try(() => { throw new Error("tried"); }).catch((e) => print(e.message));
  class P extends Promise { static count = 0; constructor(f) { super(f); P.count++; } then(...a) { return super.then(...a); } }
  const made = P.all([P.resolve(1), 2]);
  print(made instanceof P, (await made).join(), P.count > 3);
  function* closing() { try { yield 1; yield 2; } finally { print("iterable closed"); } }
  class Refusing extends Promise { static resolve(v) { throw new Error("resolve refused"); } }
  await Refusing.all(closing()).catch((e) => print(e.message));
  await Promise.all(5).catch((e) => print(e.name));
})();
