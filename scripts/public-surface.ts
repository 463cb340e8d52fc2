/** The public surface of a module: every name that it exports, where that is declared, and its doc comment. */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseSync, type Comment, type Directive, type Statement } from "oxc-parser";

export interface PublicName {
  readonly kind: "function" | "class" | "value" | "type";
  readonly name: string;
  readonly file: string;
  /** The text of the doc comment right above the declaration, or "". */
  readonly doc: string;
}

interface Parsed {
  readonly source: string;
  readonly body: readonly (Directive | Statement)[];
  readonly comments: readonly Comment[];
}

/**
 * The names that `file` exports, its own and those it re-exports from files (not packages), in order. What is declared
 * more than once (overloads, a type and a value) is one name, with the first doc comment that it has.
 */
export function publicSurface(file: string): PublicName[] {
  const names = new Map<string, PublicName>();
  for (const each of exported(file)) {
    const earlier = names.get(each.name);
    if (earlier === undefined || earlier.doc === "") names.set(each.name, each);
  }
  return [...names.values()];
}

function exported(file: string): PublicName[] {
  const found: PublicName[] = [];
  const parsed = parse(file);
  for (const node of parsed.body) {
    if (node.type === "ExportAllDeclaration" && node.source.value.startsWith(".")) {
      found.push(...exported(join(dirname(file), node.source.value)));
    } else if (node.type === "ExportNamedDeclaration" && node.source !== null) {
      const wanted = new Set(node.specifiers.map((each) => nameOf(each.local)));
      if (!node.source.value.startsWith(".")) continue;
      const from = declarations(join(dirname(file), node.source.value));
      found.push(...from.filter((each) => wanted.has(each.name)));
    } else if (node.type === "ExportNamedDeclaration" && node.declaration === null) {
      const wanted = new Set(node.specifiers.map((each) => nameOf(each.local)));
      found.push(...declarations(file).filter((each) => wanted.has(each.name)));
    } else if (node.type === "ExportNamedDeclaration") {
      found.push(...described(file, parsed, node));
    }
  }
  return found;
}

function nameOf(node: { readonly type: string; readonly name?: string; readonly value?: unknown }): string {
  return node.name ?? String(node.value);
}

/** Every top-level declaration of a file, exported or not. */
function declarations(file: string): PublicName[] {
  const parsed = parse(file);
  return parsed.body.flatMap((node) => described(file, parsed, node));
}

/** The names that one top-level statement declares. */
function described(file: string, parsed: Parsed, node: Directive | Statement): PublicName[] {
  const declaration = node.type === "ExportNamedDeclaration" ? node.declaration : node;
  const doc = docAbove(parsed, node.start);
  switch (declaration?.type) {
    case "FunctionDeclaration":
    case "TSDeclareFunction":
      return declaration.id === null ? [] : [{ kind: "function", name: declaration.id.name, file, doc }];
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
      return [{ kind: "type", name: declaration.id.name, file, doc }];
    case "VariableDeclaration":
      return declaration.declarations.flatMap(({ id }) =>
        id.type === "Identifier" ? [{ kind: "value", name: id.name, file, doc }] : [],
      );
    case "ClassDeclaration":
      return declaration.id === null ? [] : [{ kind: "class", name: declaration.id.name, file, doc }];
    default:
      return [];
  }
}

/** The doc comment that ends right above an offset, with nothing but white space between. */
function docAbove({ source, comments }: Parsed, start: number): string {
  const above = comments.findLast((comment) => comment.end <= start);
  if (above?.type !== "Block" || !above.value.startsWith("*")) return "";
  if (source.slice(above.end, start).trim() !== "") return "";
  return above.value.replace(/^\*|^\s*\*/gm, "").trim();
}

function parse(file: string): Parsed {
  const source = readFileSync(file, "utf8");
  const { program, comments } = parseSync(file, source);
  return { source, body: program.body, comments };
}
