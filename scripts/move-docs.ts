/** Writes the table of resources into docs/migration.md, from `kernel/binding.ts`: `node dist/scripts/move-docs.js` after a build. */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { planMove } from "../src/kernel/binding.ts";

export const MOVE_DOCS = fileURLToPath(new URL("../../docs/migration.md", import.meta.url));
const BEGIN = "<!-- resources: made by scripts/move-docs.ts -->";
const END = "<!-- end of resources -->";

const BINDINGS = ["identifier", "value", "type"] as const;
/** How each kind is attached to its machine. */
const ATTACHMENTS = [
  ["file", "fastened"],
  ["copy", "unattached"],
  ["scratch", "fastened"],
  ["cache", "unattached"],
  ["device", "fixed"],
  ["console", "fixed"],
  ["clock", "fixed"],
  ["randomness", "fixed"],
  ["listener", "fixed"],
  ["datagram", "fixed"],
  ["exchange", "fixed"],
  ["stream", "fixed"],
  ["fetch", "fixed"],
  ["socket", "fixed"],
  ["session", "fixed"],
] as const;

/** What becomes of each kind on a move from one node to another, at home at the first. */
function resourceTable(): string {
  const cell = (kind: string, attachment: "unattached" | "fastened" | "fixed", binding: (typeof BINDINGS)[number]) => {
    const facts = { handle: 3, kind, attachment, binding, description: "", node: "n1" };
    const [row] = planMove([facts], { source: "n1", target: "n2", home: "n1" }).rows;
    return row?.action === undefined ? "never bound so" : `${row.action}: ${row.why}`;
  };
  const rows = ATTACHMENTS.map(([kind, attachment]) => [
    kind,
    attachment,
    ...BINDINGS.map((binding) => cell(kind, attachment, binding)),
  ]);
  const head = ["kind", "attachment", ...BINDINGS.map((binding) => `by ${binding}`)];
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** The page as it should be. */
export function moveDocs(present: string): string {
  const [before, rest] = [present.indexOf(BEGIN), present.indexOf(END)];
  if (before < 0 || rest < before) throw new Error(`${MOVE_DOCS} has no place for the table of resources`);
  return `${present.slice(0, before)}${BEGIN}\n\n${resourceTable()}\n\n${present.slice(rest)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(MOVE_DOCS, moveDocs(readFileSync(MOVE_DOCS, "utf8")));
