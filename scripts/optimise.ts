/** Optimises the shipped engine before it is made suspendable: functions that are inlined need no check after their calls. */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { failure } from "../src/errors.ts";

const TIMEOUT_MS = 180_000;

/** Only what every supported V8 takes, by name: Binaryen's own choice goes further. */
const FEATURES = [
  "-mvp",
  "--enable-mutable-globals",
  "--enable-nontrapping-float-to-int",
  "--enable-sign-ext",
  "--enable-bulk-memory",
  "--enable-bulk-memory-opt",
];
/** Inlining beyond the compiler's: a tenth more code, a tenth less time. Twice as much would double the code for little. */
const PASSES = ["-O3", "--flexible-inline-max-function-size=80", "--always-inline-max-function-size=12"];

/**
 * The optimised module, from `cacheDirectory` when it has been made before from the same module in the same way.
 * @throws GodwitError EENGINE when Binaryen fails.
 */
export async function optimise(module: Uint8Array, cacheDirectory: string): Promise<Uint8Array> {
  const resolve = createRequire(import.meta.url).resolve;
  const manifest = await readFile(resolve("binaryen/package.json"));
  const key = createHash("sha256")
    .update(module)
    .update(manifest)
    .update([...FEATURES, ...PASSES].join(" "));
  const cached = join(cacheDirectory, `engine-${key.digest("hex").slice(0, 32)}.wasm`);
  try {
    return new Uint8Array(await readFile(cached));
  } catch {
    // Not made yet.
  }
  await mkdir(cacheDirectory, { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), "godwit-"));
  try {
    const [input, output] = [join(folder, "in.wasm"), join(folder, "out.wasm")];
    await writeFile(input, module);
    await run(resolve("binaryen/bin/wasm-opt"), [input, "-o", output, ...FEATURES, ...PASSES]);
    const optimised = await readFile(output);
    const half = `${cached}.${process.pid}`;
    await writeFile(half, optimised);
    await rename(half, cached);
    return new Uint8Array(optimised);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A process of its own: its memory is given back when it is done. */
async function run(program: string, options: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, [program, ...options], { timeout: TIMEOUT_MS });
  } catch (error) {
    throw failure(
      "EENGINE",
      `Binaryen could not optimise the engine's module: ${error instanceof Error ? error.message : String(error)}`,
      error,
    );
  }
}
