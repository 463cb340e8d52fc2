// WeakRef and FinalizationRegistry, as far as they are deterministic.
const target = { name: "kept" };
const ref = new WeakRef(target);
print(ref.deref().name, ref.deref() === target, Object.prototype.toString.call(ref));
const registry = new FinalizationRegistry((held) => print("never printed", held));
registry.register(target, "held", target);
print(registry.unregister(target), registry.unregister(target));
try { registry.register(target, target); } catch (e) { print(e.name); }
try { new WeakRef(1); } catch (e) { print(e.name); }
try { new WeakRef(Symbol("local")).deref(); print("symbol ok"); } catch (e) { print(e.name); }
try { new WeakRef(Symbol.for("registered")); } catch (e) { print(e.name); }
try { new FinalizationRegistry(1); } catch (e) { print(e.name); }
const m = new WeakMap();
for (let i = 0; i < 100; i++) m.set({}, i);
m.set(target, "still");
print(m.get(target), new WeakSet().add(target).has(target));
