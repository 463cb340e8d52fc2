/** Lets so many through at once; who comes meanwhile waits, first come, first served. */
export class Turnstile {
  #room: number;
  /** Bounded by who comes: each caller says by whom. */
  readonly #waiting: (() => void)[] = [];

  constructor(atOnceMax: number) {
    this.#room = atOnceMax;
  }

  async pass<T>(action: () => Promise<T>): Promise<T> {
    if (this.#room > 0) this.#room--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await action();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#room++;
      else next();
    }
  }
}
