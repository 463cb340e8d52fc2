// reduce and reduceRight: with and without an initial value, with exceptions and nested reductions.
print([1, 2, 3, 4].reduce((a, v) => a + v), [1, 2, 3, 4].reduce((a, v) => a + v, 10));
print(["a", "b", "c"].reduceRight((a, v, i) => a + i + v, ""));
print([[1, 2], [3, [4]]].reduce((a, v) => a.concat(v), []).length);
try { [].reduce((a, b) => a); } catch (e) { print(e.name); }
try { [1, 2, 3].reduce((a, v) => { if (v === 3) throw new Error("three"); return a + v; }); } catch (e) { print(e.message); }
print([, 1, , 2].reduce((a, v, i) => a + ":" + v + "@" + i));
const table = [1, 2, 3].reduce((rows, x) => [...rows, [1, 2, 3].reduce((row, y) => row + x * y + " ", "")], []);
print(table.join("/"));
const compose = [(x) => x + 1, (x) => x * 2, (x) => `<${x}>`].reduce((f, g) => (x) => g(f(x)));
print(compose(4));
