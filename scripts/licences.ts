/** The licences of the packages whose code is in what is built: they ask to be shipped with it. */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const LICENCE_FILE = /^(licen[cs]e|copying|notice)(\..*)?$/i;

interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

/** The folder of the package that a file is in; `undefined` when it is in none. `file` has forward slashes. */
export function packageFolder(file: string): string | undefined {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0];
}

/** The licences of the packages in these folders, one after the other. @throws for one that has none. */
export async function licences(folders: Iterable<string>): Promise<string> {
  const texts = await Promise.all([...new Set(folders)].map(licence));
  return `What is in this folder contains code of these packages.\n\n${texts.sort().join("\n")}`;
}

async function licence(folder: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as PackageManifest;
  const { name, version, license } = manifest;
  const files = (await readdir(folder)).filter((file) => LICENCE_FILE.test(file)).sort();
  if (files.length === 0 || license === undefined)
    throw new Error(`${name} in ${folder} has no licence that could be shipped with its code: use another package`);
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  return `${"=".repeat(80)}\n${name} ${version}: ${license}\n${"=".repeat(80)}\n\n${texts.map((text) => text.trim()).join("\n\n")}\n`;
}
