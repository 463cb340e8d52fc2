// A recursive-descent parser and evaluator with closures, regular expressions, Maps and errors.
const tokens = (text) => [...text.matchAll(/\s*(?:(?<num>\d+(?:\.\d+)?)|(?<id>[a-z]\w*)|(?<op>\*\*|[-+*/(),=]))/gy)].map(({ groups: { num, id, op } }) => (num ? { t: "num", v: +num } : id ? { t: "id", v: id } : { t: "op", v: op }));
class Parser {
  #at = 0; #tokens; static #binary = new Map([["+", [1, (a, b) => a + b]], ["-", [1, (a, b) => a - b]], ["*", [2, (a, b) => a * b]], ["/", [2, (a, b) => a / b]], ["**", [3, (a, b) => a ** b]]]);
  constructor(text) { this.#tokens = tokens(text); }
  get #peek() { return this.#tokens[this.#at]; }
  #take(v) { const t = this.#peek; if (v !== undefined && t?.v !== v) throw new SyntaxError(`expected ${v} but found ${t?.v ?? "end"} at ${this.#at}`); this.#at++; return t; }
  parse() { const e = this.#expression(0); if (this.#peek) throw new SyntaxError(`unexpected ${this.#peek.v}`); return e; }
  #expression(level) { let left = this.#unary(); for (;;) { const [p, f] = Parser.#binary.get(this.#peek?.v) ?? []; if (p === undefined || p <= level) return left; this.#take(); const l = left, r = this.#expression(p === 3 ? 2 : p); left = (env) => f(l(env), r(env)); } }
  #unary() { if (this.#peek?.v === "-") { this.#take(); const e = this.#unary(); return (env) => -e(env); } return this.#primary(); }
  #primary() {
    const t = this.#take();
    if (t?.t === "num") return () => t.v;
    if (t?.v === "(") { const e = this.#expression(0); this.#take(")"); return e; }
    if (t?.t === "id") {
      if (this.#peek?.v === "(") { this.#take(); const args = []; while (this.#peek?.v !== ")") { args.push(this.#expression(0)); if (this.#peek?.v === ",") this.#take(); } this.#take(")"); return (env) => env[t.v](...args.map((a) => a(env))); }
      return (env) => env[t.v];
    }
    throw new SyntaxError(`unexpected ${t?.v ?? "end"}`);
  }
}
const env = new Proxy({ max: Math.max, sum: (...a) => a.reduce((x, y) => x + y, 0), pi: 3 }, { get(t, k) { if (!(k in t)) throw new ReferenceError(String(k)); return t[k]; } });
for (const text of ["1 + 2 * 3", "2 ** 3 ** 2", "-(4 - 6) * pi", "max(1, sum(1, 2, 3), 5) / 2", "1 +", "foo(1)", "(1", "2 3"]) { try { print(text, "=", new Parser(text).parse()(env)); } catch (e) { print(text, e.name, e.message); } }
