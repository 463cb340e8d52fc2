// Explicit resource management where the engine has the syntax or the stack classes.
const stack = new DisposableStack();
stack.defer(() => print("deferred"));
stack.use({ [Symbol.dispose]() { print("used"); } });
stack.adopt("value", (v) => print("adopted", v));
const moved = stack.move();
print(stack.disposed, moved.disposed);
moved.dispose();
moved.dispose();
const failing = new DisposableStack();
failing.defer(() => { throw new Error("first"); });
failing.defer(() => { throw new Error("second"); });
try { failing.dispose(); } catch (e) { print(e.name, e.error?.message, e.suppressed?.message); }
try { failing.use({}); } catch (e) { print(e.name); }
try {
  new Function("print", `
    { using a = { [Symbol.dispose]() { print("a disposed"); } }; using b = null; print("body"); }
    try { using c = { [Symbol.dispose]() { throw new Error("dispose"); } }; throw new Error("body"); } catch (e) { print(e.name); }
  `)(print);
} catch (e) { print(e.name); }
(async () => {
  const s = new AsyncDisposableStack();
  s.defer(async () => { await null; print("async deferred"); });
  s.use({ async [Symbol.asyncDispose]() { print("async used"); } });
  await s.disposeAsync();
  print("async done", s.disposed);
})().catch((e) => print(e.name));
