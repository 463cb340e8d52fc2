/** Who is interested in which paths: items by the path or prefix that they asked for, found by a path. */

export class PatternIndex<T> {
  readonly #items = new Map<string, Set<T>>();

  add(pattern: string, item: T): void {
    const items = this.#items.get(pattern);
    if (items === undefined) this.#items.set(pattern, new Set([item]));
    else items.add(item);
  }

  delete(pattern: string, item: T): void {
    const items = this.#items.get(pattern);
    items?.delete(item);
    if (items?.size === 0) this.#items.delete(pattern);
  }

  /** The items of the path itself, and of every prefix of it. */
  *matching(path: string): Generator<T> {
    yield* this.#items.get(path) ?? [];
    for (let end = path.indexOf("/"); end !== -1; end = path.indexOf("/", end + 1)) {
      yield* this.#items.get(path.slice(0, end + 1)) ?? [];
    }
    yield* this.#items.get("") ?? [];
  }
}
