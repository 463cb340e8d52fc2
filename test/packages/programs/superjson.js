// Values that JSON lacks, there and back.
import SuperJSON, { SuperJSON as Own } from "superjson";

const shared = { once: 1 };
const value = {
  date: new Date(86_400_000),
  map: new Map([["k", new Set([1, 2])]]),
  big: 12345678901234567890n,
  none: undefined,
  nan: NaN,
  minus: -0,
  re: /a+/gi,
  url: new URL("https://a.b/c?d"),
  error: new RangeError("far"),
  bytes: new Uint8Array([1, 2, 3]),
  one: shared,
  two: shared,
};
const text = SuperJSON.stringify(value);
console.log(text);
const back = SuperJSON.parse(text);
console.log(
  back.date.getTime(),
  back.map.get("k").has(2),
  back.big,
  "none" in back,
  back.nan,
  Object.is(back.minus, -0),
  back.re.flags,
  back.url.pathname,
  back.error.message,
  back.bytes.length,
  back.one === back.two,
);
class Point {
  constructor(x, y) {
    this.x = x;
    this.y = y;
  }
}
const own = new Own();
own.registerClass(Point);
own.registerCustom(
  {
    isApplicable: (v) => typeof v === "symbol",
    serialize: (s) => s.description,
    deserialize: (text) => Symbol.for(text),
  },
  "symbol",
);
const again = own.parse(
  own.stringify({ points: Array.from({ length: 20 }, (_, n) => new Point(n, n * n)), s: Symbol.for("q") }),
);
console.log(again.points[3] instanceof Point, again.points.at(-1).y, again.s === Symbol.for("q"));
