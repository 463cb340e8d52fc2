/** Loads the engine that the build left in `dist/engine/`: compiled once for an OS process, and its template, shared. */

import { readFile } from "node:fs/promises";

import { failure } from "../errors.ts";
import type { Engine, EngineManifest } from "./engine.ts";
import { prepareV8 } from "./v8.ts";

const DIRECTORY = new URL("../../engine/", import.meta.url);

/** Throws EENGINE when it has not been built, or by another version. */
export async function loadEngine(): Promise<Engine> {
  prepareV8();
  try {
    const [text, code, template] = await Promise.all([
      readFile(new URL("engine.json", DIRECTORY), "utf8"),
      readFile(new URL("engine.wasm", DIRECTORY)),
      readFile(new URL("template.bin", DIRECTORY)),
    ]);
    const manifest = JSON.parse(text) as EngineManifest;
    if (manifest.formatVersion !== 1)
      throw new Error(`its manifest has version ${String(manifest.formatVersion)}, this build reads 1`);
    const module = await WebAssembly.compile(code);
    const shared = new Uint8Array(new SharedArrayBuffer(manifest.memoryBytes));
    shared.set(template);
    return { module, manifest, template: shared };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw failure("EENGINE", `the engine cannot be loaded (${why}): build it with \`npm run build\``, error);
  }
}
