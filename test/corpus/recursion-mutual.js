// Mutual recursion through several kinds of native callbacks, to a fixed depth.
const steps = [
  (n) => [n].map((v) => walk(v - 1))[0],
  (n) => Number(JSON.parse(JSON.stringify({ get v() { return walk(n - 1); } })).v),
  (n) => new Proxy({}, { get: () => walk(n - 1) }).any,
  (n) => Number("x".replace("x", () => walk(n - 1))),
  (n) => +{ valueOf: () => walk(n - 1) },
  (n) => { let r; [0, 1].sort(() => ((r ??= walk(n - 1)), 0)); return r; },
  (n) => [...(function* () { yield walk(n - 1); })()][0],
  (n) => Reflect.apply(walk, null, [n - 1]),
  (n) => new (class { v = walk(n - 1); })().v,
  (n) => eval("walk(n - 1)"),
  (n) => Array.from({ length: 1 }, () => walk(n - 1))[0],
  (n) => new Map([[0, n]]).forEach((v) => (last = walk(v - 1))) ?? last,
];
let last, calls = 0;
function walk(n) { calls++; return n <= 0 ? calls : steps[n % steps.length](n); }
print(walk(24), calls);
const even = (n) => (n === 0 ? "even" : odd(n - 1)), odd = (n) => (n === 0 ? "odd" : even(n - 1));
print(even(40), odd(41));
const ack = (m, n) => (m === 0 ? n + 1 : n === 0 ? ack(m - 1, 1) : ack(m - 1, ack(m, n - 1)));
print(ack(2, 3));
const hanoi = (n, a, b, c) => (n === 0 ? 0 : hanoi(n - 1, a, c, b) + 1 + hanoi(n - 1, c, b, a));
print(hanoi(7, "a", "b", "c"));
