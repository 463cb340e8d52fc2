// Proxies on proxies, as prototypes, as receivers, and membranes around functions.
const log = [];
const layer = (target, name) => new Proxy(target, {
  get(t, k, r) { log.push(name + ".get " + String(k)); return Reflect.get(t, k, r); },
  has(t, k) { log.push(name + ".has " + String(k)); return Reflect.has(t, k); },
  set(t, k, v, r) { log.push(name + ".set " + String(k)); return Reflect.set(t, k, v, r); },
});
const inner = layer({ a: 1, get who() { return this === child ? "child" : "other"; } }, "inner");
const outer = layer(inner, "outer");
const child = Object.create(outer);
print(child.a, child.who, "z" in child, child.missing);
child.n = 5;
print(Object.hasOwn(child, "n"), log.join(" | "));
function membrane(value) {
  if (typeof value !== "object" && typeof value !== "function") return value;
  return new Proxy(value, {
    get: (t, k) => membrane(Reflect.get(t, k)),
    apply: (t, self, args) => membrane(Reflect.apply(t, self, args.map(membrane))),
    construct: (t, args) => membrane(Reflect.construct(t, args)),
  });
}
const api = membrane({ list: [3, 1, 2], make: class { constructor(v) { this.v = v; } twice() { return this.v * 2; } } });
print(api.list.map((v) => v * 2).join(), new api.make(21).twice(), api.list.slice().sort((a, b) => a - b).join());
let depth = {};
for (let i = 0; i < 30; i++) depth = new Proxy(depth, {});
depth.end = "reached";
print(depth.end);
