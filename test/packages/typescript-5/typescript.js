// The compiler itself: a program of several files is checked and emitted, with a host in memory.
import ts from "typescript";

const files = {
  "/lib.d.ts": `interface Array<T> { length: number; [n: number]: T; map<U>(f: (x: T) => U): U[] } interface Boolean {} interface CallableFunction {} interface Function {} interface IArguments {} interface NewableFunction {} interface Number { toFixed(n?: number): string } interface Object {} interface RegExp {} interface String { length: number }`,
  "/shape.ts": `export interface Shape { readonly name: string; area(): number }\nexport abstract class Base<T extends string> implements Shape { constructor(readonly name: T) {} abstract area(): number }`,
  "/main.ts": `import { Base, type Shape } from "./shape";\nclass Square extends Base<"square"> { constructor(private side: number) { super("square") } area() { return this.side ** 2 } }\nconst shapes: Shape[] = [new Square(2)];\nexport const areas: string[] = shapes.map((s) => s.area());\nenum Level { Low = 1, High = Low << 2 }\nexport const level = Level.High satisfies number;\nlet unused: nothing;`,
};
const host = {
  fileExists: (name) => name in files,
  readFile: (name) => files[name],
  getSourceFile: (name, target) => (name in files ? ts.createSourceFile(name, files[name], target, true) : undefined),
  getDefaultLibFileName: () => "/lib.d.ts",
  getCurrentDirectory: () => "/",
  getCanonicalFileName: (name) => name,
  useCaseSensitiveFileNames: () => true,
  getNewLine: () => "\n",
  writeFile: (name, text) => console.log(`${name}:\n${text}`),
};
const program = ts.createProgram(
  ["/main.ts"],
  {
    strict: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    declaration: true,
    types: [],
  },
  host,
);
console.log(ts.formatDiagnostics(ts.getPreEmitDiagnostics(program), host));
program.emit();
console.log(
  ts.transpileModule("let x: number = (<any>y)!; export type T = 1;", {
    compilerOptions: { target: ts.ScriptTarget.ES5 },
  }).outputText,
);
console.log(ts.version);
