// Order of properties, for-in over changing prototypes and Proxies, enumerability, integer keys.
const o = { b: 1, 10: "x", a: 2, 9: "y", [Symbol("s")]: 3, "-1": 4, "01": 5, 4294967295: 6, 4294967294: 7 };
print(Reflect.ownKeys(o).map(String).join());
Object.defineProperty(o, "hidden", { value: 1, enumerable: false });
const child = Object.create(o, { own: { value: 1, enumerable: true }, a: { value: "shadow", enumerable: false } });
const ks = []; for (const k in child) ks.push(k);
print(ks.join());
const p = new Proxy({ x: 1, y: 2, z: 3 }, { ownKeys(t) { print("ownKeys"); return ["z", "x"]; }, getOwnPropertyDescriptor(t, k) { print("gopd", String(k)); return Reflect.getOwnPropertyDescriptor(t, k); } });
for (const k in p) print("in", k);
print(Object.keys(p).join(), JSON.stringify(p), Object.entries(p).length);
const live = { a: 1, b: 2, c: 3 }; const got = [];
for (const k in live) { got.push(k); if (k === "a") { delete live.c; live.added = 1; Object.defineProperty(live, "b", { enumerable: false }); } }
print(got.join());
class K { m() {} static s() {} get g() { return 1; } f = 1; }
print(Object.keys(new K()).join(), Object.getOwnPropertyNames(K.prototype).join(), Object.getOwnPropertyNames(K).sort().join());
const many = {}; for (let i = 0; i < 200; i++) many["k" + ((i * 37) % 200)] = i;
for (let i = 0; i < 200; i += 2) delete many["k" + i];
print(Object.keys(many).length, Object.keys(many).slice(0, 4).join());
print(Object.getOwnPropertyNames("ab").join(), Object.keys(new Uint8Array(2)).join(), "length" in Object.getOwnPropertyDescriptors([]), ({}).propertyIsEnumerable.call(o, "hidden"));
