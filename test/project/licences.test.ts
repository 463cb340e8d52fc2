/** What is shipped contains code of packages: their licences are shipped with it. */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bundleLibrary } from "../../scripts/guest-library.ts";
import { licences, packageFolder } from "../../scripts/licences.ts";
import { temporaryFolder } from "../cli/folder.ts";

test("the licence of every package in the engine and the guest library is beside them", async () => {
  const shipped = readFileSync("dist/engine/LICENSES.txt", "utf8");
  const { packages, parts } = await bundleLibrary();
  assert.ok(packages.length > 0);
  for (const folder of [...packages, "node_modules/quickjs-wasi"]) {
    const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, string>;
    assert.ok(shipped.includes(`\n${name} ${version}: `), `${name} ${version} is not in dist/engine/LICENSES.txt`);
    assert.ok(shipped.includes(readFileSync(join(folder, "LICENSE"), "utf8").trim()), name);
  }
  // The bundler tells of them all: code that is known to be in the library is of a package that it named.
  assert.ok(parts["streams"]?.includes("ReadableStreamBYOBReader"));
  for (const name of ["web-streams-polyfill", "pako"]) {
    assert.ok(
      packages.some((folder) => folder.replaceAll("\\", "/").endsWith(`/node_modules/${name}`)),
      name,
    );
  }
});

test("a file's package is the innermost one", () => {
  assert.equal(packageFolder("node_modules/a/b.js"), "node_modules/a");
  assert.equal(packageFolder("../x/node_modules/@s/a/dist/b.js"), "../x/node_modules/@s/a");
  assert.equal(packageFolder("node_modules/a/node_modules/@s/b/c.js"), "node_modules/a/node_modules/@s/b");
  assert.equal(packageFolder("src/guest/parts/blob.ts"), undefined);
});

test("a package without a licence is refused", async (t) => {
  const folder = temporaryFolder(t, {
    "package.json": JSON.stringify({ name: "bare", version: "1.0.0", license: "MIT" }),
  });
  await assert.rejects(licences([folder]), /bare in .* has no licence/);
  writeFileSync(join(folder, "LICENSE.md"), "Do what you want.\n");
  assert.match(await licences([folder, folder]), /^[^]*\nbare 1\.0\.0: MIT\n=+\n\nDo what you want\.\n$/);
  mkdirSync(join(folder, "other"));
  writeFileSync(join(folder, "other/package.json"), JSON.stringify({ name: "other", version: "2.0.0" }));
  writeFileSync(join(folder, "other/LICENSE"), "text");
  await assert.rejects(licences([join(folder, "other")]), /other in .* has no licence/);
});
