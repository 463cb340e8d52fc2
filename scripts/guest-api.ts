/** Puts the tables of scripts/guest-api-table.ts into docs/guest-api.md: `node dist/scripts/guest-api.js` after a build. */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { assert } from "../src/assert.ts";
import { type ApiRow, LIBRARY, MOVES, NODE, WEB } from "./guest-api-table.ts";

export const GUEST_API_DOCS = fileURLToPath(new URL("../../docs/guest-api.md", import.meta.url));

const TABLES: Readonly<Record<string, readonly ApiRow[]>> = { library: LIBRARY, web: WEB, node: NODE };

function code(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}

/** Members that are missing, with the names that miss them. */
function lacksOf({ names, missing = {} }: ApiRow): string[] {
  const byMembers = new Map<string, string[]>();
  for (const [name, members] of Object.entries(missing)) {
    const text = `without ${code(members)}`;
    byMembers.set(text, [...(byMembers.get(text) ?? []), name]);
  }
  return [...byMembers].map(([text, of]) => (of.length === names.length ? text : `\`${of.join("`, `")}\` ${text}`));
}

function stateOf(row: ApiRow): string {
  const { only = [], partial, absent } = row;
  if (absent !== undefined) return absent === "nothing" ? "absent" : `absent; instead: ${absent}`;
  const parts = [
    ...(partial === undefined ? [] : [partial]),
    ...(only.length === 0 ? [] : [`only ${code(only)}`]),
    ...lacksOf(row),
  ];
  return parts.length === 0 ? "complete" : `partial: ${parts.join("; ")}`;
}

function table(rows: readonly ApiRow[]): string {
  const lines = rows.map((row) => `| ${code(row.names)} | ${stateOf(row)} | ${MOVES[row.moves]} |`);
  return ["| | state | when the process moves |", "| --- | --- | --- |", ...lines].join("\n");
}

/** The page with its tables made anew; its prose stays. */
export function guestApiDocs(page: string): string {
  let made = page;
  for (const [name, rows] of Object.entries(TABLES)) {
    const [head, tail] = [`<!-- table: ${name} -->\n`, `\n<!-- end -->`];
    const start = made.indexOf(head);
    const end = made.indexOf(tail, start);
    assert(start >= 0 && end >= 0, `docs/guest-api.md has a place for the table "${name}"`);
    made = `${made.slice(0, start + head.length)}${table(rows)}${made.slice(end)}`;
  }
  return made;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(GUEST_API_DOCS, guestApiDocs(readFileSync(GUEST_API_DOCS, "utf8")));
