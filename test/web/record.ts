/**
 * What is known of the Web Platform Tests in guests, `record.json`: how many subtests each file has, and each one that
 * fails, with the explanation. It is exact: one that fails is listed, one that is listed fails.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { FileResult } from "./platform-tests.ts";

export const RECORD = fileURLToPath(new URL("../../../test/web/record.json", import.meta.url));

export interface FileRecord {
  readonly subtests: number;
  /** Names of those that do not pass, with the number of the explanation. */
  readonly failures: Readonly<Record<string, number>>;
  /** Number of the explanation, for a file that does not come to its end. */
  readonly unfinished?: number;
}

export interface PlatformRecord {
  readonly explanations: readonly string[];
  readonly files: Readonly<Record<string, FileRecord>>;
}

export function readRecord(): PlatformRecord {
  return JSON.parse(readFileSync(RECORD, "utf8")) as PlatformRecord;
}

/**
 * Subtests of the URL Standard as it was: the host parses URLs, and newer hosts than Node 20 follow a newer standard
 * (labels `xn--` without anything behind, spaces at the end of opaque paths).
 */
const NEWER_URL: Readonly<Record<string, readonly string[]>> = JSON.parse(
  readFileSync(new URL("../../../test/web/newer-url.json", import.meta.url), "utf8"),
) as Record<string, string[]>;
const HOST_IS_NEWER = Number.parseInt(process.versions.node, 10) > 20;

/** The names of a file's subtests, each once: of those with the same name the second is called `NAME (2)`. */
export function namedSubtests(result: FileResult): ReadonlyMap<string, FileResult["subtests"][number]> {
  const named = new Map<string, FileResult["subtests"][number]>();
  for (const subtest of result.subtests) {
    let name = subtest.name;
    for (let count = 2; named.has(name); count++) name = `${subtest.name} (${count})`;
    named.set(name, subtest);
  }
  return named;
}

/** Where a run differs from what is recorded, in words; none if it is as it should be. */
export function differences(record: PlatformRecord, result: FileResult, isWhole: boolean): string[] {
  const known = record.files[result.path];
  if (known === undefined) return [`${result.path} is not in the record`];
  const found: string[] = [];
  const subtests = namedSubtests(result);
  for (const [name, { status, message }] of subtests) {
    const isKnown = Object.hasOwn(known.failures, name);
    if (HOST_IS_NEWER && NEWER_URL[result.path]?.includes(name) === true) continue;
    if (status === "pass" && isKnown) found.push(`passes, against the record: ${name}`);
    if (status !== "pass" && !isKnown) found.push(`${status}: ${name}: ${message}`);
  }
  if ((result.error === "") === (known.unfinished !== undefined))
    found.push(`its end: ${result.error || "as it should"}`);
  if (isWhole && subtests.size !== known.subtests) found.push(`${subtests.size} subtests, not ${known.subtests}`);
  return found.map((text) => `${result.path}: ${text}`);
}
