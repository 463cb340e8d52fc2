// A Proxy in the prototype chain of the global object: every unresolved name calls a trap.
const saved = Object.getPrototypeOf(globalThis);
const asked = [];
const proxy = new Proxy(Object.create(saved), {
  has(t, k) { if (typeof k === "string" && k.startsWith("magic")) { asked.push(k); return true; } return Reflect.has(t, k); },
  get(t, k, r) { if (typeof k === "string" && k.startsWith("magic")) return k.length; return Reflect.get(t, k, r); },
});
try {
  Object.setPrototypeOf(globalThis, proxy);
  print(magicOne + magicTwelve, typeof magicThing, [1, 2].map((v) => v + magicX).join());
} catch (e) { print(e.name); } finally { try { Object.setPrototypeOf(globalThis, saved); } catch (e) { print(e.name); } }
try { magicGone; print("still there"); } catch (e) { print(e.name); }
print(asked.length > 0);
