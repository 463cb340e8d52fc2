/**
 * Awaits that a program can follow. The engine goes on after an `await` without telling anybody, so the store of an
 * `AsyncLocalStorage` would be lost there. In programs that have one, async functions become functions of promises, whose
 * `then` carries the store (see `guest/node/async-context.ts`). An `await` of the module itself stays: nothing surrounds it.
 */

import { type AnyNode, parse } from "acorn";
import { assert } from "../assert.ts";

interface Code {
  readonly source: string;
  /** JSON. */
  readonly sourceMap: string;
}

/** As long as `await`, so that positions stay what they are. */
const STAND_IN = "$tla0";

/** @param code an ES module without async generators and `for await`. */
export async function awaitsFollowed({ source, sourceMap }: Code): Promise<Code> {
  const { transform } = await import("esbuild");
  const map = Buffer.from(sourceMap).toString("base64");
  const hidden = topLevelAwaitsHidden(withWholeReturns(source));
  const { code, map: lowered } = await transform(
    `${hidden}\n//# sourceMappingURL=data:application/json;base64,${map}\n`,
    {
      loader: "js",
      target: "es2023",
      supported: { "async-await": false },
      charset: "utf8",
      legalComments: "none",
      sourcemap: "external",
      sourcesContent: false,
      sourcefile: "program.js",
      logLevel: "silent",
    },
  );
  return { source: topLevelAwaitsShown(code), sourceMap: lowered };
}

/** How esbuild's helper goes on with a generator after an `await` in it: as it was resumed last. */
const RESUMED_ALIKE = 'k === "return" ? k : "next"';
/** After a `return`, an `await` in a `finally` would be the last thing that runs. Only `yield*` wants to be told again. */
const RESUMED_RIGHT = 'k === "return" && v[1] ? k : "next"';

function withWholeReturns(source: string): string {
  if (!source.includes("var __asyncGenerator = ")) return source;
  assert(source.includes(RESUMED_ALIKE), "esbuild's helper for asynchronous generators is the one that is known");
  return source.replace(RESUMED_ALIKE, RESUMED_RIGHT);
}

/** A piece of text in place of another. */
interface Change {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** esbuild lowers no function of a module that awaits at its top level: there `await x` is written `$tla0(x)`. */
function topLevelAwaitsHidden(source: string): string {
  const changes: Change[] = [];
  visit(parsed(source), undefined, (node) => {
    if (node.type !== "AwaitExpression") return;
    assert(source.startsWith("await ", node.start), "esbuild writes an await so");
    changes.push({ start: node.start, end: node.start + "await ".length, text: `${STAND_IN}(` });
    changes.push({ start: node.end, end: node.end, text: ")" });
  });
  return changed(source, changes);
}

function topLevelAwaitsShown(source: string): string {
  if (!source.includes(STAND_IN)) return source;
  const changes: Change[] = [];
  visit(parsed(source), undefined, (node, parent) => {
    if (node.type !== "CallExpression" || node.callee.type !== "Identifier" || node.callee.name !== STAND_IN) return;
    const isTight = bindsTighter(node, parent);
    if (isTight) changes.push({ start: node.start, end: node.start, text: "(" });
    changes.push({ start: node.callee.start, end: node.callee.end, text: "await" });
    if (isTight) changes.push({ start: node.end, end: node.end, text: ")" });
  });
  return changed(source, changes);
}

/** Where a call may stand without parentheses, but an `await` may not. */
function bindsTighter(node: AnyNode, parent: AnyNode | undefined): boolean {
  switch (parent?.type) {
    case "MemberExpression":
      return parent.object === node;
    case "CallExpression":
    case "NewExpression":
      return parent.callee === node;
    case "TaggedTemplateExpression":
      return parent.tag === node;
    case "BinaryExpression":
      return parent.operator === "**" && parent.left === node;
    case undefined:
    default:
      return false;
  }
}

function parsed(source: string): AnyNode {
  return parse(source, { ecmaVersion: "latest", sourceType: "module" });
}

const FUNCTIONS: readonly string[] = ["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"];

/** Every node that is evaluated with the module itself, from the outside in. */
function visit(node: AnyNode, parent: AnyNode | undefined, each: (node: AnyNode, parent: AnyNode | undefined) => void) {
  each(node, parent);
  if (FUNCTIONS.includes(node.type)) return;
  for (const value of Object.values(node) as unknown[]) {
    for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (isNode(child)) visit(child, node, each);
    }
  }
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, "type") === "string";
}

function changed(source: string, changes: readonly Change[]): string {
  // Changes at one place stay in the order in which they were made.
  const inOrder = changes.toSorted((a, b) => a.start - b.start);
  let text = "";
  let from = 0;
  for (const { start, end, text: instead } of inOrder) {
    text += source.slice(from, start) + instead;
    from = end;
  }
  return text + source.slice(from);
}
