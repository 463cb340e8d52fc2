/** How names get onto the global object. */

/** A global that programs may replace; `enumerable` for functions, as in browsers, not for classes. */
export function defineGlobal(name: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(globalThis, name, { value, writable: true, enumerable, configurable: true });
}

/** A global that is made when it is first read, and is an ordinary one from then on. */
export function defineLazyGlobal(name: string, make: () => unknown, enumerable: boolean): void {
  Object.defineProperty(globalThis, name, {
    get() {
      const value = make();
      defineGlobal(name, value, enumerable);
      return value;
    },
    set(value: unknown) {
      defineGlobal(name, value, enumerable);
    },
    enumerable,
    configurable: true,
  });
}
