// Object.defineProperty reading descriptors through getters; redefinition errors; defineProperties; freeze and seal.
const log = [];
const descriptor = new Proxy({ value: 1, writable: true, enumerable: true }, {
  has(t, k) { log.push("has " + String(k)); return k in t; },
  get(t, k) { log.push("get " + String(k)); return t[k]; },
});
const o = Object.defineProperty({}, "p", descriptor);
print(o.p, log.join(","));
print(JSON.stringify(Object.getOwnPropertyDescriptor(o, "p")));
Object.defineProperty(o, "q", { get() { return "q!"; }, configurable: true });
print(o.q, Object.keys(o).join(), typeof Object.getOwnPropertyDescriptor(o, "q").get);
try { Object.defineProperty(o, "p", { get() {} }); } catch (e) { print(e.name); }
try { Object.defineProperty({}, "z", { get() {}, value: 1 }); } catch (e) { print(e.name); }
try { Object.defineProperty({}, "z", { get: 1 }); } catch (e) { print(e.name); }
const key = { toString() { print("key conversion"); return "made"; } };
print(Object.defineProperty({}, key, { value: 7 }).made);
const all = Object.defineProperties({}, { a: { value: 1, enumerable: true }, b: { get: () => 2, enumerable: true } });
print(JSON.stringify(all), JSON.stringify(Object.getOwnPropertyDescriptors(all)));
const sealed = Object.seal({ a: 1 });
sealed.a = 2; sealed.b = 3; delete sealed.a;
print(JSON.stringify(sealed), Object.isSealed(sealed), Object.isFrozen(Object.freeze({ a: 1 })), Object.isExtensible(Object.preventExtensions({})));
