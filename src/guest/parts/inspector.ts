/** Values as text for people, laid out as Node's `util.inspect` lays them out. */

import { entriesOf, type Head, headOf, type Inspection as View, LIST } from "./inspect-kind.ts";
import { quoted } from "./quote.ts";

export interface InspectOptions {
  /** How many levels of nested objects are shown: 2 by default, `null` for all. */
  readonly depth?: number | null;
  /** Show properties that are not enumerable, too. */
  readonly showHidden?: boolean;
  /** Where a line that holds a whole object ends at the latest; 80 by default. */
  readonly breakLength?: number;
  /** Entries of arrays, maps and sets that are shown: 100 by default, `null` for all. */
  readonly maxArrayLength?: number | null;
  /** Characters of a string that are shown: 10,000 by default, `null` for all. */
  readonly maxStringLength?: number | null;
}

/** A method under this symbol, known from Node, gives the text of its object. */
const CUSTOM = Symbol.for("nodejs.util.inspect.custom");
/** Objects that nest less than this inside one another share a line. */
const LEVELS_ON_A_LINE = 3;
const COLUMNS_MAX = 15;
const IDENTIFIER = /^[a-zA-Z_][a-zA-Z_0-9]*$/;
/** `value` as text, as `console.log` shows it. */
export function inspect(value: unknown, options: InspectOptions = {}): string {
  return new Inspection(options).show(value, 0);
}

/** One call of `inspect`: its limits, and where it stands in the value. */
class Inspection implements View {
  readonly showHidden: boolean;
  readonly entriesMax: number;
  readonly #depth: number;
  readonly #breakLength: number;
  readonly #stringMax: number;
  readonly #options: InspectOptions;
  /** The objects around the one being shown, outermost first. */
  readonly #path: object[] = [];
  /** Objects found inside themselves, with the numbers that refer to them. */
  readonly #circular = new Map<object, number>();
  /** Columns that the text at hand is shifted by. */
  #indentation = 0;
  /** Level of the object begun last: how deep the one being laid out nests is read off it. */
  #lastLevel = 0;

  constructor(options: InspectOptions) {
    this.#options = options;
    this.showHidden = options.showHidden === true;
    this.entriesMax = limit(options.maxArrayLength, 100);
    this.#depth = limit(options.depth, 2);
    this.#breakLength = options.breakLength ?? 80;
    this.#stringMax = limit(options.maxStringLength, 10_000);
  }

  show(value: unknown, level: number): string {
    if (typeof value === "string") return this.#string(value);
    if ((typeof value !== "object" && typeof value !== "function") || value === null) return primitiveText(value);
    const custom = this.#custom(value, level);
    if (custom !== undefined) return custom;
    if (!this.#path.includes(value)) return this.#object(value, level);
    let index = this.#circular.get(value);
    if (index === undefined) this.#circular.set(value, (index = this.#circular.size + 1));
    return `[Circular *${index}]`;
  }

  /** Shows something at one indentation further in. */
  nested(value: unknown, level: number): string {
    this.#indentation += 2;
    try {
      return this.show(value, level);
    } finally {
      this.#indentation -= 2;
    }
  }

  #custom(value: object, level: number): string | undefined {
    const custom: unknown = (value as Record<symbol, unknown>)[CUSTOM];
    if (typeof custom !== "function") return undefined;
    const depth = this.#depth - level;
    const result: unknown = custom.call(value, depth, { ...this.#options, depth }, inspect);
    if (result === value) return undefined;
    return typeof result === "string" ? this.#shifted(result) : this.show(result, level);
  }

  #shifted(text: string): string {
    return text.replaceAll("\n", `\n${" ".repeat(this.#indentation)}`);
  }

  /** A string that does not fit its line is shown line by line. */
  #string(text: string): string {
    let rest = "";
    if (text.length > this.#stringMax) {
      const more = text.length - this.#stringMax;
      text = text.slice(0, this.#stringMax);
      rest = `... ${more} more character${more > 1 ? "s" : ""}`;
    }
    if (text.length <= 16 || text.length <= this.#breakLength - this.#indentation - 4) return quoted(text) + rest;
    const lines = text.split(/(?<=\n)/).map((line) => quoted(line));
    return lines.join(` +\n${" ".repeat(this.#indentation + 2)}`) + rest;
  }

  #object(value: object, level: number): string {
    const head = headOf(this, value);
    if (head.alone !== undefined && head.keys.length === 0) return this.#shifted(head.alone);
    if (level > this.#depth) return `[${head.name}]`;
    this.#path.push(value);
    this.#lastLevel = level + 1;
    const output = entriesOf(this, value, head, level + 1);
    for (const key of head.keys) output.push(this.#property(value, key, level + 1));
    this.#path.pop();
    const index = this.#circular.get(value);
    const reference = index === undefined ? "" : `<ref *${index}>`;
    const base = [reference, this.#shifted(head.base)].filter((text) => text !== "").join(" ");
    return this.#layout(value, head, base, output, level + 1);
  }

  #property(value: object, key: PropertyKey, level: number): string {
    const descriptor = Object.getOwnPropertyDescriptor(value, key) ?? {
      value: (value as Record<PropertyKey, unknown>)[key],
      enumerable: true,
    };
    return `${keyText(key, descriptor.enumerable === true)}: ${this.#propertyValue(descriptor, level)}`;
  }

  #propertyValue(descriptor: PropertyDescriptor, level: number): string {
    if (descriptor.get !== undefined) return descriptor.set === undefined ? "[Getter]" : "[Getter/Setter]";
    if (descriptor.set !== undefined) return "[Setter]";
    return this.nested(descriptor.value, level);
  }

  /** On one line when it is short and little nests in it; otherwise an entry (of a list: a row) to a line. */
  #layout(value: object, head: Head, base: string, output: string[], level: number): string {
    const begin = base === "" ? head.open : `${base} ${head.open}`;
    const rows = head.kind === LIST && output.length > 6 ? this.#rows(value, output) : output;
    if (this.#lastLevel - level < LEVELS_ON_A_LINE && rows === output) {
      const start = output.length + this.#indentation + head.open.length + base.length + 10;
      const width = output.reduce((sum, entry) => sum + entry.length, output.length + start);
      const line = output.join(", ");
      if (width <= this.#breakLength && !base.includes("\n") && !line.includes("\n"))
        return `${begin} ${line} ${head.close}`;
    }
    const indentation = `\n${" ".repeat(this.#indentation)}`;
    return `${begin}${indentation}  ${rows.join(`,${indentation}  `)}${indentation}${head.close}`;
  }

  /** The entries of a list in as many columns as look well, or as they are when columns would not. */
  #rows(list: object, output: string[]): string[] {
    const hasMore = this.entriesMax < output.length;
    const count = output.length - (hasMore ? 1 : 0);
    const widths = output.slice(0, count).map((entry) => entry.length + 2);
    const total = widths.reduce((sum, width) => sum + width, 0);
    const widest = Math.max(...widths);
    if (widest * 3 + this.#indentation >= this.#breakLength || (total / widest <= 5 && widest > 8)) return output;
    const typical = Math.max(widest - 3 - Math.sqrt(widest - total / output.length), 1);
    const columns = Math.min(
      Math.round(Math.sqrt(2.5 * typical * count) / typical),
      Math.floor((this.#breakLength - this.#indentation) / widest),
      LEVELS_ON_A_LINE * 4,
      COLUMNS_MAX,
    );
    if (columns <= 1) return output;
    const rows = inColumns(output.slice(0, count), widths, columns, isNumeric(list, output.length));
    if (hasMore) rows.push(output[count] ?? "");
    return rows;
  }
}

function limit(given: number | null | undefined, standard: number): number {
  return given === undefined ? standard : (given ?? Infinity);
}

function inColumns(entries: string[], widths: number[], columns: number, alignRight: boolean): string[] {
  const columnWidths = Array.from({ length: columns }, (_, column) => {
    let width = 0;
    for (let at = column; at < entries.length; at += columns) width = Math.max(width, widths[at] ?? 0);
    return width;
  });
  const rows: string[] = [];
  for (let from = 0; from < entries.length; from += columns) {
    const row = entries.slice(from, from + columns).map((entry, column) => {
      const isLast = column === columns - 1 || from + column === entries.length - 1;
      const text = isLast ? entry : `${entry}, `;
      const width = (columnWidths[column] ?? 0) - (isLast ? 2 : 0);
      if (alignRight) return text.padStart(width);
      return isLast ? text : text.padEnd(width);
    });
    rows.push(row.join(""));
  }
  return rows;
}

function isNumeric(list: object, count: number): boolean {
  for (let index = 0; index < count; index++) {
    const type = typeof (list as Record<number, unknown>)[index];
    if (type !== "number" && type !== "bigint") return false;
  }
  return true;
}

export function primitiveText(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  return Object.is(value, -0) ? "-0" : String(value);
}

function keyText(key: PropertyKey, isEnumerable: boolean): string {
  if (typeof key === "symbol") return `[${String(key)}]`;
  const text = String(key);
  if (text === "__proto__") return "['__proto__']";
  if (!isEnumerable) return `[${text}]`;
  return IDENTIFIER.test(text) ? text : quoted(text);
}
