// try/catch/finally: overriding returns, nested finallys, rethrow, break out of finally, value of the completion.
const f1 = () => { try { return "try"; } finally { print("f1 finally"); } };
const f2 = () => { try { throw 1; } catch { return "catch"; } finally { return "finally wins"; } };
const f3 = () => { for (const x of [1, 2, 3]) { try { if (x === 2) return x; continue; } finally { print("each", x); if (x === 2) break; } } return "after loop"; };
const f4 = () => { try { try { throw new Error("inner"); } finally { print("inner finally"); } } catch (e) { try { throw new Error(e.message + "+outer"); } finally { print("second"); } } };
const f5 = () => { let x = 1; try { return x; } finally { x = 2; } };
const f6 = () => { l: try { return 1; } finally { break l; } return "escaped"; };
const f7 = () => { try { return (() => { throw new Error("while returning"); })(); } catch (e) { return e.message; } };
const f8 = (n) => { try { if (n === 0) throw new Error("bottom"); return f8(n - 1); } finally { unwound.push(n); } };
const unwound = [];
print(f1(), f2(), f3(), f5(), f6(), f7());
try { f4(); } catch (e) { print(e.message); }
try { f8(6); } catch (e) { print(e.message, unwound.join()); }
print(eval("try { 1 } finally { 2 }"), eval("do { 5; break; } while (0)"), eval("l: { 3; try { break l; } finally { 4 } }"), eval("if (0) 1;"));
try { try { throw 1; } finally { throw 2; } } catch (e) { print(e); }
const order = [];
(() => { try { order.push("a"); try { order.push("b"); return; } finally { order.push("c"); } } finally { order.push("d"); } })();
print(order.join());
let e = "outer e";
try { throw "thrown"; } catch (e) { var hoisted = e; e = "changed"; }
print(e, hoisted);
function g() { try { undefined.x; } catch ({ name, message: { length } }) { return name + (length > 0); } }
print(g());
