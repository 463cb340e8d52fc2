/** What is wrong with a program before it runs: its types, what it imports, and what it asks for that guests lack. */

import { relative, resolve } from "node:path";
import type { BuildFailure, Message } from "esbuild";
import type { Check, Need, Place, Problem } from "../abi/check.ts";
import { GodwitError } from "../errors.ts";
import { CHECK_PROBLEMS_MAX } from "../limits.ts";
import { absentGlobal, guestGlobals } from "./check-globals.ts";
import { type FreeName, namesIn } from "./check-names.ts";
import { needsOf } from "./check-needs.ts";
import { type TypeProblem, checkTypes } from "./check-types.ts";
import { type Program, compileProgram, explained, guestExports } from "./program.ts";

export interface CheckOptions {
  /** Whether TypeScript is asked as well. */
  readonly types: boolean;
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && Array.isArray(Reflect.get(error, "errors"));
}

/** esbuild counts columns in bytes, from 0. */
function placeOf({ location }: Message): { place?: Place } {
  if (location === null) return {};
  const { file, line, column, lineText } = location;
  return { place: { file, line, column: Buffer.from(lineText).subarray(0, column).toString().length + 1 } };
}

function compileProblems(error: unknown): Problem[] {
  if (!(error instanceof GodwitError) || error.code !== "ENOEXEC") throw error;
  const { cause } = error;
  if (!isBuildFailure(cause)) return [{ kind: "compile", severity: "error", message: error.message }];
  return cause.errors.map((message) => ({
    kind: "compile",
    severity: "error",
    ...placeOf(message),
    message: explained(message).text ?? message.text,
  }));
}

async function compiled(file: string, directory: string): Promise<Program | Problem[]> {
  try {
    return await compileProgram(file, { guestExports: await guestExports(), workingDirectory: directory });
  } catch (error) {
    return compileProblems(error);
  }
}

const PACKAGE = /(^|[\\/])node_modules[\\/]/;

/** The uses of globals that guests lack. In a package only the first of several in one file is told. */
function globalProblems(uses: readonly FreeName[]): Problem[] {
  const told = new Set<string>();
  return uses.flatMap(({ name, place }): Problem[] => {
    const inPackage = PACKAGE.test(place.file);
    const key = inPackage ? `${name} ${place.file}` : `${name} ${place.file}:${place.line}:${place.column}`;
    if (told.has(key)) return [];
    told.add(key);
    return [{ kind: "global", severity: inPackage ? "warning" : "error", place, message: absentGlobal(name) }];
  });
}

const NO_TYPESCRIPT: Problem = {
  kind: "type",
  severity: "error",
  message:
    "types were not checked, as the program's project has no TypeScript: install it with `npm install -D typescript`, or leave types out with --no-types",
};

async function typeProblems(path: string, directory: string, options: CheckOptions): Promise<Problem[]> {
  if (!options.types || !/\.[cm]?tsx?$/.test(path)) return [];
  const problems = await checkTypes(path, directory);
  if (problems === undefined) return [NO_TYPESCRIPT];
  return problems.map(({ place, message }: TypeProblem) => ({
    kind: "type",
    severity: "error",
    ...(place === undefined ? {} : { place: { ...place, file: shortPath(place.file, directory) } }),
    message,
  }));
}

function shortPath(file: string, directory: string): string {
  const path = resolve(directory, file);
  const short = relative(directory, path);
  return short.startsWith("..") ? path : short;
}

/** What TypeScript says of a line that has a mistake already is that mistake again. */
function withoutEchoes(types: readonly Problem[], others: readonly Problem[]): Problem[] {
  const line = ({ place }: Problem) => `${place?.file}:${place?.line}`;
  const told = new Set(others.filter(({ place }) => place !== undefined).map(line));
  const isEcho = (problem: Problem) =>
    told.has(line(problem)) && /TS(1\d{3}|2304|2307|2503|2552|258\d|259\d|2792|2867|2868): /.test(problem.message);
  return types.filter((problem) => problem.place === undefined || !isEcho(problem));
}

function byPlace(a: Problem, b: Problem): number {
  if (a.place === undefined || b.place === undefined)
    return Number(a.place === undefined) - Number(b.place === undefined);
  if (a.place.file !== b.place.file) return a.place.file < b.place.file ? -1 : 1;
  return a.place.line - b.place.line || a.place.column - b.place.column;
}

/**
 * Checks a program file.
 * @throws GodwitError ENOENT, EISDIR or EACCES for the file itself; EENGINE when the engine was not built; EIO when
 * TypeScript fails itself.
 */
export async function checkProgram(file: string, options: CheckOptions): Promise<Check> {
  const directory = resolve(".");
  const program = await compiled(file, directory);
  const types = await typeProblems(resolve(file), directory, options);
  if (Array.isArray(program)) return result([...program, ...withoutEchoes(types, program)], []);
  const names = namesIn(program, directory);
  const present = await guestGlobals();
  const inputs = new Set(program.inputs);
  /** In a file of the program, not in one of ours; and not where the program knows what to do without. */
  const isTold = ({ name, place, guarded }: FreeName) =>
    !present.has(name) && !guarded && inputs.has(resolve(directory, place.file));
  const globals = globalProblems(names.free.filter(isTold));
  const needs = needsOf(
    names,
    names.free.filter(({ name }) => present.has(name)),
  );
  const bundle = { sizeBytes: Buffer.byteLength(program.source), files: program.inputs.length };
  return { ...result([...globals, ...withoutEchoes(types, globals)], needs), bundle };
}

function result(problems: readonly Problem[], needs: readonly Need[]): Check {
  const sorted = problems.toSorted(byPlace);
  return {
    problems: sorted.slice(0, CHECK_PROBLEMS_MAX),
    more: Math.max(0, sorted.length - CHECK_PROBLEMS_MAX),
    needs,
  };
}
