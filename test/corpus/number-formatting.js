// Numbers to text and back: toString radixes, toFixed, toPrecision, toExponential, parsing, special values.
const ns = [0, -0, 1, -1.5, 0.1 + 0.2, 1e21, 1e-7, 123456789.123, 2 ** 53, Number.MAX_VALUE, Number.MIN_VALUE, 5e-324, 1 / 3, NaN, Infinity];
for (const n of ns) print(String(n), n.toString(2).slice(0, 40), n.toString(36).slice(0, 9), n.toPrecision(6), n.toExponential(3), Math.abs(n) < 1e21 ? n.toFixed(4) : "-");
print((25).toString(36), (0.5).toString(16), (255).toString(16), (-255).toString(2), (1e21).toLocaleString === undefined);
print((1.005).toFixed(2), (1.45).toFixed(1), (0.000001).toFixed(7), (123.456).toFixed(0), (-1.5).toFixed(0), (2.5).toFixed(0), (1e20).toFixed(2));
for (const f of [() => (1).toFixed(101), () => (1).toString(1), () => (1).toPrecision(0), () => (1).toExponential(-1), () => Number.prototype.toString.call("1")]) { try { print(f()); } catch (e) { print(e.name); } }
print(["12px", "0x1F", " 42 ", "1e3", "", "0b101", "0o17", "1_000", "Infinity", "-0", "."].map((t) => Number(t) + "/" + parseFloat(t) + "/" + parseInt(t)).join(" "));
print(1_000_000, 0b101, 0o17, 0xff, .5, 5., 1e3, 0.1 * 3, 9007199254740993, 1.7976931348623157e308 * 10, -1 / Infinity);
print(Number.EPSILON > 0, Number.isInteger(5.0), Number.isSafeInteger(2 ** 53), Number.parseFloat === parseFloat, (12345.678).toPrecision(2), (0).toPrecision(3), 1e300 * 1e10, 4.35, 1.1 + 2.2);
print(0.1.toString(3).slice(0, 25), (2 ** 31).toString(32), (123.456).toString(7).slice(0, 12), 1e5 .toString(), parseInt("z", 36), parseInt("9", 8), parseInt(null), parseInt(1e21), parseInt(0.0000005));
