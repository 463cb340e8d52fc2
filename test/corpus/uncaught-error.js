// A program that ends with an uncaught error out of native callbacks: its text and stack are the output.
print("before");
function deep(n) {
  if (n === 0) throw new RangeError("uncaught at the bottom", { cause: "none" });
  return [n].map(function callback(v) { return deep(v - 1); })[0];
}
const o = { get trigger() { return JSON.stringify({ toJSON() { return deep(3); } }); } };
`${{ toString() { return o.trigger; } }}`;
print("never");
