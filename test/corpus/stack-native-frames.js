// Stacks taken inside callbacks of native code of many kinds.
const at = [];
function take(label) { at.push(label + "\n" + new Error(label).stack); return 1; }
[2, 1].sort(() => take("sort"));
JSON.stringify({ toJSON() { return take("toJSON"); } });
JSON.parse("1", () => take("reviver"));
"a".replace(/a/, () => take("replace"));
new Proxy({}, { get: () => take("proxy") }).x;
Object.assign({}, { get g() { return take("assign"); } });
Array.from([1], () => take("from"));
new Map([[1, 1]]).forEach(() => take("map"));
`${{ toString() { take("toString"); return ""; } }}`;
Reflect.construct(function Made() { take("construct"); }, []);
[..."a"].flatMap(() => take("flatMap"));
new (class { field = take("field"); })();
(function* gen() { take("generator"); })().next();
eval('take("eval")');
new Function('take', 'take("function")')(take);
(function bound() { take("bound"); }).bind(null)();
[1].reduceRight(() => 0, take("argument"));
print(at.join("\n"));
