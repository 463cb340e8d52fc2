// concat with isConcatSpreadable, species in slice, splice, filter; getters consulted by native code.
const spread = { length: 2, 0: "x", 1: "y", get [Symbol.isConcatSpreadable]() { print("spreadable?"); return true; } };
print([1].concat(spread, [2, [3]]).join("|"));
const no = [9, 9];
no[Symbol.isConcatSpreadable] = false;
print([1].concat(no).length);
class A extends Array {
  static get [Symbol.species]() { print("A species"); return B; }
}
class B extends Array { tag() { return "B" + this.length; } }
const a = A.from([1, 2, 3, 4]);
print(a.slice(1, 3).tag(), a.splice(0, 2).tag(), a.length, a.concat([7]).tag(), a.filter(() => true).tag());
class Bad extends Array { static get [Symbol.species]() { throw new Error("no species"); } }
try { new Bad(1, 2).map((x) => x); } catch (e) { print(e.message); }
a.constructor = undefined;
print(a.map((x) => x).constructor.name);
