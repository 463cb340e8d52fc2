/** The version of this package. */

import { readFileSync } from "node:fs";

/** As in package.json, which is three folders up from `dist/src/cli/`. */
export function version(): string {
  const text = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  return String((JSON.parse(text) as { version: unknown }).version);
}
