/**
 * Files, under capabilities. A program may touch nothing until it is given leave, path by path; what it was not given
 * is refused with an error that it can catch, and that says which flag would allow it.
 *
 *     npx godwit run --allow-read=examples examples/files.ts examples
 *
 * prints
 *
 *     every program in examples imports "godwit"
 *     reading package.json: EACCES
 *     writing examples/note.txt: EACCES
 *
 * With `--allow-read` or `--allow-write=examples` in addition, the last two go through (and the note is removed again).
 */

import { open, readDirectory, readFile, remove, self, writeFile } from "godwit";

const [folder = "examples"] = self.arguments;

/** Whether a file's text imports the library, read as it would be if it were large: by lines, up to the first match. */
function importsGodwit(path: string): boolean {
  const file = open(path);
  try {
    for (const line of file.lines()) if (line.endsWith(`from "godwit";`)) return true;
    return false;
  } finally {
    file.close();
  }
}

/** Does it, and says in one word what came of it. */
function attempt(body: () => void): string {
  try {
    body();
    return "done";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

const programs = readDirectory(folder).filter(({ kind, name }) => kind === "file" && name.endsWith(".ts"));
const others = programs.filter(({ name }) => !importsGodwit(`${folder}/${name}`));
if (others.length === 0) console.log(`every program in ${folder} imports "godwit"`);
else console.log(`these programs in ${folder} do without: ${others.map(({ name }) => name).join(", ")}`);

console.log(`reading package.json: ${attempt(() => readFile("package.json", "utf-8"))}`);

const note = `${folder}/note.txt`;
const write = (): void => {
  writeFile(note, "written by examples/files.ts\n");
  remove(note);
};
console.log(`writing ${note}: ${attempt(write)}`);
