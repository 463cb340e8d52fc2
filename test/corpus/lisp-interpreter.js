// An interpreter for a small Lisp: closures, recursion, tail calls by trampoline, error handling in the guest language.
const read = (text) => { const t = text.match(/[()']|[^\s()']+/g); const go = () => { const x = t.shift(); if (x === "(") { const l = []; while (t[0] !== ")") { if (!t.length) throw new SyntaxError("missing )"); l.push(go()); } t.shift(); return l; } if (x === "'") return ["quote", go()]; return isNaN(x) ? x : Number(x); }; return go(); };
const globals = { __proto__: null, "+": (...a) => a.reduce((x, y) => x + y), "-": (a, b) => a - b, "*": (...a) => a.reduce((x, y) => x * y), "<": (a, b) => a < b, "=": (a, b) => a === b, list: (...a) => a, car: ([a]) => a, cdr: ([, ...r]) => r, cons: (a, l) => [a, ...l], "null?": (l) => l.length === 0 };
function evaluate(x, env) {
  for (;;) {
    if (typeof x === "string") { if (!(x in env)) throw new ReferenceError("unbound " + x); return env[x]; }
    if (!Array.isArray(x)) return x;
    switch (x[0]) {
      case "quote": return x[1];
      case "if": x = evaluate(x[1], env) ? x[2] : x[3]; continue;
      case "define": return void (globals[x[1]] = evaluate(x[2], env));
      case "lambda": return Object.assign((...args) => evaluate(x[2], bind(x[1], args, env)), { params: x[1], body: x[2], env });
      case "let": env = bind(x[1].map(([n]) => n), x[1].map(([, v]) => evaluate(v, env)), env); x = x[2]; continue;
    }
    const [f, ...args] = x.map((e) => evaluate(e, env));
    if (f.body === undefined) return f(...args);
    env = bind(f.params, args, f.env); x = f.body;
  }
}
const bind = (names, values, parent) => names.reduce((e, n, i) => ((e[n] = values[i]), e), Object.create(parent));
const run = (text) => { try { const r = evaluate(read(text), globals); print(text.slice(0, 40), "=>", JSON.stringify(r)); } catch (e) { print(text.slice(0, 40), e.name, e.message); } };
run("(define fact (lambda (n) (if (< n 2) 1 (* n (fact (- n 1))))))");
run("(fact 10)");
run("(define loop (lambda (n a) (if (= n 0) a (loop (- n 1) (+ a n)))))");
run("(loop 200 0)");
run("(define map (lambda (f l) (if (null? l) '() (cons (f (car l)) (map f (cdr l))))))");
run("(map (lambda (x) (* x x)) '(1 2 3 4 5))");
run("(let ((a 1) (b 2)) (+ a b (let ((a 10)) a)))");
run("(((lambda (f) (lambda (n) ((f f) n))) (lambda (f) (lambda (n) (if (= n 0) 0 (+ n ((f f) (- n 1))))))) 12)");
run("(undefined-thing 1)");
run("(+ 1 2");
