/** The shape of the library's classes: their names, and how the web's specifications want theirs. */

/** The bundler may have given a class or function another name; `inspect` and errors show this one. */
export function nameClass(name: string, constructor: object): void {
  Object.defineProperty(constructor, "name", { value: name, configurable: true });
}

/** Prototypes of what cannot be copied: their state is behind their identity, and a copy would be an empty shell. */
export const notCloneable: object[] = [
  Promise.prototype,
  WeakMap.prototype,
  WeakSet.prototype,
  WeakRef.prototype,
  FinalizationRegistry.prototype,
  ...[function* () {}, async function* () {}].map((each) => Object.getPrototypeOf(each.prototype) as object),
  ...[[].values(), new Map().keys(), new Set().keys(), ""[Symbol.iterator]()].map(
    (each) => Object.getPrototypeOf(each) as object,
  ),
];

export function refuseClone(prototype: object): void {
  notCloneable.push(prototype);
}

type Interface = (abstract new (...args: never[]) => object) & { readonly prototype: object };

/** Gives a class the shape of a web interface: its name as tag, enumerable members. */
export function shapeInterface(name: string, constructor: Interface): void {
  const { prototype } = constructor;
  for (const key of Object.getOwnPropertyNames(prototype)) if (key !== "constructor") makeEnumerable(prototype, key);
  for (const key of Object.getOwnPropertyNames(constructor))
    if (!["length", "name", "prototype"].includes(key)) makeEnumerable(constructor, key);
  Object.defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true });
}

function makeEnumerable(object: object, key: string): void {
  Object.defineProperty(object, key, { ...Object.getOwnPropertyDescriptor(object, key), enumerable: true });
}
