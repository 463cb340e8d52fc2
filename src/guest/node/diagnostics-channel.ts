/** `node:diagnostics_channel`: named channels that parts of a program publish to. */

type Listener = (message: unknown, name: string | symbol) => void;

export class Channel {
  readonly name: string | symbol;
  #listeners: readonly Listener[] = [];

  constructor(name: string | symbol) {
    this.name = name;
  }

  get hasSubscribers(): boolean {
    return this.#listeners.length > 0;
  }

  subscribe(listener: Listener): void {
    if (typeof listener !== "function") throw new TypeError("a subscriber must be a function");
    this.#listeners = [...this.#listeners, listener];
  }

  unsubscribe(listener: Listener): boolean {
    const index = this.#listeners.indexOf(listener);
    if (index < 0) return false;
    this.#listeners = this.#listeners.toSpliced(index, 1);
    return true;
  }

  /** Tells every subscriber; one that throws ends none of the others, and is reported as uncaught. */
  publish(message: unknown): void {
    for (const listener of this.#listeners) {
      try {
        listener(message, this.name);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
declare function queueMicrotask(callback: () => void): void;

const channels = new Map<string | symbol, Channel>();

export function channel(name: string | symbol): Channel {
  const present = channels.get(name);
  if (present !== undefined) return present;
  const made = new Channel(name);
  channels.set(name, made);
  return made;
}
export function hasSubscribers(name: string | symbol): boolean {
  return channels.get(name)?.hasSubscribers ?? false;
}
export function subscribe(name: string | symbol, listener: Listener): void {
  channel(name).subscribe(listener);
}
export function unsubscribe(name: string | symbol, listener: Listener): boolean {
  return channels.get(name)?.unsubscribe(listener) ?? false;
}
export default { Channel, channel, hasSubscribers, subscribe, unsubscribe };
