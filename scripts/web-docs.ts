/** Writes docs/web-conformance.md from what is recorded: `node dist/scripts/web-docs.js` after a build. */

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type FileRecord, readRecord } from "../test/web/record.ts";
import { FOLDERS, LEFT_OUT } from "../test/web/platform-tests.ts";
import { TABLES } from "../test/web/tables/index.ts";

export const WEB_DOCS = fileURLToPath(new URL("../../docs/web-conformance.md", import.meta.url));

const HEAD = `# Conformance to the web's standards

This page is made by \`scripts/web-docs.ts\` from \`test/web\`; do not edit it.

Two suites hold the web platform of guests to its standards, each case in a process of godwit. \`npm test\` runs all tables and
all files of the Web Platform Tests (of those that are cut in numbered parts, as they take long, the first part; the whole was
run for this page), and then a sample of both, from all over, in processes that are captured and made anew all the while, with
the same results. A case that fails and is not listed here fails the build, and so does one that is listed and passes.
`;

interface Sums {
  readonly files: number;
  readonly subtests: number;
  readonly failing: number;
}

function sums(records: readonly FileRecord[]): Sums {
  return {
    files: records.length,
    subtests: records.reduce((sum, { subtests }) => sum + subtests, 0),
    failing: records.reduce((sum, { failures }) => sum + Object.keys(failures).length, 0),
  };
}

function count(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

function row({ files, subtests, failing }: Sums, name: string): string {
  const percent = ((100 * (subtests - failing)) / subtests).toFixed(1);
  return `| ${name} | ${count(files)} | ${count(subtests)} | ${count(subtests - failing)} | ${percent} % |`;
}

/** Text that Markdown shows as it is, control characters and halves of pairs by their codes. */
function shown(text: string): string {
  const visible = text.replace(
    /[\p{Cc}\p{Cs}\u2028\u2029]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `\`\`${visible.startsWith("`") || visible.endsWith("`") ? ` ${visible} ` : visible}\`\``;
}

function platformTests(): string {
  const { explanations, files } = readRecord();
  const entries = Object.entries(files);
  const rows = FOLDERS.flatMap((folder) => {
    const within = entries.filter(([path]) => path.startsWith(`${folder}/`)).map(([, record]) => record);
    return within.length === 0 ? [] : [row(sums(within), folder)];
  });
  const listed = explanations.flatMap((why, number) => {
    const found = entries.flatMap(([path, { failures, unfinished }]) => {
      const names = Object.keys(failures).filter((name) => failures[name] === number);
      const end = unfinished === number ? ["(does not come to its end)"] : [];
      return names.length + end.length === 0 ? [] : [{ path, names: [...end, ...names.map(shown)] }];
    });
    if (found.length === 0) return [];
    const total = found.reduce((sum, { names }) => sum + names.length, 0);
    const lines = found.map(({ path, names }) => `- ${path}: ${names.join(", ")}`);
    return [`### ${why}\n\n<details><summary>${total} subtests</summary>\n\n${lines.join("\n")}\n\n</details>\n`];
  });
  const leftOut = Object.entries(LEFT_OUT).map(([path, why]) => `- \`${path}\`: ${why}`);
  return `
## Web Platform Tests

The files of the [Web Platform Tests](https://web-platform-tests.org) that need no document (\`*.any.js\`), unchanged, with
their own harness, in the version that comes with Node 20.19.2. \`node dist/scripts/web-platform-tests.js\` fetches them;
\`node dist/scripts/web-conformance.js\` runs all of them and writes the record that this page is made from.

| | files | subtests | pass | |
| --- | ---: | ---: | ---: | ---: |
${rows.join("\n")}
${row(sums(Object.values(files)), "**all**")}

On hosts newer than Node 20, 23 subtests of \`url\` fail, which are listed in \`test/web/newer-url.json\`: the host parses URLs, and
it follows a newer URL Standard than these tests.

Left out:

${leftOut.join("\n")}

## What fails

${listed.join("\n")}`;
}

function tables(): string {
  const rows = TABLES.map(({ api, cases, rulings = {}, known = {} }) => {
    const [all, differ] = [cases.length, Object.keys(known).length];
    return `| ${api} | ${count(all)} | ${count(all - differ)} | ${Object.keys(rulings).length} |`;
  });
  const total = TABLES.reduce((sum, { cases }) => sum + cases.length, 0);
  const differing = TABLES.flatMap(({ known = {} }) => Object.entries(known));
  const listed = differing.map(([source, why]) => `- ${shown(source)}: ${why}`);
  return `
## Tables

Expressions that are evaluated in a guest and in Node, and whose outcomes, values in full or names of errors, must be the same.
Where Node does not do what the standard says, a ruling in the table says what is right, and by which paragraph.

| | cases | as the standard has them | of them by a ruling |
| --- | ---: | ---: | ---: |
${rows.join("\n")}
| **all** | ${count(total)} | ${count(total - differing.length)} | |
${listed.length === 0 ? "" : `\nThose that are not:\n\n${listed.join("\n")}\n`}`;
}

/** The page's text. */
export function webDocs(): string {
  return HEAD + platformTests() + tables();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(WEB_DOCS, webDocs());
