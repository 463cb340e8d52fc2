/** Scratch directories and caches on one node: bounds, images, forks, hand-overs and stops. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { SCRATCH_MAX_BYTES } from "../../src/limits.ts";
import { withNode } from "./bench-node.ts";

const LIBRARY =
  "const { scratch, openCache, stat, exists, readDirectory, makeDirectory, remove, rename } = globalThis.__godwit.exports;\n";

await withNode({ lwps: 2 }, (t) => {
  test("a program that uses both gives the same however often it is stopped", async () => {
    const source = `${LIBRARY}
      const work = scratch(), cache = openCache({ maxBytes: 2000 });
      for (let n = 0; n < 20; n++) {
        writeFile(work.join("f" + n), "x".repeat(n)); cache.set("k" + n, { n, text: "y".repeat(100) });
        if (n % 3 === 0) rename(work.join("f" + n), work.join("g" + n));
      }
      using log = open(work.join("log"), { read: true, write: true, create: true });
      for (let n = 0; n < 10; n++) log.write(n + ";");
      log.seek(0);
      console.log(readDirectory(work.path).length, exists(work.join("f3")), stat(work.join("g3")).sizeBytes, new TextDecoder().decode(log.read(100)));
      console.log(cache.keys().join(), cache.get("k19").n, cache.get("k0"), cache.delete("k19"), cache.delete("k19"));
      cache.close(); work.close();
      for (const act of [() => cache.get("k"), () => readFile(work.join("log")), () => openCache({ maxBytes: 0 }), () => scratch({ binding: "x" }), () => readFile("scratch:0/x")])
        try { act(); console.log("no error"); } catch (error) { console.log(error.code); }`;
    const plain = await t.run(source);
    assert.match(plain.stdout, /^21 false 3 0;1;2;3;4;5;6;7;8;9;\n/, plain.stderr);
    assert.match(plain.stdout, /k19 19 undefined true false\nEBADF\nEBADF\nEINVAL\nEINVAL\nEBADF\n$/);
    const stopped = await t.run(source, { stress: { every: 31, at: "call" } });
    assert.deepEqual([stopped.stdout, stopped.stderr], [plain.stdout, plain.stderr]);
  });

  test("a scratch directory has a bound, and one that made room goes on", async () => {
    const { stdout, stderr } = await t.run(`${LIBRARY}
      const work = scratch(), big = new Uint8Array(1 << 20);
      const full = (act) => { try { act(); return "fits"; } catch (error) { return error.code; } };
      for (let n = 0; n < ${SCRATCH_MAX_BYTES / 2 ** 20 - 1}; n++) writeFile(work.join("f" + n), big);
      console.log(full(() => writeFile(work.join("last"), big)));
      remove(work.join("f0")); remove(work.join("last"));
      console.log(full(() => writeFile(work.join("again"), big)));
      const file = open(work.join("sparse"), { write: true, create: true });
      console.log(full(() => file.truncate(2 ** 40)), full(() => { file.seek(2 ** 40); file.write("x"); }));
      console.log(full(() => { for (;;) scratch(); }), full(() => { for (;;) openCache(); }));`);
    assert.deepEqual([stdout, stderr], ["ENOSPC\nfits\nENOSPC ENOSPC\nEMFILE EMFILE\n", ""]);
  });

  test("an image has the cache's content, and finds a scratch directory that is new and empty", async () => {
    const started = await t.start(`${LIBRARY}
      const work = scratch(), cache = openCache();
      writeFile(work.join("x"), "x"); cache.set("k", "v"); console.log("ready");
      receive({ timeoutMs: 1000 });
      console.log(readDirectory(work.path).length, cache.get("k"));
      writeFile(work.join("y"), "y"); console.log(readFile(work.join("y"), "utf-8"));`);
    await started.printed("ready");
    const image = await t.node.checkpoint(started.pid);
    const restored = t.watch(await t.node.restore(image));
    assert.deepEqual([(await started.ended).stdout, (await started.ended).stderr], ["ready\n1 v\ny\n", ""]);
    const { stdout, stderr } = await restored.ended;
    assert.deepEqual([stdout, stderr], ["0 v\ny\n", ""]);
  });

  test("a fork's child has its own of both", async () => {
    const { stdout, stderr } = await t.run(`${LIBRARY}
      const work = scratch(), cache = openCache();
      writeFile(work.join("x"), "before"); cache.set("k", "before");
      const child = fork();
      if (child === 0) { writeFile(work.join("x"), "child"); cache.set("k", "child"); work.close(); exit(0); }
      wait(child);
      console.log(readFile(work.join("x"), "utf-8"), cache.get("k"));`);
    assert.deepEqual([stdout, stderr], ["before before\n", ""]);
  });

  test("nothing leads out of a scratch directory", async () => {
    const { stdout } = await t.run(`${LIBRARY}
      const work = scratch();
      for (const path of ["/../x", "/../../etc/passwd", "/a/../../x"])
        try { readFile(work.path + path); console.log("read"); } catch (error) { console.log(error.code); }
      try { rename(work.join("x"), "/tmp/x"); } catch (error) { console.log(error.code); }`);
    assert.equal(stdout, "EACCES\nEACCES\nEACCES\nEINVAL\n");
    assert.ok(existsSync(t.folder));
  });
});
