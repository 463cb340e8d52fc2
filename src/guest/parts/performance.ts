/** The global `performance`: the process's own clock, marks and measures (High Resolution Time, User Timing 3). */

import { nowMs, part } from "../core.ts";
import { dictionary, domString, requireArguments } from "./idl.ts";

/** Keeps programs from making entries that nothing recorded. */
const INTERNAL = Symbol("internal");

interface EntryState {
  readonly name: string;
  readonly type: string;
  readonly startTime: number;
  readonly duration: number;
  readonly detail: unknown;
}
let detailOf: (entry: PerformanceEntry) => unknown;

export class PerformanceEntry {
  readonly #state: EntryState;

  constructor(key: unknown = undefined, state: unknown = undefined) {
    if (key !== INTERNAL) throw new TypeError("Illegal constructor");
    this.#state = state as EntryState;
  }

  static {
    detailOf = (entry) => entry.#state.detail;
  }

  get name(): string {
    return this.#state.name;
  }
  get entryType(): string {
    return this.#state.type;
  }
  get startTime(): number {
    return this.#state.startTime;
  }
  get duration(): number {
    return this.#state.duration;
  }

  toJSON(): object {
    const { name, type, startTime, duration } = this.#state;
    const base = { name, entryType: type, startTime, duration };
    return this instanceof PerformanceMark || this instanceof PerformanceMeasure
      ? { ...base, detail: detailOf(this) }
      : base;
  }
}

function milliseconds(value: unknown, what: string): number {
  const ms = Number(value);
  if (!Number.isFinite(ms)) throw new TypeError(`${what} must be a finite number`);
  if (ms < 0) throw new TypeError(`${what} cannot be negative`);
  return ms;
}

function copyOf(detail: unknown): unknown {
  return detail === undefined || detail === null ? null : part("clone").structuredClone(detail);
}

/** A moment with a name. */
export class PerformanceMark extends PerformanceEntry {
  constructor(name: unknown, options: unknown = undefined) {
    requireArguments(arguments.length, 1, "PerformanceMark");
    const text = domString(name);
    const { detail, startTime } = dictionary(options, "the options of a mark");
    const at = startTime === undefined ? nowMs() : milliseconds(startTime, "startTime");
    super(INTERNAL, { name: text, type: "mark", startTime: at, duration: 0, detail: copyOf(detail) });
  }

  get detail(): unknown {
    return detailOf(this);
  }
}

/** The time between two moments. */
export class PerformanceMeasure extends PerformanceEntry {
  get detail(): unknown {
    return detailOf(this);
  }
}

/** Marks and measures that are kept; beyond it the oldest go. */
const ENTRIES_MAX = 10_000;
let entries: PerformanceEntry[] = [];

function add<T extends PerformanceEntry>(entry: T): T {
  entries.push(entry);
  if (entries.length > ENTRIES_MAX) entries.shift();
  return entry;
}

/** When a mark of that name was last made, or the moment itself. */
function timeOf(moment: unknown): number {
  if (typeof moment === "number") return milliseconds(moment, "the moment");
  const name = domString(moment);
  const mark = entries.findLast((entry) => entry.entryType === "mark" && entry.name === name);
  if (mark === undefined) throw new DOMException(`The "${name}" performance mark has not been set`, "SyntaxError");
  return mark.startTime;
}

/** Start and end of a measure, of those of `start`, `end` and `duration` that are given. */
function spanOf(start: unknown, end: unknown, duration: unknown): readonly [startMs: number, endMs: number] {
  const lengthMs = duration === undefined ? undefined : milliseconds(duration, "duration");
  let endMs = nowMs();
  if (end !== undefined) endMs = timeOf(end);
  else if (start !== undefined && lengthMs !== undefined) endMs = timeOf(start) + lengthMs;
  if (start !== undefined) return [timeOf(start), endMs];
  return [end !== undefined && lengthMs !== undefined ? endMs - lengthMs : 0, endMs];
}

function clear(type: string, name: unknown): void {
  const wanted = name === undefined ? undefined : domString(name);
  entries = entries.filter((entry) => entry.entryType !== type || (wanted !== undefined && entry.name !== wanted));
}

function inOrder(chosen: readonly PerformanceEntry[]): PerformanceEntry[] {
  return chosen.toSorted((a, b) => a.startTime - b.startTime);
}

export class Performance {
  readonly #isPerformance = true;

  constructor(key: unknown = undefined) {
    if (key !== INTERNAL) throw new TypeError("Illegal constructor");
  }

  /** Milliseconds since the process began, with fractions. */
  now(): number {
    void this.#isPerformance;
    return nowMs();
  }

  /** The wall-clock time at which `now()` was 0. It moves when the process was an image for a while. */
  get timeOrigin(): number {
    void this.#isPerformance;
    return Date.now() - nowMs();
  }

  mark(name: unknown, options: unknown = undefined): PerformanceMark {
    void this.#isPerformance;
    requireArguments(arguments.length, 1, "mark");
    return add(new PerformanceMark(name, options));
  }

  measure(name: unknown, startOrOptions: unknown = undefined, endMark: unknown = undefined): PerformanceMeasure {
    void this.#isPerformance;
    requireArguments(arguments.length, 1, "measure");
    const text = domString(name);
    const hasOptions = typeof startOrOptions === "object";
    const given: Readonly<Record<string, unknown>> = hasOptions
      ? dictionary(startOrOptions, "the options of a measure")
      : { start: startOrOptions === undefined ? undefined : domString(startOrOptions), end: endMark };
    const { detail, duration, end, start } = given;
    const isEmpty = [detail, duration, end, start].every((value) => value === undefined);
    if (hasOptions && !isEmpty) {
      if (endMark !== undefined) throw new TypeError("a measure takes options or an end mark, not both");
      if (start === undefined && end === undefined) throw new TypeError("a measure needs a start or an end");
      if (start !== undefined && end !== undefined && duration !== undefined)
        throw new TypeError("a measure takes two of start, end and duration");
    }
    const endGiven = hasOptions && isEmpty ? endMark : end;
    const [startMs, endMs] = spanOf(start, endGiven, duration);
    const state = { name: text, type: "measure", startTime: startMs, duration: endMs - startMs };
    return add(new PerformanceMeasure(INTERNAL, { ...state, detail: copyOf(detail) }));
  }

  clearMarks(name: unknown = undefined): void {
    void this.#isPerformance;
    clear("mark", name);
  }

  clearMeasures(name: unknown = undefined): void {
    void this.#isPerformance;
    clear("measure", name);
  }

  getEntries(): PerformanceEntry[] {
    void this.#isPerformance;
    return inOrder(entries);
  }

  getEntriesByName(name: unknown, type: unknown = undefined): PerformanceEntry[] {
    void this.#isPerformance;
    requireArguments(arguments.length, 1, "getEntriesByName");
    const wanted = domString(name);
    const wantedType = type === undefined ? undefined : domString(type);
    return inOrder(
      entries.filter((entry) => entry.name === wanted && (wantedType === undefined || entry.entryType === wantedType)),
    );
  }

  getEntriesByType(type: unknown): PerformanceEntry[] {
    void this.#isPerformance;
    requireArguments(arguments.length, 1, "getEntriesByType");
    const wanted = domString(type);
    return inOrder(entries.filter((entry) => entry.entryType === wanted));
  }

  toJSON(): object {
    void this.#isPerformance;
    return { timeOrigin: this.timeOrigin };
  }
}

export const performance = new Performance(INTERNAL);
