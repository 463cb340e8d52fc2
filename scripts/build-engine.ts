/** Builds dist/engine: the suspendable engine, the template image with the guest library, and their manifest. */

import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import { PAGE_BYTES } from "../src/limits.ts";
import type { EngineManifest } from "../src/machine/engine.ts";
import { KEPT_EXPORTS, SUSPENDING_IMPORTS } from "../src/machine/engine-exports.ts";
import { instrument } from "../src/machine/instrument.ts";
import { bootTemplate } from "../src/machine/template.ts";
import { bundleLibrary } from "./guest-library.ts";
import { licences } from "./licences.ts";
import { optimise } from "./optimise.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LIBRARY = `${ROOT}src/guest/boot.ts`;
const CACHE = `${ROOT}node_modules/.cache/godwit`;

async function main(output: string, library: string): Promise<void> {
  const started = performance.now();
  const shippedPath = createRequire(import.meta.url).resolve("quickjs-wasi/quickjs.wasm");
  const shipped = await readFile(shippedPath);
  const bytes = await optimise(shipped, CACHE);
  const { engine, report } = instrument(bytes, { suspending: SUSPENDING_IMPORTS, exports: KEPT_EXPORTS });
  const guestLibrary = await bundleLibrary(library);
  const template = bootTemplate(await WebAssembly.compile(bytes), guestLibrary);
  const hash = createHash("sha256")
    .update(engine)
    .update(template.memory)
    .update(JSON.stringify(template.manifest.guestParts))
    .digest("hex");
  const manifest: EngineManifest = { formatVersion: 1, hash, ...template.manifest };

  // Readers see either the old engine or the new one whole: the manifest is replaced last.
  await mkdir(output, { recursive: true });
  const files: [string, Uint8Array | string][] = [
    ["engine.wasm", engine],
    ["template.bin", template.memory],
    ["LICENSES.txt", await licences([dirname(shippedPath), ...guestLibrary.packages])],
    ["engine.json", `${JSON.stringify(manifest, undefined, 2)}\n`],
  ];
  for (const [name, contents] of files) await writeFile(`${output}/.${name}.new`, contents);
  for (const [name] of files) await rename(`${output}/.${name}.new`, `${output}/${name}`);

  const pages = nonZeroPages(template.memory);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `engine: ${report.suspending} of ${report.functions} functions may suspend, at ${report.calls} calls; ${report.continuations} continuations; ${kilobytes(engine.length)}`,
  );
  console.log(
    `template: ${pages.length / PAGE_BYTES} non-zero pages, ${kilobytes(deflateSync(pages).length)} deflated; ${manifest.guestExports.length} guest exports`,
  );
  console.log(`${output}: ${hash.slice(0, 16)} in ${seconds} s`);
}

function nonZeroPages(memory: Uint8Array): Uint8Array {
  const pages: Uint8Array[] = [];
  for (let at = 0; at < memory.length; at += PAGE_BYTES) {
    const page = memory.subarray(at, at + PAGE_BYTES);
    if (page.some((byte) => byte !== 0)) pages.push(page);
  }
  return Buffer.concat(pages);
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1000)} kB`;
}

await main(process.argv[2] ?? `${ROOT}dist/engine`, process.argv[3] ?? LIBRARY);
