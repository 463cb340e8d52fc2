/** `godwit check`: what is wrong with a program, before it runs. */

import type { Command } from "commander";
import type { Check, Need, Problem } from "../abi/check.ts";
import { EXIT, print, printJson, style } from "./print.ts";
import { examples } from "./program.ts";

interface Flags {
  readonly types: boolean;
  readonly json?: true;
}

export function define(command: Command): void {
  command
    .argument("<file>", "TypeScript or JavaScript file; it and what it imports are checked")
    .option("--no-types", "leave types out, and what only TypeScript sees")
    .addHelpText(
      "after",
      `${examples(
        ["godwit check app.ts", "types, imports, globals that guests lack, capabilities that it asks for"],
        ["godwit check --json app.ts", "the same for programs: problems with file, line and column"],
      )}

Types are checked by the project's own TypeScript, with its tsconfig.json; a project without one is checked with the
settings in "godwit/tsconfig.json", which any tsconfig.json can extend. An error in a package's code is a warning, as the
code may never run; so is nothing that the program itself guards by typeof or try. The capabilities are those that the
text shows; what it does through eval or computed names is not seen.

Exit codes: 0 when there is no error, 1 when there is one.`,
    )
    .action(check);
}

function problemLine({ place, severity, message }: Problem): string {
  const where = place === undefined ? "" : `${place.file}:${place.line}:${place.column}: `;
  return `${where}${style(severity === "error" ? "red" : "yellow", severity)}: ${message}\n`;
}

function flagOf({ flag, names }: Need): string {
  return names === "all" ? flag : `${flag}=${names.join(",")}`;
}

function needLine(need: Need): string {
  const first = need.uses[0];
  const more = need.uses.length > 1 ? ` and ${need.uses.length - 1} more` : "";
  const why =
    first === undefined ? "" : `${first.name} at ${first.place.file}:${first.place.line}:${first.place.column}`;
  return `  ${flagOf(need)}  ${style("dim", `(${why}${more})`)}\n`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function summary(file: string, { problems, more, bundle }: Check): string {
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const warnings = problems.length - errors;
  const found = [
    ...(errors > 0 ? [counted(errors, "error")] : []),
    ...(warnings > 0 ? [counted(warnings, "warning")] : []),
    ...(more > 0 ? [`${more} more`] : []),
  ];
  const size =
    bundle === undefined ? "" : ` (${counted(bundle.files, "file")}, ${Math.ceil(bundle.sizeBytes / 1000)} kB)`;
  return `${file}: ${found.length === 0 ? "fine" : found.join(", ")}${size}\n`;
}

async function check(file: string, flags: Flags): Promise<void> {
  const { checkProgram } = await import("../node/check.ts");
  const found = await checkProgram(file, { types: flags.types });
  if (flags.json === true) printJson(found);
  else {
    for (const problem of found.problems) print(problemLine(problem));
    if (found.needs.length > 0) print(`It asks for:\n${found.needs.map(needLine).join("")}`);
    print(summary(file, found));
  }
  if (found.more > 0 || found.problems.some(({ severity }) => severity === "error")) process.exitCode = EXIT.error;
}
