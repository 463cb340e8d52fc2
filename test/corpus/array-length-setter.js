// Setting length with values that are converted, deleting elements that resist.
const a = [1, 2, 3, 4];
Object.defineProperty(a, 1, { configurable: false, value: "fixed" });
a.length = 0;
print(a.length, a.join());
try { (function () { "use strict"; a.length = 0; })(); } catch (e) { print(e.name); }
let n = 0;
const len = { valueOf() { n++; return 2; } };
const b = [1, 2, 3];
b.length = len;
print(b.length, n);
try { b.length = -1; } catch (e) { print(e.name); }
try { new Array({ valueOf: () => 3 }).length; print(new Array({ valueOf: () => 3 }).length); } catch (e) { print(e.name); }
try { new Array(-1); } catch (e) { print(e.name); }
b[5] = 1;
print(b.length, Object.keys(b).join());
