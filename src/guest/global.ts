/** How names get onto the global object. */

import { part, type PartName } from "./part.ts";

/** A global that programs may replace; `enumerable` for functions, as in browsers, not for classes. */
export function defineGlobal(name: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(globalThis, name, { value, writable: true, enumerable, configurable: true });
}

/**
 * A global that is read from a part when it is first used, and is an ordinary one from then on. Every process has these:
 * what they close over takes room in each.
 */
export function defineLazyGlobal(name: string, from: PartName): void {
  Object.defineProperty(globalThis, name, {
    get() {
      const value = (part(from) as unknown as Record<string, unknown>)[name];
      defineGlobal(name, value, isEnumerable(name));
      return value;
    },
    set(value: unknown) {
      defineGlobal(name, value, isEnumerable(name));
    },
    enumerable: isEnumerable(name),
    configurable: true,
  });
}

/** Classes are not. */
function isEnumerable(name: string): boolean {
  return !/^[A-Z]/.test(name);
}
