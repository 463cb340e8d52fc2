/** The global `FormData` (WHATWG XMLHttpRequest), without the forms of a document. */

import { part } from "../core.ts";
import type { Blob, File } from "./blob.ts";
import { displayAs } from "./display.ts";
import { requireArguments, usvString } from "./idl.ts";
import { pairIterators } from "./pair-iterator.ts";

export type Entry = readonly [name: string, value: string | File];

const iterator = pairIterators("FormData");
let listOf: (form: FormData) => Entry[];

/** The global `FormData`. */
export class FormData {
  #entries: Entry[] = [];

  constructor(form: unknown = undefined) {
    if (form !== undefined) throw new TypeError("there are no documents here, so a FormData cannot be made of a form");
  }

  static {
    listOf = (form) => form.#entries;
  }

  append(name: unknown, value: unknown, filename: unknown = undefined): void {
    requireArguments(arguments.length, 2, "FormData.append");
    this.#entries.push(entryOf(name, value, filename, arguments.length));
  }

  delete(name: unknown): void {
    requireArguments(arguments.length, 1, "FormData.delete");
    const key = usvString(name);
    this.#entries = this.#entries.filter(([other]) => other !== key);
  }

  get(name: unknown): string | File | null {
    requireArguments(arguments.length, 1, "FormData.get");
    const key = usvString(name);
    return this.#entries.find(([other]) => other === key)?.[1] ?? null;
  }

  getAll(name: unknown): (string | File)[] {
    requireArguments(arguments.length, 1, "FormData.getAll");
    const key = usvString(name);
    return this.#entries.filter(([other]) => other === key).map(([, value]) => value);
  }

  has(name: unknown): boolean {
    requireArguments(arguments.length, 1, "FormData.has");
    const key = usvString(name);
    return this.#entries.some(([other]) => other === key);
  }

  set(name: unknown, value: unknown, filename: unknown = undefined): void {
    requireArguments(arguments.length, 2, "FormData.set");
    const entry = entryOf(name, value, filename, arguments.length);
    const at = this.#entries.findIndex(([other]) => other === entry[0]);
    if (at < 0) this.#entries.push(entry);
    else {
      this.#entries[at] = entry;
      this.#entries = this.#entries.filter(([other], index) => index <= at || other !== entry[0]);
    }
  }

  forEach(callback: (value: string | File, name: string, form: FormData) => void, receiver: unknown = undefined): void {
    requireArguments(arguments.length, 1, "FormData.forEach");
    if (typeof callback !== "function") throw new TypeError("the callback of FormData.forEach must be a function");
    for (const [name, value] of this) callback.call(receiver, value, name, this);
  }

  entries(): IterableIterator<[name: string, value: string | File]> {
    return this.#iterate(([name, value]) => [name, value]);
  }

  keys(): IterableIterator<string> {
    return this.#iterate(([name]) => name);
  }

  values(): IterableIterator<string | File> {
    return this.#iterate(([, value]) => value);
  }

  declare [Symbol.iterator]: () => IterableIterator<[name: string, value: string | File]>;

  #iterate<T>(pick: (entry: Entry) => T): IterableIterator<T> {
    return iterator((index) => {
      const entry = this.#entries[index];
      return entry === undefined ? undefined : pick(entry);
    });
  }
}

/** As Web IDL has it, one function under two names. */
Object.defineProperty(FormData.prototype, Symbol.iterator, {
  value: FormData.prototype.entries,
  writable: true,
  configurable: true,
});
displayAs(FormData.prototype, "FormData", (form) => {
  const shown: Record<string, unknown> = {};
  for (const [name] of listOf(form)) {
    const values = form.getAll(name);
    Object.defineProperty(shown, name, {
      value: values.length === 1 ? values[0] : values,
      enumerable: true,
      configurable: true,
    });
  }
  return shown;
});

/** The entries of a form, to be read. */
export function entriesOf(form: FormData): readonly Entry[] {
  return listOf(form);
}

/** A form of these entries, which it takes over. */
export function formOf(entries: readonly Entry[]): FormData {
  const form = new FormData();
  listOf(form).push(...entries);
  return form;
}

/** HTML's "create an entry": what is no file yet becomes one, and is called "blob" unless it is given a name. */
function entryOf(name: unknown, value: unknown, filename: unknown, argumentCount: number): Entry {
  const key = usvString(name);
  if (!isObject(value) || !part("blob").isBlob(value)) {
    if (argumentCount > 2) throw new TypeError("only a Blob can be given the name of a file");
    return [key, usvString(value)];
  }
  return [key, named(value, filename === undefined ? undefined : usvString(filename))];
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function named(value: Blob | File, filename: string | undefined): File {
  const { File } = part("blob");
  if (value instanceof File && filename === undefined) return value;
  const lastModified = value instanceof File ? value.lastModified : undefined;
  return new File([value], filename ?? "blob", { type: value.type, lastModified });
}
