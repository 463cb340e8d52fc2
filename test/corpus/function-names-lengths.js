// Names and lengths that the language gives to functions, classes, methods and accessors.
const sym = Symbol("desc"), a = () => {}, b = function () {}, c = class {}, { d = () => {} } = {}, [e = function () {}] = [];
const o = { f() {}, get g() { return 1; }, set g(v) {}, async h() {}, *i() {}, async *j() {}, ["k" + 1]: () => {}, [sym]() {}, [Symbol.iterator]: function () {}, l: class {}, m: (0, () => {}), "with space"() {}, 42() {} };
print([a, b, c, d, e].map((f) => f.name).join(), [o.f, o.h, o.i, o.j, o.k1, o[sym], o[Symbol.iterator], o.l, o.m, o["with space"], o[42]].map((f) => `"${f.name}"`).join());
print(Object.getOwnPropertyDescriptor(o, "g").get.name, Object.getOwnPropertyDescriptor(o, "g").set.name, o.f.bind().name, (() => {}).name === "", new Function().name);
class K { static name = "overridden"; #p() {} static n() { return new K().#p.name; } static { this.q = () => {}; } }
print(K.name, K.n(), K.q.name, class { static name() {} }.name.name);
let later; later = () => {}; later ??= 1; let f1 = a;
print(later.name, f1.name, ((x) => x)(() => {}).name === "", (function named() {}).name);
print([(x) => x, (x, y) => x, (x, y = 1, z) => x, (...r) => r, ({ p }, [q]) => p, function (v) {}, class { constructor(a, b) {} }].map((f) => f.length).join());
print(Object.getOwnPropertyNames(function () {}).sort().join(), Object.getOwnPropertyNames(() => {}).sort().join(), Object.getOwnPropertyNames(class {}).sort().join());
print("prototype" in a, "prototype" in function* () {}, "prototype" in (async () => {}), typeof o.f.prototype, o.i.prototype !== undefined);
