/** How an object of a web interface looks when it is inspected: its name and attributes, as Node shows them. */

const CUSTOM_INSPECT = Symbol.for("nodejs.util.inspect.custom");

type Inspect = (value: unknown, options: object) => string;

/** Shows the objects of `prototype` as `NAME { ATTRIBUTES }`. */
export function displayAs<T extends object>(prototype: T, name: string, attributes: (of: T) => object): void {
  Object.defineProperty(prototype, CUSTOM_INSPECT, {
    value(this: T, depth: number, options: object, inspect: Inspect): string {
      if (this === prototype) return `${name} {}`;
      if (depth < 0) return `[${name}]`;
      return `${name} ${inspect(attributes(this), { ...options, depth: null })}`;
    },
    configurable: true,
  });
}
