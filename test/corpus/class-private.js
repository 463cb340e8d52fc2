// Private fields, methods, accessors, statics, brand checks with in, private names in nested classes and eval.
class Counter {
  #n = 0;
  static #made = 0;
  static count() { return Counter.#made; }
  constructor() { Counter.#made++; }
  #bump(by) { this.#n += by; return this; }
  get #double() { return this.#n * 2; }
  set #double(v) { this.#n = v / 2; }
  up() { this.#bump(1).#bump(2); this.#n++; this.#double += 2; this.#n ??= 5; this.#n ||= 6; return this.#double; }
  static is(o) { return #n in o && #bump in o; }
  eval() { return eval("this.#n"); }
  inner() { const outer = this; return new (class { #n = "inner"; both() { return this.#n + Counter.peek(outer); } })().both(); }
  static peek(o) { return o.#n; }
  swap(o) { [this.#n, o.#n] = [o.#n, this.#n]; }
  call(f) { return this.#n?.toString().concat(f(this.#n)); }
}
const c = new Counter(), d = new Counter();
print(c.up(), Counter.count(), Counter.is(c), Counter.is({}), c.eval(), c.inner());
c.swap(d);
print(Counter.peek(c), Counter.peek(d), d.call((n) => ":" + n));
for (const f of [() => Counter.peek({}), () => new (class { #m() {} t() { this.#m = 1; } })().t(), () => new (class { get #g() { return 1; } t() { this.#g = 1; } })().t(), () => new (class { set #s(v) {} t() { return this.#s; } })().t(), () => eval("class Q { t() { return this.#nope; } }"), () => eval("#x in 1")]) {
  try { print(f()); } catch (e) { print(e.name); }
}
class Base { constructor(o) { return o; } }
class Stamp extends Base { #mark = "marked"; static read(o) { return o.#mark; } }
const plain = {};
new Stamp(plain);
print(Stamp.read(plain), Object.keys(plain).length);
try { new Stamp(plain); } catch (e) { print(e.name); }
