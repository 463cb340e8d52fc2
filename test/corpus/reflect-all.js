// Reflect's functions, with receivers and newTarget.
class P { constructor(v) { this.v = v; this.t = new.target?.name; } get who() { return "who:" + this.v; } }
class Q {}
const made = Reflect.construct(P, [1], Q);
print(made instanceof Q, made instanceof P, made.t, made.who);
print(Reflect.get(P.prototype, "who", { v: 9 }), Reflect.apply(String.prototype.slice, "hello", { length: 2, 0: 1, 1: 3 }));
const receiver = {};
print(Reflect.set({ set x(v) { this.got = v; } }, "x", 4, receiver), receiver.got);
print(Reflect.set({}, "y", 1, receiver), receiver.y, Reflect.set(Object.freeze({ a: 1 }), "a", 2), Reflect.set({}, "a", 1, 5));
print(Reflect.has({ a: 1 }, { toString: () => "a" }), Reflect.deleteProperty(Object.freeze({ a: 1 }), "a"), Reflect.defineProperty({}, "k", { value: 1 }));
print(Reflect.ownKeys({ b: 1, 2: 1, a: 1, 1: 1, [Symbol.iterator]: 1 }).map(String).join());
print(Reflect.getPrototypeOf([]) === Array.prototype, Reflect.setPrototypeOf({}, null), Reflect.setPrototypeOf(Object.freeze({}), {}), Reflect.isExtensible({}), Reflect.preventExtensions({}));
print(Reflect.getOwnPropertyDescriptor({ get a() { return 1; } }, "a").set);
for (const f of [() => Reflect.get(1, "a"), () => Reflect.construct(() => {}, []), () => Reflect.apply(1), () => Reflect.construct(P, [], 5), () => Reflect.ownKeys("s")]) {
  try { f(); } catch (e) { print(e.name); }
}
print(Reflect.construct(Date, [0], Array) instanceof Array, typeof Reflect.construct(function () { return { own: 1 }; }, []).own);
