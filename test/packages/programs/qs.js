// Query strings with depth.
import qs from "qs";

const value = {
  a: { b: { c: ["d", "e f"], "x y": null } },
  list: [1, { k: true }],
  empty: [],
  date: new Date(0),
  text: "ü&=?",
};
for (const options of [
  {},
  { arrayFormat: "brackets" },
  { arrayFormat: "repeat", encode: false },
  { allowDots: true, skipNulls: true, addQueryPrefix: true, format: "RFC1738" },
])
  console.log(qs.stringify(value, options));
for (const text of [
  "a[b][c]=1&a[b][d][]=2&a[b][d][]=3",
  "a.b=1&c=%E4&d=%FC",
  "a[0]=x&a[2]=y",
  "__proto__[x]=1&constructor[prototype][y]=2",
  "a=1;b=2,3",
  "a[b][c][d][e][f][g][h]=deep",
]) {
  console.log(
    JSON.stringify(qs.parse(text)),
    JSON.stringify(qs.parse(text, { allowDots: true, comma: true, delimiter: /[&;]/, depth: 2, plainObjects: true })),
  );
}
console.log(
  {}.x,
  {}.y,
  qs.parse(Array.from({ length: 2000 }, (_, n) => `k${n}=${n}`).join("&"), { parameterLimit: 500 }).k499,
);
