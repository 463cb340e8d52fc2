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

type Interface = (abstract new (...args: never[]) => object) & { readonly prototype: object };

/** The bundler may have given a class another name; `inspect` and errors show this one. */
export function nameClass(name: string, constructor: object): void {
  Object.defineProperty(constructor, "name", { value: name, configurable: true });
}

/** Gives a class the shape of a web interface, enumerable members and a tag, and makes it a global. */
export function defineInterface(name: string, constructor: Interface): void {
  const { prototype } = constructor;
  nameClass(name, constructor);
  for (const key of Object.getOwnPropertyNames(prototype)) if (key !== "constructor") makeEnumerable(prototype, key);
  for (const key of Object.getOwnPropertyNames(constructor)) if (!["length", "name", "prototype"].includes(key)) makeEnumerable(constructor, key);
  Object.defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true });
  defineGlobal(name, constructor, false);
}

function makeEnumerable(object: object, key: string): void {
  Object.defineProperty(object, key, { ...Object.getOwnPropertyDescriptor(object, key), enumerable: true });
}
