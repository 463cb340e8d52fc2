import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type LockedPackages, missingPlatforms } from "../../scripts/lockfile.ts";

for (const file of ["package-lock.json", "scripts/api-docs/package-lock.json"]) {
  test(`${file} has every platform's packages (if not: node dist/scripts/lockfile.js)`, () => {
    const { packages } = JSON.parse(readFileSync(file, "utf8")) as { packages: LockedPackages };
    assert.deepEqual(missingPlatforms(packages), {});
  });
}

test("what is missing is found, with the platform in its name", () => {
  const packages: LockedPackages = {
    "": {},
    "node_modules/tool": {
      version: "1.2.3",
      dev: true,
      optionalDependencies: {
        "@tool/binding-linux-x64-gnu": "1.2.3",
        "@tool/binding-linux-x64-musl": "1.2.3",
        "@tool/darwin-arm64": "1.2.3",
        "@tool/nested-win32-x64": "1.2.3",
        fsevents: "~2.3.0",
      },
    },
    "node_modules/@tool/binding-linux-x64-gnu": { version: "1.2.3" },
    "node_modules/tool/node_modules/@tool/nested-win32-x64": { version: "1.2.3" },
  };
  assert.deepEqual(missingPlatforms(packages), {
    "node_modules/@tool/binding-linux-x64-musl": {
      version: "1.2.3",
      dev: true,
      optional: true,
      os: ["linux"],
      cpu: ["x64"],
      libc: ["musl"],
    },
    "node_modules/@tool/darwin-arm64": { version: "1.2.3", dev: true, optional: true, os: ["darwin"], cpu: ["arm64"] },
  });
});

test("a package whose name tells no platform is not guessed at", () => {
  const packages = { "node_modules/a": { optionalDependencies: { "a-extra": "1.0.0" } } };
  assert.throws(() => missingPlatforms(packages), /a-extra/);
});
