// Calls in tail position, in conditionals, commas, logical operators and switch.
const loop = (n, acc = 0) => (n === 0 ? acc : loop(n - 1, acc + n));
print(loop(50));
function a(n) { return n > 0 && b(n - 1); }
function b(n) { return n <= 0 || a(n - 1); }
print(a(31), a(30));
function c(n, s) { switch (n % 3) { case 0: return n === 0 ? s : c(n - 1, s + "0"); case 1: return c(n - 1, s + "1"); default: { return (0, c)(n - 1, s + "2"); } } }
print(c(20, ""));
function trampoline(f) { while (typeof f === "function") f = f(); return f; }
const bounce = (n, acc) => (n === 0 ? acc : () => bounce(n - 1, acc + n));
print(trampoline(bounce(300, 0)));
const cps = (n, k) => (n === 0 ? k([]) : cps(n - 1, (r) => k([...r, n])));
print(cps(25, (r) => r.length + ":" + r.at(-1)));
const Y = (f) => ((x) => x(x))((x) => f((v) => x(x)(v)));
print(Y((self) => (n) => (n < 2 ? n : self(n - 1) + self(n - 2)))(10));
