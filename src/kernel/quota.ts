/** Quotas: limits of a process, with their defaults and bounds. */

import type { Quotas } from "../abi/records.ts";
import { failure } from "../errors.ts";
import {
  ADDRESS_SPACE_MAX_BYTES,
  MEMORY_DEFAULT_BYTES,
  MEMORY_MIN_BYTES,
  PROCESSES_DEFAULT_MAX,
  THREADS_DEFAULT_MAX,
} from "../limits.ts";

const DEFAULT_QUOTAS: Quotas = {
  memoryBytes: MEMORY_DEFAULT_BYTES,
  cpuShare: 100,
  threadsMax: THREADS_DEFAULT_MAX,
  processesMax: PROCESSES_DEFAULT_MAX,
  timeoutMs: 0,
};

const BOUNDS: Readonly<Record<keyof Quotas, readonly [low: number, high: number]>> = {
  memoryBytes: [MEMORY_MIN_BYTES, ADDRESS_SPACE_MAX_BYTES / 2],
  cpuShare: [1, 10_000],
  threadsMax: [1, 4096],
  processesMax: [1, 100_000],
  timeoutMs: [0, Number.MAX_SAFE_INTEGER],
};

/** `asked` over the defaults, checked; throws EINVAL naming the quota that is out of bounds. */
export function quotasOf(asked: Partial<Quotas>): Quotas {
  const quotas = { ...DEFAULT_QUOTAS, ...asked };
  for (const name of Object.keys(BOUNDS) as (keyof Quotas)[]) {
    const [low, high] = BOUNDS[name];
    const value = quotas[name];
    if (!Number.isFinite(value) || value < low || value > high) {
      throw failure("EINVAL", `quota ${name} is ${value}: choose a number from ${low} to ${high}`);
    }
  }
  return quotas;
}

/** A child's quotas: what it asks for, or its parent's, and never more than its parent's. */
export function narrowQuotas(held: Quotas, asked: Partial<Quotas>): Quotas {
  const lesser = (name: keyof Quotas) => Math.min(held[name], asked[name] ?? held[name]);
  const timeouts = [held.timeoutMs, asked.timeoutMs ?? 0].filter((ms) => ms > 0);
  return quotasOf({
    memoryBytes: lesser("memoryBytes"),
    cpuShare: lesser("cpuShare"),
    threadsMax: lesser("threadsMax"),
    processesMax: lesser("processesMax"),
    timeoutMs: timeouts.length > 0 ? Math.min(...timeouts) : 0,
  });
}
