// A comparator that throws in the middle of a sort: the exception crosses the native sort, the array stays usable.
const values = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0];
for (let limit = 1; limit <= 25; limit += 6) {
  let calls = 0;
  const copy = values.slice();
  try {
    copy.sort((a, b) => {
      if (++calls === limit) throw new RangeError("call " + calls);
      return a - b;
    });
    print("sorted", copy.join());
  } catch (e) {
    print(e.name, e.message, copy.length, copy.slice().sort().join());
  }
}
try {
  [1, 2].sort(null);
} catch (e) {
  print(e.name);
}
