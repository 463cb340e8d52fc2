/** The names in a compiled program that it does not declare itself: globals, and what it takes from `"godwit"`. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Identifier, type Node, type Program as Syntax, parse } from "acorn";
import { analyze, type Reference, type Variable } from "eslint-scope";
import { TraceMap, originalPositionFor } from "@jridgewell/trace-mapping";
import type { Place } from "../abi/check.ts";
import type { Program } from "./program.ts";

/** A name used at one place. */
export interface Use {
  readonly name: string;
  readonly place: Place;
  /** The property that is read of it there: `readFile` in `promises.readFile(path)`. */
  readonly property?: string;
  /** The call's first argument, where it is called there with a text as such. */
  readonly text?: string;
  /** The call's options that are set to `true` as such: `write` in `open(path, { write: true })`. */
  readonly options: readonly string[];
}

export interface FreeName extends Use {
  /** The program sees to it that the name may be missing: by `typeof` in the same file, or by `try` around it. */
  readonly guarded: boolean;
}

export interface Names {
  /** Uses of names that are declared nowhere in the program. */
  readonly free: readonly FreeName[];
  /** Uses of what the program imports from `"godwit"`. */
  readonly library: readonly Use[];
}

/** How esbuild names the module that the compiler makes for `"godwit"` in the source map. */
const LIBRARY_SOURCE = /(^|\/)godwit:/;

/** Every node's parent. Parsed code is deeper than a stack is: the way down is a list. */
function parentsIn(root: Syntax): Map<Node, Node> {
  const parents = new Map<Node, Node>();
  const open: Node[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const value of Object.values(node) as unknown[]) {
      for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) {
        if (!isNode(child)) continue;
        parents.set(child, node);
        open.push(child);
      }
    }
  }
  return parents;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, "type") === "string";
}

/** The fields of a node that are read here, whatever its kind. */
type Fields = Node & {
  readonly [
    field in
      | "argument"
      | "arguments"
      | "block"
      | "callee"
      | "handler"
      | "init"
      | "key"
      | "object"
      | "operator"
      | "properties"
      | "property"
      | "value"
      | "computed"
      | "name"
  ]?: unknown;
};

class Reader {
  readonly #parents: Map<Node, Node>;
  readonly #trace: TraceMap;
  readonly #directory: string;
  readonly #lines = new Map<string, readonly string[]>();

  constructor(syntax: Syntax, sourceMap: string, directory: string) {
    this.#parents = parentsIn(syntax);
    this.#trace = new TraceMap(sourceMap);
    this.#directory = directory;
  }

  /** Undefined for code that the compiler added. */
  place(node: Node): Place | undefined {
    const { line, column } = node.loc?.start ?? { line: 1, column: 0 };
    const at = originalPositionFor(this.#trace, { line, column });
    if (at.source === null || at.line === null || at.column === null) return undefined;
    return { file: at.source, line: at.line, column: at.column + 1 };
  }

  #parent(node: Node): Fields | undefined {
    return this.#parents.get(node);
  }

  use(identifier: Identifier, place: Place): Use {
    const property = this.#propertyOf(identifier);
    const callee = property === undefined ? identifier : (this.#parent(identifier) ?? identifier);
    const call = this.#parent(callee);
    const isCall = (call?.type === "CallExpression" || call?.type === "NewExpression") && call["callee"] === callee;
    const given = isCall ? (call["arguments"] as Fields[]) : [];
    const text = given[0]?.type === "Literal" ? given[0]["value"] : undefined;
    return {
      name: identifier.name,
      place,
      ...(property === undefined ? {} : { property }),
      ...(typeof text === "string" ? { text } : {}),
      options: given.flatMap(optionsIn),
    };
  }

  #propertyOf(identifier: Identifier): string | undefined {
    const parent = this.#parent(identifier);
    if (parent?.type !== "MemberExpression" || parent["object"] !== identifier) return undefined;
    const property = parent["property"] as Fields;
    const name = parent["computed"] === true ? property["value"] : property["name"];
    return typeof name === "string" ? name : undefined;
  }

  isTypeof(identifier: Identifier): boolean {
    const parent = this.#parent(identifier);
    return parent?.type === "UnaryExpression" && parent["operator"] === "typeof";
  }

  isTried(identifier: Identifier): boolean {
    let child: Node = identifier;
    for (let node = this.#parent(child); node !== undefined; child = node, node = this.#parent(node)) {
      if (node.type === "TryStatement" && node["handler"] !== null && node["block"] === child && this.#isWritten(node))
        return true;
    }
    return false;
  }

  /** Whether the author wrote the `try`: the compiler makes others, of `using` for one. */
  #isWritten(statement: Node): boolean {
    const place = this.place(statement);
    if (place === undefined) return false;
    const lines = this.#lines.get(place.file) ?? linesOf(resolve(this.#directory, place.file));
    this.#lines.set(place.file, lines);
    return lines[place.line - 1]?.startsWith("try", place.column - 1) === true;
  }
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return []; // a file that is gone shows nothing
  }
}

function optionsIn(argument: Fields): string[] {
  if (argument.type !== "ObjectExpression") return [];
  return (argument["properties"] as Fields[]).flatMap((property) => {
    const key = property["key"] as Fields | undefined;
    const value = property["value"] as Fields | undefined;
    return typeof key?.["name"] === "string" && value?.["value"] === true ? [key["name"]] : [];
  });
}

/** The name that the compiler's module takes from the library: the text in `const e3 = pick("readFile")`. */
function libraryName(variable: Variable, reader: Reader): string | undefined {
  const node = variable.defs[0]?.node as Fields | undefined;
  const init = node?.type === "VariableDeclarator" ? (node["init"] as Fields | null) : null;
  if (node === undefined || init?.type !== "CallExpression") return undefined;
  const text = (init["arguments"] as Fields[])[0]?.["value"];
  const isLibrary = LIBRARY_SOURCE.test(reader.place(init)?.file ?? "");
  return isLibrary && typeof text === "string" ? text : undefined;
}

function usesOf(references: readonly Reference[], reader: Reader): { use: Use; identifier: Identifier }[] {
  return references.flatMap((reference) => {
    const identifier = reference.identifier as unknown as Identifier;
    const place = reader.place(identifier);
    if (place === undefined || LIBRARY_SOURCE.test(place.file)) return [];
    return [{ use: reader.use(identifier, place), identifier }];
  });
}

function freeNames(references: readonly Reference[], reader: Reader): FreeName[] {
  const uses = usesOf(references, reader);
  const key = ({ name, place }: Use) => `${name}\0${place.file}`;
  const tested = new Set(uses.filter(({ identifier }) => reader.isTypeof(identifier)).map(({ use }) => key(use)));
  return uses.map(({ use, identifier }) => ({ ...use, guarded: tested.has(key(use)) || reader.isTried(identifier) }));
}

/**
 * Finds the names in a compiled program that it does not declare, by its syntax and scopes.
 * @param directory what the paths in its source map are relative to
 */
export function namesIn(program: Program, directory: string): Names {
  const syntax = parse(program.source, {
    ecmaVersion: "latest",
    sourceType: "module",
    locations: true,
    ranges: true,
  });
  const reader = new Reader(syntax, program.sourceMap, directory);
  const scopes = analyze(syntax as Parameters<typeof analyze>[0], {
    ecmaVersion: 2025,
    sourceType: "module",
    ignoreEval: true,
  });
  const library = scopes.scopes
    .filter(({ type }) => type === "module")
    .flatMap(({ variables }) => variables)
    .flatMap((variable) => {
      const name = libraryName(variable, reader);
      if (name === undefined) return [];
      const reads = variable.references.filter((reference) => reference.isRead());
      return usesOf(reads, reader).map(({ use }) => ({ ...use, name }));
    });
  return { free: freeNames(scopes.globalScope?.through ?? [], reader), library };
}
