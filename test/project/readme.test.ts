/** What the documents tell people to type exists: scripts, commands, flags, files. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";

const execute = promisify(execFile);
const HELP_TIMEOUT_MS = 20_000;

const DOCUMENTS = ["README.md", "CONTRIBUTING.md"];

/** The commands of a document's shell blocks, one each, without `&&`, `&` and comments. */
function commandsIn(file: string): string[][] {
  const blocks = readFileSync(file, "utf8").matchAll(/^```sh\n(.*?)^```/gms);
  return [...blocks].flatMap(([, block = ""]) =>
    block
      .split(/\n|&&/)
      .map((line) => line.replace(/\s&\s*$|\s#.*$/g, "").trim())
      .filter((line) => line !== "")
      .map((line) => line.split(/\s+/)),
  );
}

function scripts(): Readonly<Record<string, string>> {
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
  return manifest.scripts;
}

test("README opens with the main command, then the tests'", () => {
  const [first, second] = [...readFileSync("README.md", "utf8").matchAll(/^```sh\n(.*?)^```/gms)];
  assert.match(first?.[1] ?? "", /^npm ci && npx godwit run examples\/\S+\n$/);
  assert.equal(second?.[1], "npm ci && npm test\n");
});

test("continuous integration runs what README says", () => {
  const lines = readFileSync(".ci/run", "utf8").split("\n");
  const runs = (command: string): boolean => lines.some((line) => line.replace(/^within \S+ /, "") === command);
  assert.ok(runs("npm ci"));
  assert.ok(runs("npm test"));
});

for (const document of DOCUMENTS) {
  describe(document, () => {
    test("names npm scripts that exist", () => {
      for (const [command, verb = "", name = ""] of commandsIn(document)) {
        if (command !== "npm" || verb === "ci") continue;
        assert.ok((verb === "run" ? name : verb) in scripts(), `npm ${verb} ${name}`);
      }
    });

    test("names files that exist", () => {
      const words = commandsIn(document).flat();
      for (const word of words) {
        if (/^(examples|bench|scripts|test)\b/.test(word)) assert.ok(existsSync(word), word);
        const compiled = /^dist\/((?:test|bench|scripts|src)\/.*)\.js$/.exec(word)?.[1];
        if (compiled !== undefined) assert.ok(existsSync(`${compiled}.ts`), word);
      }
    });

    test("links to files that exist", () => {
      for (const [, target = ""] of readFileSync(document, "utf8").matchAll(/\]\(([^)#]+)[^)]*\)/g)) {
        if (!target.includes("://")) assert.ok(existsSync(join(dirname(document), target)), target);
      }
    });

    test("names commands and flags of godwit that exist", async () => {
      const calls = commandsIn(document).filter(([first, second]) => first === "npx" && second === "godwit");
      for (const [, , command = "", ...rest] of calls) {
        const { stdout } = await execute(process.execPath, ["dist/src/cli/main.js", command, "--help"], {
          timeout: HELP_TIMEOUT_MS,
        });
        assert.ok(stdout.includes(`godwit ${command}`), `godwit ${command} --help:\n${stdout}`);
        const program = rest.findIndex((word) => word.endsWith(".ts"));
        const flags = rest.slice(0, program < 0 ? rest.length : program).filter((word) => word.startsWith("-"));
        for (const flag of flags) {
          const [name = ""] = flag.split("=");
          assert.ok(stdout.includes(name), `godwit ${command} ${name}:\n${stdout}`);
        }
      }
    });
  });
}
