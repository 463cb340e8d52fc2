/** The members of the web's interfaces, as TypeScript's declarations have them: those are made from the standards' own. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type TSSignature, parseSync } from "oxc-parser";

const PACKAGES = fileURLToPath(new URL("../../../node_modules/@typescript/", import.meta.url));

export interface WebInterface {
  /** Of its instances, with inherited ones. Symbols are written `[Symbol.iterator]`. */
  readonly members: readonly string[];
  /** Of the constructor itself. */
  readonly statics: readonly string[];
}

function nameOf(member: TSSignature): string[] {
  if (member.type !== "TSPropertySignature" && member.type !== "TSMethodSignature") return [];
  const { key } = member;
  if (key.type === "Identifier") return member.computed ? [] : [key.name];
  if (key.type !== "MemberExpression" || key.property.type !== "Identifier") return [];
  return [`[Symbol.${key.property.name}]`];
}

interface Declared {
  readonly members: Set<string>;
  readonly statics: Set<string>;
  readonly parents: Set<string>;
}

function readDeclarations(path: string, into: Map<string, Declared>): void {
  const { program } = parseSync(path, readFileSync(path, "utf8"));
  const of = (name: string): Declared => {
    const found = into.get(name) ?? { members: new Set(), statics: new Set(), parents: new Set() };
    into.set(name, found);
    return found;
  };
  for (const node of program.body) {
    if (node.type === "TSInterfaceDeclaration") {
      const declared = of(node.id.name);
      for (const name of node.body.body.flatMap(nameOf)) declared.members.add(name);
      for (const { expression } of node.extends)
        if (expression.type === "Identifier") declared.parents.add(expression.name);
    }
    if (node.type !== "VariableDeclaration") continue;
    for (const { id } of node.declarations) {
      const type = id.type === "Identifier" ? id.typeAnnotation?.typeAnnotation : undefined;
      if (id.type !== "Identifier" || type?.type !== "TSTypeLiteral") continue;
      const statics = type.members.flatMap(nameOf).filter((name) => name !== "prototype");
      for (const name of statics) of(id.name).statics.add(name);
    }
  }
}

/** By name, every interface of the web that workers have. */
export function webInterfaces(): Map<string, WebInterface> {
  const declared = new Map<string, Declared>();
  const home = readdirSync(PACKAGES).find((name) => name.startsWith("typescript-"));
  if (home === undefined) throw new Error(`no TypeScript in ${PACKAGES}: run npm ci`);
  for (const part of ["webworker", "webworker.iterable", "webworker.asynciterable"])
    readDeclarations(join(PACKAGES, home, `lib/lib.${part}.d.ts`), declared);
  const membersOf = (name: string): string[] => {
    const found = declared.get(name);
    return found === undefined ? [] : [...found.members, ...[...found.parents].flatMap(membersOf)];
  };
  return new Map(
    [...declared].map(([name, { statics }]) => [
      name,
      { members: [...new Set(membersOf(name))].sort(), statics: [...statics].sort() },
    ]),
  );
}
