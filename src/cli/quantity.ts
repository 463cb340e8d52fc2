/** Sizes, durations and counts, as people write and read them. */

import { UsageError } from "./usage.ts";

const SIZE_UNITS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };
const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Bytes: `65536`, `512K`, `64M`, `1.5G`; the units are powers of 1024 and may be followed by B or iB. */
export function parseSize(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([KMG]?)(?:i?B)?$/i.exec(text) ?? [];
  const bytes = Number(amount) * (SIZE_UNITS[unit?.toUpperCase() ?? ""] ?? Number.NaN);
  if (Number.isSafeInteger(Math.round(bytes))) return Math.round(bytes);
  throw new UsageError(`"${text}" is no size: write a number of bytes, or one with K, M or G, as in 64M`);
}

/** Milliseconds: `500ms`, `5s`, `1.5m`, `2h`, `1d`. */
export function parseDuration(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const durationMs = Number(amount) * (DURATION_UNITS[unit ?? ""] ?? Number.NaN);
  if (Number.isSafeInteger(Math.round(durationMs))) return Math.round(durationMs);
  throw new UsageError(`"${text}" is no duration: write a number with ms, s, m, h or d, as in 5s`);
}

/** A whole number from `low` up. */
export function parseCount(text: string, what: string, low: number): number {
  const count = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (count >= low) return count;
  throw new UsageError(`"${text}" is no ${what}: write a whole number from ${low} up`);
}

/** A process id. */
export function parsePid(text: string): number {
  return parseCount(text, "pid", 1);
}

/** `812 B`, `1.5 KiB`, `64 MiB`. */
export function formatSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit++;
  }
  const digits = unit === 0 || bytes >= 100 ? 0 : 1;
  return `${bytes.toFixed(digits).replace(/\.0$/, "")} ${units[unit] ?? ""}`;
}

/** `12ms`, `3.4s`, `5m12s`, `3h04m`, `2d03h`: two units at most. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)}ms`;
  if (durationMs < 60_000) return `${(Math.floor(durationMs / 100) / 10).toFixed(1)}s`;
  const seconds = Math.floor(durationMs / 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)}h${two(minutes % 60)}m`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)}d${two(hours % 24)}h`;
}
