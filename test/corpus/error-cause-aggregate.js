// Error.cause, AggregateError, error properties and toString, subclasses, errors with accessors.
const e1 = new Error("outer", { cause: new TypeError("inner", { cause: "root" }) });
print(e1.message, e1.cause.message, e1.cause.cause, "cause" in new Error("x"), "cause" in new Error("x", { cause: undefined }));
print(Object.getOwnPropertyNames(new Error("m", { cause: 1 })).filter((n) => n !== "stack").join(), Object.keys(new Error("m")).length);
const options = { get cause() { print("cause getter"); return "C"; } };
print(new RangeError("r", options).cause);
function* errors() { yield new Error("a"); yield "b"; }
const ag = new AggregateError(errors(), "many", { cause: "why" });
print(ag.name, ag.message, ag.errors.length, ag.errors[1], ag.cause, ag instanceof Error);
try { new AggregateError(5); } catch (e) { print(e.name); }
print(String(new Error()), String(new Error("m")), Error.prototype.toString.call({ name: "N", message: "M" }), Error.prototype.toString.call({ get name() { return undefined; }, get message() { return ""; } }));
class Coded extends Error { constructor(code, ...rest) { super(...rest); this.code = code; } get name() { return "Coded" + this.code; } }
const c = new Coded(7, "coded", { cause: e1 });
print(String(c), c.cause === e1, c instanceof Coded, Object.prototype.toString.call(c));
print(Error("called").message, TypeError("t") instanceof TypeError, Error.isError?.(c), Error.isError?.({ __proto__: Error.prototype }));
try { try { throw new Error("first"); } catch (e) { throw new Error("second", { cause: e }); } } catch (e) { print(e.message, "<-", e.cause.message); }
for (const C of [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]) print(new C("x").toString(), C.prototype.name, Object.getPrototypeOf(C) === Error);
for (const v of [undefined, null, 5, "text", Symbol.iterator, { a: 1 }]) { try { throw v; } catch (x) { print(typeof x, Object.is(x, v)); } }
