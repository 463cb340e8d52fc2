// Error.stack: names, lines and columns of functions, methods, getters, constructors, native frames between them.
function inner() { return new Error("inner").stack; }
const arrow = () => inner();
const o = {
  method() { return arrow(); },
  get getter() { return this.method(); },
};
class K {
  constructor() { this.stack = o.getter; }
  static make() { return new K().stack; }
}
print(K.make());
print([1].map(function mapped() { return inner(); })[0]);
print("x".replace(/x/, function replacer() { return inner(); }));
const taken = [];
[2, 1].sort(function comparator() { taken.push(inner()); return 0; });
print(taken[0]);
