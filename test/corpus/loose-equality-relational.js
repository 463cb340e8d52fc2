// == and relational operators over mixed types with conversion methods that have side effects.
let count = 0;
const tick = { valueOf() { return ++count; } };
print(tick == 1, tick == 1, tick < 4, tick > 4, tick <= 5, count);
print(tick == "6", tick == true, tick != 8, count);
print(null == 0, undefined == null, NaN != NaN, "1" == 1n, [] == "", [0] == false, ({}) == "[object Object]");
const both = { valueOf() { print("left"); return 1; } };
const other = { valueOf() { print("right"); return 2; } };
print(both < other, both > other, both <= other, both + other);
print("b" > "a", "10" < "9", "10" < 9, [2] > 1, null >= 0, undefined >= 0, 1n < 1.5, 2n > 1e308 === false);
const a = { valueOf: () => 1 }, sw = [];
switch (1) { case a: sw.push("object"); break; case +a: sw.push("number"); }
print(sw.join());
