/** The styles of code mobility: the commands in each example's head are run in their order, and print what it says. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { startCluster, type TestNode } from "./node.ts";

const FOLDER = "examples/mobility";
const TIMEOUT_MS = 120_000;
const NODES = 3;

/** Lines of a head that are commands, and those that are said to be printed. */
function headOf(file: string): { commands: string[]; output: string[] } {
  const source = readFileSync(file, "utf8");
  const head = source.slice(0, source.indexOf("*/")).split("\n");
  const from = head.findIndex((line) => line.startsWith(" * prints"));
  const indented = (lines: readonly string[]) => lines.flatMap((line) => /^ \* {5}(.*\S)$/.exec(line)?.[1] ?? []);
  return { commands: indented(head.slice(0, from)), output: indented(head.slice(from)) };
}

/** Runs a line as a shell would, with what earlier ones have set. Its output; nothing of one that sets a name. */
async function perform(node: TestNode, line: string, names: Map<string, string>): Promise<string> {
  const [, name, inner = line] = /^([A-Z]+)=\$\((.*)\)$/.exec(line) ?? [];
  const [program, ...words] = inner
    .split(" ")
    .map((word) => (word.startsWith("$") ? (names.get(word.slice(1)) ?? "") : word));
  let stdout: string;
  if (program === "node") {
    const env = { ...process.env, ...node.environment };
    ({ stdout } = await promisify(execFile)(process.execPath, words, { env, timeout: TIMEOUT_MS }));
  } else {
    const outcome = await node.run(...words.slice(1));
    assert.equal(outcome.code, 0, `${line}: ${outcome.stderr}`);
    ({ stdout } = outcome);
  }
  if (name === undefined) return words[1] === "run" && words.includes("--detach") ? "" : stdout;
  names.set(name, stdout.trim());
  return "";
}

const examples = readdirSync(FOLDER).filter((name) => name !== "idle.ts");

for (const example of examples)
  test(join(FOLDER, example), { timeout: TIMEOUT_MS }, async (context) => {
    const { commands, output } = headOf(join(FOLDER, example));
    assert.ok(commands.length > 0 && output.length > 0, "its head says how to run it, and what it prints");
    assert.ok(
      commands.some((line) => line.includes(`${FOLDER}/${example}`)),
      "its head runs this file",
    );
    const node = await startCluster(context, NODES);
    const names = new Map<string, string>();
    let printed = "";
    for (const line of commands)
      if (line !== `npx godwit up --detach --nodes ${NODES}`) printed += await perform(node, line, names);
    assert.deepEqual(printed.trimEnd().split("\n"), output);
  });
