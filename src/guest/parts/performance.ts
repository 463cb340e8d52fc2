/** The global `performance`: the process's own clock, marks and measures. */

import { nowMs } from "../core.ts";

interface EntryOptions {
  readonly startTime?: number;
  readonly detail?: unknown;
}
interface MeasureOptions {
  readonly start?: number | string;
  readonly end?: number | string;
  readonly duration?: number;
  readonly detail?: unknown;
}

export class PerformanceEntry {
  readonly name: string;
  readonly entryType: string;
  readonly startTime: number;
  readonly duration: number;
  readonly detail: unknown;

  constructor(name: string, entryType: string, startTime: number, duration: number, detail: unknown) {
    this.name = name;
    this.entryType = entryType;
    this.startTime = startTime;
    this.duration = duration;
    this.detail = detail ?? null;
  }

  toJSON(): object {
    return { ...this };
  }
}

/** Marks and measures that are kept; beyond it the oldest go. */
const ENTRIES_MAX = 10_000;
let entries: PerformanceEntry[] = [];

function add(entry: PerformanceEntry): PerformanceEntry {
  entries.push(entry);
  if (entries.length > ENTRIES_MAX) entries.shift();
  return entry;
}

function timeOf(moment: number | string | undefined, fallback: number): number {
  if (moment === undefined) return fallback;
  if (typeof moment === "number") return moment;
  const mark = entries.findLast((entry) => entry.entryType === "mark" && entry.name === moment);
  if (mark === undefined) throw new DOMException(`The "${moment}" performance mark has not been set`, "SyntaxError");
  return mark.startTime;
}

function clear(type: string, name: unknown): void {
  entries = entries.filter((entry) => entry.entryType !== type || (name !== undefined && entry.name !== String(name)));
}

export class Performance {
  /** Milliseconds since the process began, with fractions. */
  now(): number {
    return nowMs();
  }

  /** The wall-clock time at which `now()` was 0. It moves when the process was an image for a while. */
  get timeOrigin(): number {
    return Date.now() - nowMs();
  }

  mark(name: unknown, options: EntryOptions = {}): PerformanceEntry {
    return add(new PerformanceEntry(String(name), "mark", options.startTime ?? nowMs(), 0, options.detail));
  }

  measure(name: unknown, startOrOptions?: string | MeasureOptions, endMark?: string): PerformanceEntry {
    const options = typeof startOrOptions === "object" ? startOrOptions : { start: startOrOptions, end: endMark };
    const { start, end, duration, detail } = options as MeasureOptions;
    const endMs = end === undefined && duration !== undefined ? timeOf(start, 0) + duration : timeOf(end, nowMs());
    const startMs = start === undefined && duration !== undefined ? endMs - duration : timeOf(start, 0);
    return add(new PerformanceEntry(String(name), "measure", startMs, endMs - startMs, detail));
  }

  clearMarks(name?: unknown): void {
    clear("mark", name);
  }

  clearMeasures(name?: unknown): void {
    clear("measure", name);
  }

  getEntries(): PerformanceEntry[] {
    return entries.toSorted((a, b) => a.startTime - b.startTime);
  }

  getEntriesByName(name: unknown, type?: string): PerformanceEntry[] {
    return this.getEntries().filter(
      (entry) => entry.name === String(name) && (type === undefined || entry.entryType === type),
    );
  }

  getEntriesByType(type: unknown): PerformanceEntry[] {
    return this.getEntries().filter((entry) => entry.entryType === String(type));
  }

  toJSON(): object {
    return { timeOrigin: this.timeOrigin };
  }
}

export const performance = new Performance();
