/** The embedded engine: the suite, over a server in an OS process of its own that is killed. */

import { mkdtempSync, openSync, readFileSync, closeSync, rmSync, truncateSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { encodePath } from "../../src/cluster/path.ts";
import { Child, endChildren } from "./child.ts";
import { type World, engineSuite } from "./engine-suite.ts";

async function startWorld(): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), "godwit-embedded-"));
  let daemon = Child.script("embedded-daemon.js", { folder });
  const socket = await daemon.said("ready");
  return {
    place: { kind: "embedded", socket },
    crash: async () => {
      await daemon.end("SIGKILL");
      daemon = Child.script("embedded-daemon.js", { folder });
      await daemon.said("ready");
    },
    damage: async (name, how) => {
      const path = join(folder, "blobs", `${encodePath(name, "/")}.blob`);
      if (how === "truncated") return truncateSync(path, readFileSync(path).length - 2 ** 20);
      const file = openSync(path, "r+");
      writeSync(file, Buffer.from("altered"), 0, 7, 3 * 2 ** 20);
      closeSync(file);
    },
    stop: async () => {
      await daemon.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

after(endChildren);
engineSuite("embedded engine", startWorld);
