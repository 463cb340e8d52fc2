// Deep recursion caught as the engine's own error, of plain functions; the program goes on afterwards.
let depth = 0;
function down() { depth++; down(); }
for (let i = 0; i < 2; i++) {
  depth = 0;
  try { down(); } catch (e) { print(e instanceof Error, e.name === "RangeError" || e.name === "InternalError", depth > 50); }
}
print([3, 1, 2].sort((a, b) => a - b).join());
function sum(n) { return n === 0 ? 0 : n + sum(n - 1); }
print(sum(40));
