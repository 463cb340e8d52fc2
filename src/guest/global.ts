/** How names get onto the global object, and classes into the shape that the web's specifications give theirs. */

/** A global that programs may replace; `enumerable` for functions, as in browsers, not for classes. */
export function defineGlobal(name: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(globalThis, name, { value, writable: true, enumerable, configurable: true });
}

/** A global that is read through a getter. */
export function defineGlobalGetter(name: string, get: () => unknown): void {
  Object.defineProperty(globalThis, name, {
    get,
    set: (value: unknown) => defineGlobal(name, value, true),
    enumerable: true,
    configurable: true,
  });
}

/** Gives a class the shape of a web interface: enumerable members, a tag, and itself as a global. */
export function defineInterface(constructor: abstract new (...args: never[]) => object, ...statics: string[]): void {
  const { prototype } = constructor as { prototype: object };
  for (const key of Object.getOwnPropertyNames(prototype)) if (key !== "constructor") makeEnumerable(prototype, key);
  for (const key of statics) makeEnumerable(constructor, key);
  Object.defineProperty(prototype, Symbol.toStringTag, { value: constructor.name, configurable: true });
  defineGlobal(constructor.name, constructor, false);
}

function makeEnumerable(object: object, key: string): void {
  Object.defineProperty(object, key, { ...Object.getOwnPropertyDescriptor(object, key), enumerable: true });
}
