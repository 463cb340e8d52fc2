// Thenables with getters, that throw, that call both ways, that call twice, that return promises.
const t = (name, o) => Promise.resolve(o).then((v) => print(name, "ok", String(v)), (e) => print(name, "failed", e instanceof Error ? e.message : e));
t("plain", { then: 5 });
t("getter", { get then() { return (r) => r("from getter"); } });
t("throwing getter", { get then() { throw new Error("then getter"); } });
t("throws", { then() { throw new Error("then threw"); } });
t("resolves then throws", { then(r) { r("first"); throw new Error("late"); } });
t("both", { then(r, j) { j("rejected"); r("resolved"); } });
t("nested", { then(r) { r({ then(r2) { r2("deep"); } }); } });
t("function", Object.assign(() => 1, { then: (r) => r("function thenable") }));
t("proxy", new Proxy({}, { get: (_, k) => (k === "then" ? (r) => r("proxy thenable") : undefined) }));
const self = new Promise((r) => setTimeoutless(() => r(self)));
function setTimeoutless(f) { Promise.resolve().then(f); }
self.catch((e) => print("self", e.name));
Promise.prototype.then.call(Promise.resolve(1), undefined, undefined).then((v) => print("passed", v));
Promise.resolve(1).finally(() => { throw new Error("finally threw"); }).catch((e) => print(e.message));
Promise.reject(new Error("kept")).finally(() => 5).catch((e) => print(e.message));
Promise.resolve("kept value").finally(() => ({ then(r) { print("finally waited"); r(); } })).then((v) => print(v));
new Promise(() => { throw new Error("executor"); }).catch((e) => print(e.message));
try { new Promise(); } catch (e) { print(e.name); }
try { Promise(); } catch (e) { print(e.name); }
