/**
 * The imports of a TypeScript source, by a real parser (oxc), which keeps what a compiler erases: `import type`,
 * `export type ... from` and `import("...").Type` are imports too, since a type is a dependency of its reader.
 */

import { parseSync, Visitor } from "oxc-parser";

/**
 * - `value`: an import or re-export that is there when the program runs;
 * - `type`: one that the compiler erases;
 * - `dynamic`: `import("...")`, or a file named by `new URL("...", import.meta.url)` (a worker's entry).
 */
export type ImportKind = "value" | "type" | "dynamic";

export interface Import {
  readonly specifier: string;
  readonly kind: ImportKind;
  /** One-based. */
  readonly line: number;
}

/** Every import in `source`, in order of appearance. Throws a `SyntaxError` if it cannot be parsed. */
export function readImports(fileName: string, source: string): Import[] {
  const { program, errors } = parseSync(fileName, source);
  const [first] = errors;
  if (first !== undefined) throw new SyntaxError(`${fileName}: ${first.codeframe ?? first.message}`);

  const found: (Import & { readonly start: number })[] = [];
  const add = (specifier: unknown, kind: ImportKind, start: number): void => {
    if (typeof specifier !== "string") return;
    found.push({ specifier, kind, line: lineOf(source, start), start });
  };
  new Visitor({
    ImportDeclaration(node) {
      // `import { type A }` is not of that kind: the compiler keeps an empty import, and the module is loaded.
      add(node.source.value, node.importKind === "type" ? "type" : "value", node.start);
    },
    ExportNamedDeclaration(node) {
      if (node.source !== null) add(node.source.value, node.exportKind === "type" ? "type" : "value", node.start);
    },
    ExportAllDeclaration(node) {
      add(node.source.value, node.exportKind === "type" ? "type" : "value", node.start);
    },
    TSImportType(node) {
      add(node.source.value, "type", node.start);
    },
    ImportExpression(node) {
      if (node.source.type === "Literal") add(node.source.value, "dynamic", node.start);
    },
    NewExpression(node) {
      const [path, base] = node.arguments;
      if (node.callee.type !== "Identifier" || node.callee.name !== "URL") return;
      if (path?.type !== "Literal" || base?.type !== "MemberExpression" || base.object.type !== "MetaProperty") return;
      if (typeof path.value === "string" && /\.[jt]s$/.test(path.value)) add(path.value, "dynamic", node.start);
    },
  }).visit(program);
  return found.sort((a, b) => a.start - b.start).map(({ specifier, kind, line }) => ({ specifier, kind, line }));
}

function lineOf(source: string, offset: number): number {
  let line = 1;
  for (let at = source.indexOf("\n"); at >= 0 && at < offset; at = source.indexOf("\n", at + 1)) line++;
  return line;
}
