/** Iterators over what a web interface maps names to: they see changes while they go, as Web IDL asks. */

const ITERATOR_PROTOTYPE = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as object;

type Read<T> = (index: number) => T | undefined;

/** A maker of iterators for one interface. What an iterator is given reads the item at an index, while there is one. */
export function pairIterators(interfaceName: string): <T>(read: Read<T>) => IterableIterator<T> {
  class PairIterator<T> {
    readonly #read: Read<T>;
    #index = 0;

    constructor(read: Read<T>) {
      this.#read = read;
    }

    next(): IteratorResult<T, undefined> {
      const value = this.#read(this.#index++);
      return value === undefined ? { value: undefined, done: true } : { value, done: false };
    }
  }
  const { prototype } = PairIterator;
  Object.setPrototypeOf(prototype, ITERATOR_PROTOTYPE);
  Reflect.deleteProperty(prototype, "constructor");
  Object.defineProperty(prototype, "next", { enumerable: true });
  Object.defineProperty(prototype, Symbol.toStringTag, { value: `${interfaceName} Iterator`, configurable: true });
  return <T>(read: Read<T>) => new PairIterator(read) as unknown as IterableIterator<T>;
}
