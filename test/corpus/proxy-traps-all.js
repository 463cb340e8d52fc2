// Every Proxy trap, called from operators and from built-ins.
const log = [];
const handler = new Proxy({}, {
  get(_, trap) {
    return (...args) => {
      log.push(trap + (typeof args[1] === "string" || typeof args[1] === "symbol" ? " " + String(args[1]) : ""));
      return Reflect[trap](...args);
    };
  },
});
const p = new Proxy(function target(a, b) { return [a, b, new.target !== undefined].join(); }, handler);
p.x = 1;
print(p.x, "x" in p, delete p.x, p(1, 2), typeof new p(3, 4));
Object.defineProperty(p, "y", { value: 2, configurable: true, enumerable: true });
print(Object.getOwnPropertyDescriptor(p, "y").value, Object.keys(p).join(), Object.getOwnPropertyNames(p).includes("y"));
print(Object.getPrototypeOf(p) === Function.prototype, Object.setPrototypeOf(p, Function.prototype) === p);
print(Object.isExtensible(p), p instanceof Function, p.hasOwnProperty("y"));
for (const k in p) print("in", k);
print(JSON.stringify({ ...p }));
Object.preventExtensions(p);
print(Object.isFrozen(p), Reflect.ownKeys(p).length);
print(log.join("\n"));
