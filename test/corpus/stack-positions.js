// Line and column of every frame when expressions span lines, in templates, chains, defaults, fields and nested calls.
const here = () => new Error("here").stack.trim().split("\n")[1].trim();
const o = {
  get a() { return here(); },
  b(x = here()) {
    return x;
  },
  c: () =>
    [1, 2]
      .map((v) => v)
      .map(() => here())
      .at(-1),
};
print(o.a); print(o.b());
print(o
  .c());
print(`text
${here()} and
${(() => here())()}`);
class F {
  x = here();
  static s = here();
  static { print(here()); }
  #p = (() =>
    here())();
  p() { return this.#p; }
}
print(new F().x, F.s); print(new F().p());
const { d = here() } = {}; print(d);
for (const v of [here()]) print(v);
switch (1) { case (print(here()), 1): print(here()); }
try { throw here(); } catch (e) { print(e); } finally { print(here()); }
function multi(
  a,
  b = here(),
) { return b; }
print(multi()); print((0, here)()); print(eval("\n\n  here()")); print(new Function("here", "\nreturn   here()")(here));
