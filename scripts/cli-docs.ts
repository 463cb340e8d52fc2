/** Writes docs/cli.md from the commands' own help: `node dist/scripts/cli-docs.js` after a build. */

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { COMMANDS, programWith } from "../src/cli/program.ts";

export const CLI_DOCS = fileURLToPath(new URL("../../docs/cli.md", import.meta.url));

const WIDTH = 100;

const HEAD = `# The \`godwit\` command

This page is made from \`godwit help COMMAND\` by \`scripts/cli-docs.ts\`; do not edit it.

- **Exit codes.** 0 success; 1 an error; 2 a mistake in the command's words. \`run\`, \`restore\` and \`attach\` give the
  program's own code, 124 when its \`--timeout\` ran out, 128 and the signal's number when a signal ended it, 141 when the
  reader of the output went away, 125 when godwit failed, 126 when the program or image cannot be run, 127 when it is
  not there.
- **JSON.** Every command takes \`--json\`: its result is JSON on standard output, and an error is
  \`{"error":{"code":"...","message":"..."}}\` on standard error.
- **Colour** is used at a terminal only, and not when \`NO_COLOR\` is set.
- **Which node.** \`run\` and \`restore\` without \`--detach\` need none. All others use the node that \`godwit up\` started,
  by a socket which only its user may use: \`$GODWIT_SOCKET\`, or \`local.sock\` in \`$XDG_RUNTIME_DIR/godwit\`, or in a
  folder of the user's own under the temporary folder.
`;

/** The page's text. */
export async function cliDocs(): Promise<string> {
  const names = Object.keys(COMMANDS);
  const program = await programWith(names, WIDTH);
  const sections = names.map((name) => {
    const command = program.commands.find((command) => command.name() === name);
    let help = "";
    command?.configureOutput({ writeOut: (text) => (help += text), getOutHelpWidth: () => WIDTH });
    command?.outputHelp();
    return `\n## godwit ${name}\n\n\`\`\`text\n${help.trim()}\n\`\`\`\n`;
  });
  return HEAD + sections.join("");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(CLI_DOCS, await cliDocs());
