/** The tables in docs/guest-api.md: made from scripts/guest-api-table.ts, which says what a guest shows. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import vm from "node:vm";
import { GUEST_API_DOCS, guestApiDocs } from "../../scripts/guest-api.ts";
import { type ApiRow, LIBRARY, NODE, WEB } from "../../scripts/guest-api-table.ts";
import { GodwitError } from "../../src/errors.ts";
import { guestGlobals } from "../../src/node/check-globals.ts";
import { type Node, startNode } from "../../src/node/node.ts";
import { compileProgram, guestExports } from "../../src/node/program.ts";
import { temporaryFolder } from "../cli/folder.ts";
import { webInterfaces } from "./web-members.ts";

test("docs/guest-api.md is up to date", () => {
  const advice = "docs/guest-api.md is out of date: npm run build && node dist/scripts/guest-api.js";
  const page = readFileSync(GUEST_API_DOCS, "utf8");
  assert.equal(page, guestApiDocs(page), advice);
});

/** The interface that a global object is of. */
const OBJECTS: Readonly<Record<string, string>> = {
  console: "Console",
  crypto: "Crypto",
  performance: "Performance",
};

/** The table is about this version's modules; others have more names. */
const IS_REFERENCE = process.versions.node.startsWith("20.");

/** Members that the standard puts on each object, not on its prototype. */
const UNFORGEABLE: readonly string[] = ["isTrusted"];

/** What one name of the table is to have, and how it shows. */
interface Expected {
  /** The path to it from the global object. */
  readonly path: readonly string[];
  readonly isFunction: boolean;
  readonly members: readonly string[];
  readonly statics: readonly string[];
}

function expectations(rows: readonly ApiRow[]): Record<string, Expected> {
  const interfaces = webInterfaces();
  const of = (name: string): Expected => {
    const { members: all = [], statics = [] } = interfaces.get(OBJECTS[name] ?? name) ?? {};
    const members = all.filter((member) => !UNFORGEABLE.includes(member));
    return { path: name.replace("()", "").split("."), isFunction: name.endsWith("()"), members, statics };
  };
  return Object.fromEntries(rows.flatMap(({ names }) => names).map((name) => [name, of(name)]));
}

/** Runs in a guest: by name, null for what is not there, else the members that are not. */
const LOOK = `
const look = ({ path, isFunction, members, statics }) => {
  let value = globalThis;
  for (const name of path) value = value?.[name];
  if (value === undefined) return null;
  if (isFunction && typeof value !== "function") return ["it is no function"];
  const key = (name) => (name.startsWith("[Symbol.") ? Symbol[name.slice(8, -1)] : name);
  const holder = typeof value === "function" && value.prototype ? value.prototype : value;
  return [
    ...members.filter((name) => !(key(name) in holder)),
    ...statics.filter((name) => !(key(name) in value)).map((name) => "static " + name),
  ];
};
console.log(JSON.stringify(Object.fromEntries(Object.entries(ASKED).map(([name, asked]) => [name, look(asked)]))));`;

suite("guests have what the tables say", { timeout: 120_000 }, () => {
  let node: Node;
  before(async () => {
    node = await startNode({ name: "test", lwps: 1 });
  });
  after(() => node.stop());

  /** What a program prints as JSON. */
  async function told(source: string): Promise<unknown> {
    const pid = await node.spawn({ name: "look.js", source });
    const text = { stdout: "", stderr: "" };
    node.output(pid, true, (stream, bytes) => void (text[stream] += Buffer.from(bytes).toString()));
    const { code } = await node.wait(pid);
    assert.equal(code, 0, text.stderr);
    return JSON.parse(text.stdout);
  }

  test("the web, member by member as the standards have them", async () => {
    const asked = expectations(WEB);
    const found = (await told(`const ASKED = ${JSON.stringify(asked)};${LOOK}`)) as Record<string, string[] | null>;
    const wrong: string[] = [];
    for (const { names, absent, missing = {} } of WEB) {
      for (const name of names) {
        const lacking = found[name] ?? null;
        if ((lacking === null) !== (absent !== undefined))
          wrong.push(`${name} is ${lacking === null ? "not " : ""}there`);
        else if (lacking !== null && String(lacking.toSorted()) !== String([...(missing[name] ?? [])].sort()))
          wrong.push(`missing of ${name} is ${JSON.stringify(lacking.toSorted())}`);
      }
      for (const name of Object.keys(missing)) if (!names.includes(name)) wrong.push(`${name} is in no such row`);
    }
    assert.deepEqual(wrong, [], "mend scripts/guest-api-table.ts");
  });

  test("the look sees what is not there", async () => {
    const asked: Record<string, Expected> = {
      gone: { path: ["gone"], isFunction: false, members: [], statics: [] },
      Map: {
        path: ["Map"],
        isFunction: false,
        members: ["get", "[Symbol.iterator]", "lost"],
        statics: ["groupBy", "of"],
      },
      "Math()": { path: ["Math"], isFunction: true, members: [], statics: [] },
      "eval()": { path: ["eval"], isFunction: true, members: [], statics: [] },
    };
    assert.deepEqual(await told(`const ASKED = ${JSON.stringify(asked)};${LOOK}`), {
      gone: null,
      Map: ["lost", "static of"],
      "Math()": ["it is no function"],
      "eval()": [],
    });
  });

  test("no global is left out", async () => {
    const language = new Set(vm.runInNewContext("Object.getOwnPropertyNames(globalThis)") as string[]);
    const newer = [
      "AsyncDisposableStack",
      "DisposableStack",
      "Float16Array",
      "InternalError",
      "Iterator",
      "SuppressedError",
    ];
    const told = new Set(WEB.flatMap(({ names }) => names).map((name) => name.replace(/\(\)|\..*/g, "")));
    const silent = [...(await guestGlobals())].filter(
      (name) => !language.has(name) && !newer.includes(name) && !told.has(name),
    );
    assert.deepEqual(silent, []);
  });

  test('every export of "godwit", and no other', async () => {
    const names = LIBRARY.flatMap((row) => row.names.map((name) => name.replace("()", "")));
    assert.deepEqual(names.toSorted(), [...(await guestExports())].sort());
  });

  test("every module of Node.js, with the exports that it has there", async (t) => {
    const modules = NODE.flatMap(({ names }) => names);
    const builtin = builtinModules.filter((name) => !name.startsWith("_") && !name.includes(":"));
    assert.deepEqual(
      builtin.filter((name) => !modules.includes(`node:${name}`)),
      [],
      "not in the table",
    );
    const wrong: string[] = [];
    for (const row of NODE) {
      for (const name of row.names) {
        const has = await exportsInGuest(name, temporaryFolder(t, { "main.js": lister(name) }));
        if ((has === undefined) !== (row.absent !== undefined)) wrong.push(`${name} is ${has ? "" : "not "}there`);
        else if (has !== undefined)
          wrong.push(...differences(row, name, has, Object.keys((await import(name)) as object)));
      }
    }
    assert.deepEqual(wrong, [], "mend scripts/guest-api-table.ts");
  });

  /** What the table says of a module against its exports in a guest and in Node.js. */
  function differences(
    { only, missing = {} }: ApiRow,
    name: string,
    inGuest: readonly string[],
    inNode: readonly string[],
  ): string[] {
    const has = inGuest.filter((key) => key !== "default" && !key.startsWith("_"));
    if (only !== undefined)
      return String(has.toSorted()) === String([...only].sort()) ? [] : [`only of ${name} is ${JSON.stringify(has)}`];
    const said = missing[name] ?? [];
    const lacking = inNode.filter((key) => !key.startsWith("_") && !inGuest.includes(key));
    const unsaid = IS_REFERENCE ? lacking.filter((key) => !said.includes(key)) : [];
    const wronged = said.filter((key) => inGuest.includes(key));
    return [
      ...(unsaid.length > 0 ? [`missing of ${name} lacks ${JSON.stringify(unsaid)}`] : []),
      ...(wronged.length > 0 ? [`missing of ${name} has ${JSON.stringify(wronged)}`] : []),
    ];
  }

  function lister(name: string): string {
    return `import * as all from "${name}"; console.log(JSON.stringify(Object.keys(all)));`;
  }

  /** Undefined when a program that imports the module cannot be compiled. */
  async function exportsInGuest(name: string, workingDirectory: string): Promise<string[] | undefined> {
    const options = { guestExports: await guestExports(), workingDirectory };
    const program = await compileProgram(join(workingDirectory, "main.js"), options).catch((error: unknown) => {
      if (error instanceof GodwitError && error.code === "ENOEXEC" && error.message.includes(name)) return undefined;
      throw error;
    });
    return program === undefined ? undefined : ((await told(program.source)) as string[]);
  }
});
