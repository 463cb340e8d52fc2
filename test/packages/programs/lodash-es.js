// Collections, copies, functions; it probes for Node's Buffer and process.
import {
  camelCase,
  chunk,
  cloneDeep,
  curry,
  debounce,
  flow,
  get,
  groupBy,
  isBuffer,
  isEqual,
  isTypedArray,
  keyBy,
  memoize,
  merge,
  once,
  orderBy,
  padEnd,
  partition,
  set,
  startCase,
  template,
  throttle,
  times,
  uniqBy,
  zipObject,
} from "lodash-es";

const people = times(30, (n) => ({ id: n, name: `p${n % 7}`, age: (n * 37) % 50, tags: ["x", n] }));
console.log(JSON.stringify(Object.entries(groupBy(people, "name")).map(([name, list]) => [name, list.length])));
console.log(
  orderBy(people, ["age", "id"], ["desc", "asc"])
    .map(({ id }) => id)
    .join(),
);
console.log(
  chunk(times(7), 3).length,
  uniqBy(people, "name").length,
  partition(people, ({ age }) => age > 25)
    .map((each) => each.length)
    .join(),
);
const copy = cloneDeep({
  map: new Map([[1, { a: [1] }]]),
  date: new Date(5),
  re: /x/gi,
  typed: new Uint8Array([1, 2]),
  set: new Set([1]),
});
console.log(
  isEqual(copy, cloneDeep(copy)),
  copy.date.getTime(),
  String(copy.re),
  isTypedArray(copy.typed),
  isBuffer(copy.typed),
);
console.log(
  JSON.stringify(merge({ a: [{ b: 2 }, { d: 4 }] }, { a: [{ c: 3 }, { e: 5 }] })),
  get(people, "[3].tags[1]"),
  JSON.stringify(set({}, "a.b[1].c", 7)),
);
console.log(
  camelCase("Foo bar--BAZ"),
  startCase("fooBarÉa"),
  padEnd("a", 4, "_-"),
  template("<% for (const x of xs) { %><b><%- x %></b><% } %> <%= y.toUpperCase() %>")({ xs: ["<", "&"], y: "z" }),
);
console.log(
  curry((a, b, c) => a + b + c)(1)(2)(3),
  flow([(x) => x + 1, (x) => x * 2])(4),
  JSON.stringify(keyBy(people.slice(0, 2), "id")),
  JSON.stringify(zipObject(["a", "b"], [1, 2])),
);
let calls = 0;
const counted = memoize((n) => (calls++, n * n));
(counted(3), counted(3), once(() => calls++)());
console.log(calls);
const late = await new Promise((resolve) => {
  const fire = debounce((value) => resolve(value), 5);
  for (const value of [1, 2, 3]) fire(value);
});
const limited = throttle(() => calls++, 1000);
times(5, limited);
limited.cancel();
console.log(late, calls);
