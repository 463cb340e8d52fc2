// A comparator that changes the array that is being sorted.
const a = [5, 3, 9, 1, 7, 2];
a.sort((x, y) => {
  a.length = 0;
  a.push("x");
  return x - y;
});
print(a.length, a.join());
const b = [3, 2, 1];
let once = true;
b.sort((x, y) => {
  if (once) {
    once = false;
    Object.defineProperty(b, 0, { get: () => "got", set(v) { print("set", v); }, configurable: true });
  }
  return x - y;
});
print(b.join());
const frozen = Object.freeze([2, 1]);
try {
  frozen.sort((x, y) => x - y);
} catch (e) {
  print(e.name, frozen.join());
}
const c = [1, 2, 3];
c.sort((x, y) => { c.push(y); return y - x; });
print(c.slice(0, 3).join(), c.length >= 3);
