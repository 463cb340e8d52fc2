// push, pop, shift, unshift, splice, reverse, fill, copyWithin on objects whose elements are accessors.
const log = [];
function observed(values) {
  const store = values.slice();
  return new Proxy(store, {
    get(t, k) { if (typeof k === "string") log.push("g" + k); return t[k]; },
    set(t, k, v) { log.push("s" + k + "=" + v); t[k] = v; return true; },
    deleteProperty(t, k) { log.push("d" + k); return delete t[k]; },
    has(t, k) { log.push("h" + k); return k in t; },
    defineProperty(t, k, d) { log.push("p" + k); return Reflect.defineProperty(t, k, d); },
  });
}
function trace(name, ...args) {
  log.length = 0;
  const p = observed([1, 2, 3]);
  const result = Array.prototype[name].apply(p, args);
  print(name, String(result), log.join(" "));
}
trace("push", 4);
trace("pop");
trace("shift");
trace("unshift", 0);
trace("splice", 1, 1, "a");
trace("reverse");
trace("fill", 7, 1);
trace("copyWithin", 0, 1);
trace("join", "-");
trace("lastIndexOf", 2);
trace("at", -1);
