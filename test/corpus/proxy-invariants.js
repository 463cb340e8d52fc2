// Traps whose answers break the invariants are refused.
const fixed = Object.freeze({ a: 1 });
const attempts = [
  () => new Proxy(fixed, { get: () => 2 }).a,
  () => "a" in new Proxy(fixed, { has: () => false }),
  () => delete new Proxy(fixed, { deleteProperty: () => true }).a,
  () => Object.keys(new Proxy(fixed, { ownKeys: () => [] })),
  () => Object.keys(new Proxy({}, { ownKeys: () => ["a", "a"] })),
  () => Object.keys(new Proxy({}, { ownKeys: () => [1] })),
  () => Object.getPrototypeOf(new Proxy(fixed, { getPrototypeOf: () => Array.prototype })),
  () => Object.isExtensible(new Proxy(fixed, { isExtensible: () => true })),
  () => Object.preventExtensions(new Proxy({}, { preventExtensions: () => true })),
  () => Object.defineProperty(new Proxy({}, { defineProperty: () => true }), "z", { value: 1, configurable: false }),
  () => Object.getOwnPropertyDescriptor(new Proxy(fixed, { getOwnPropertyDescriptor: () => undefined }), "a"),
  () => { "use strict"; new Proxy({}, { set: () => false }).q = 1; },
  () => { new Proxy({}, { set: () => false }).q = 1; return "silently"; },
  () => new (new Proxy(function () {}, { construct: () => 5 }))(),
  () => new Proxy({}, { apply: () => 5 })(),
  () => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy.x; },
  () => new Proxy({}, { get: 5 }).x,
  () => new Proxy({}, { get: null }).x,
  () => new Proxy({}, { get get() { throw new Error("trap lookup"); } }).x,
];
attempts.forEach((f, i) => {
  try { print(i, String(f())); } catch (e) { print(i, e.name, e.message === "trap lookup"); }
});
