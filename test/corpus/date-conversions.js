// Dates in UTC: parsing, setters, overflow, conversion to primitive, JSON, invalid dates.
const d = new Date(Date.UTC(2024, 1, 29, 12, 34, 56, 789));
print(d.toISOString(), d.getUTCDay(), d.valueOf(), JSON.stringify({ d }), +d, d.toJSON());
d.setUTCMonth(13); d.setUTCDate(0); d.setUTCHours(25, 61, 61, 1001);
print(d.toISOString());
print(new Date(0).toISOString(), new Date(8.64e15).toISOString(), new Date(-1).toISOString(), new Date(8.64e15 + 1).getTime());
for (const t of ["2020-01-01", "2020-01-01T00:00:00Z", "2020-02-30T10:00:00Z", "2020-01-01T12:00:00+05:30", "+012345-01-01T00:00:00Z", "nonsense", "2020-13-01"]) print(t, String(Date.parse(t)));
print(String(new Date(NaN)), new Date(NaN).getTime(), JSON.stringify([new Date(NaN)]));
try { new Date(NaN).toISOString(); } catch (e) { print(e.name); }
print(typeof (new Date(5) + 1), new Date(5) - 1, new Date(7)[Symbol.toPrimitive]("number"), new Date(new Date(3)).getTime(), new Date({ valueOf: () => 99 }).getTime(), new Date({ [Symbol.toPrimitive]: () => "2000-01-01T00:00:00Z" }).getTime());
print(Date.UTC(99, 0), Date.UTC(2000), Date.length, new Date(2019, 0).getFullYear(), typeof Date(), Date.prototype.toJSON.call({ toISOString: () => "custom", valueOf: () => 1 }));
class D extends Date { toISOString() { return "sub:" + super.toISOString(); } }
print(JSON.stringify(new D(0)), new D(0) instanceof Date);
const year = new Date(0); year.setUTCFullYear(-1, 11, 31);
print(year.toISOString(), new Date(1e12).toUTCString(), new Date(Date.UTC(2000, 1, 29)).setUTCFullYear(2001));
const args = [];
const v = (n) => ({ valueOf() { args.push(n); return n; } });
print(Date.UTC(v(2001), v(2), v(3), v(4)), args.join());
try { new Date(Symbol()); } catch (e) { print(e.name); }
