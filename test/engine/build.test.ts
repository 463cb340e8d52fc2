/** The build step: deterministic, and refusing what it does not understand. */

import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { GUEST_ENTRY_POINTS } from "../../src/abi/records.ts";
import { GodwitError } from "../../src/errors.ts";
import { decodeFunctions } from "../../src/machine/call-graph.ts";
import { KEPT_EXPORTS, SUSPENDING_IMPORTS } from "../../src/machine/engine-exports.ts";
import { instrument } from "../../src/machine/instrument.ts";
import { bootTemplate, type GuestLibrary } from "../../src/machine/template.ts";
import { decodeModule, encodeModule } from "../../src/machine/wasm-module.ts";
import { optimise } from "../../scripts/optimise.ts";
import { loadEngine } from "./machine.ts";

const OPTIONS = { suspending: SUSPENDING_IMPORTS, exports: KEPT_EXPORTS };

/** A guest library in small; `extra` runs while it is loaded. */
function library(extra = "", runSignal = "f"): GuestLibrary {
  const boot = `(() => { ${extra}; const f = () => undefined; Object.defineProperty(globalThis, "__godwit", { configurable: true, value: { entryPoints: { ${GUEST_ENTRY_POINTS.map((name) => `${name}: f`).join(", ")} }, exports: { b: f, a: f }, sharedWords: new Int32Array(16) } }); })();`;
  return { boot: boot.replace("runSignal: f", `runSignal: ${runSignal}`), parts: {} };
}

let shipped: Uint8Array;
before(async () => {
  shipped = new Uint8Array(await readFile(createRequire(import.meta.url).resolve("quickjs-wasi/quickjs.wasm")));
});

describe("instrumentation", () => {
  test("gives the same bytes each time, in a module that V8 takes", () => {
    const first = instrument(shipped, OPTIONS);
    assert.deepEqual(instrument(shipped, OPTIONS), first);
    assert.ok(WebAssembly.validate(first.engine));
    assert.ok(first.report.suspending > 1000 && first.report.suspending < first.report.functions);
  });

  test("keeps the exports that the kernel uses and no other; the memory is imported", () => {
    const module = new WebAssembly.Module(instrument(shipped, OPTIONS).engine);
    const control = ["start_unwind", "stop_unwind", "start_rewind", "stop_rewind", "get_state"].map(
      (name) => `asyncify_${name}`,
    );
    assert.deepEqual(
      WebAssembly.Module.exports(module)
        .map((item) => item.name)
        .sort(),
      [...KEPT_EXPORTS, "__stack_low", ...control].sort(),
    );
    assert.ok(
      WebAssembly.Module.imports(module).some(
        (item) => item.module === "env" && item.name === "memory" && item.kind === "memory",
      ),
    );
  });

  test("refuses a module that lacks an export", () => {
    assert.throws(
      () => instrument(shipped, { ...OPTIONS, exports: ["no_such_export"] }),
      (error) => error instanceof GodwitError && error.code === "EENGINE" && /no_such_export/.test(error.message),
    );
  });

  test("refuses bytes that are no module, and a module that is cut short", () => {
    for (const bytes of [new Uint8Array(), new Uint8Array(100), shipped.subarray(0, shipped.length / 2)]) {
      assert.throws(
        () => instrument(bytes, OPTIONS),
        (error) => error instanceof GodwitError && error.code === "EENGINE",
      );
    }
  });
});

test("optimisation gives the same bytes in a fresh cache, and takes them from there", async () => {
  const folders = await Promise.all([1, 2].map(() => mkdtemp(join(tmpdir(), "godwit-test-"))));
  try {
    const [first, second] = [await optimise(shipped, folders[0] ?? ""), await optimise(shipped, folders[1] ?? "")];
    assert.ok(Buffer.compare(first, second) === 0 && WebAssembly.validate(first));
    const [cached] = await readdir(folders[0] ?? "");
    await writeFile(join(folders[0] ?? "", cached ?? ""), "from the cache");
    assert.equal(Buffer.from(await optimise(shipped, folders[0] ?? "")).toString(), "from the cache");
    assert.throws(() => instrument(Buffer.from("from the cache"), OPTIONS), GodwitError);
  } finally {
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
  }
});

test("optimisation refuses what is no module", async () => {
  const folder = await mkdtemp(join(tmpdir(), "godwit-test-"));
  try {
    await assert.rejects(
      optimise(new Uint8Array(8), folder),
      (error) => error instanceof GodwitError && error.code === "EENGINE",
    );
    assert.deepEqual(await readdir(folder), []);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a module that is read and written again is the same program", () => {
  const module = decodeModule(shipped);
  const again = decodeModule(encodeModule(module));
  assert.ok(isDeepStrictEqual(again, module));
  assert.ok(isDeepStrictEqual(decodeFunctions(again), decodeFunctions(module)));
  assert.ok(WebAssembly.validate(encodeModule(module)));
});

describe("the template", () => {
  test("is the same bytes each time", async () => {
    const module = await WebAssembly.compile(shipped);
    const [first, second] = [bootTemplate(module, library()), bootTemplate(module, library())];
    assert.ok(Buffer.compare(first.memory, second.memory) === 0);
    assert.deepEqual(first.manifest, second.manifest);
    assert.deepEqual(first.manifest.guestExports, ["a", "b"]);
  });

  test("is not made from a library that makes a system call, leaves jobs behind, throws or lacks an entry point", async () => {
    const module = await WebAssembly.compile(shipped);
    const refused = (source: GuestLibrary, message: RegExp): void =>
      assert.throws(
        () => bootTemplate(module, source),
        (error) => error instanceof GodwitError && error.code === "EENGINE" && message.test(error.message),
      );
    refused(library("__godwit_host(1, 0)"), /system call/);
    refused(library("Promise.resolve().then(() => 1)"), /jobs/);
    refused(library("throw new TypeError('broken')"), /broken/);
    refused(library("", "1"), /runSignal/);
  });

  test("of the built engine lies where its manifest says", async () => {
    const { manifest, template } = await loadEngine();
    const { layout } = manifest;
    assert.equal(template.length, manifest.memoryBytes);
    assert.ok(
      layout.mainStackLow < layout.mainStackHigh &&
        layout.mainStackHigh <= layout.staticLow &&
        layout.staticHigh <= layout.heapBase,
    );
    for (const address of [
      layout.currentFrame,
      layout.stackTop,
      layout.stackLimit,
      layout.interruptCounter,
      layout.randomState,
      layout.sharedWords,
      layout.unwindBuffer,
      layout.unwindDescriptor,
    ]) {
      assert.ok(address >= layout.heapBase && address < template.length && address % 4 === 0, `${address}`);
    }
    assert.ok(
      template
        .subarray(layout.unwindBuffer, layout.unwindBuffer + layout.unwindBufferBytes)
        .every((byte) => byte === 0),
    );
    assert.ok(template.subarray(layout.mainStackLow, layout.mainStackHigh).every((byte) => byte === 0));
  });
});
