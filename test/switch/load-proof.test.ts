/**
 * The load proof in short: nodes that are OS processes, clients that we did not write, moves, a drain and a node that joins. The
 * whole of it is `npm run load-proof`.
 *
 * @alone: its load is as much as the machine can do
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { findProgram, WRK } from "../cluster/debian.ts";

const SCRIPT = fileURLToPath(new URL("../../scripts/load-proof.js", import.meta.url));
const DOWNLOAD_MEBIBYTES = 64;

const wrk = await findProgram(WRK);
if ("missing" in wrk) console.error(`NOT TESTED with wrk: ${wrk.missing}`);

interface Found {
  readonly load: { readonly moves: { readonly count: number }; readonly moving: readonly { answered: number }[] };
  readonly download: { readonly bytes: number; readonly moves: { readonly count: number } };
  readonly faults: readonly string[];
}

test("no client notices that a service is moved, nor a download", { timeout: 240_000 }, async (t) => {
  const flags = ["--seconds", "5", "--quiet", "1", "--relay", "0", "--processes", "2", "--json"];
  // Where it is tested for others, with all of its clients.
  if ("missing" in wrk) assert.equal(process.env["CI"], undefined, wrk.missing);
  const without = "missing" in wrk ? ["--without-wrk"] : [];
  const child = spawn(process.execPath, [SCRIPT, ...flags, ...without, "--download", `${DOWNLOAD_MEBIBYTES}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(code, 0, text);
  const { load, download, faults } = JSON.parse(text) as Found;
  assert.deepEqual(faults, []);
  assert.ok(load.moves.count >= 3, `${load.moves.count} moves`);
  for (const { answered } of load.moving) assert.ok(answered >= 20, text);
  assert.equal(load.moving.length, without.length === 0 ? 6 : 5);
  assert.equal(download.bytes, DOWNLOAD_MEBIBYTES * 2 ** 20);
  assert.ok(download.moves.count >= 1, `${download.moves.count} moves`);
});

test("without wrk nothing is proved, and that is told, unless it is to be left out", { timeout: 60_000 }, async (t) => {
  // Where it is not to be found, and by somebody who may not fetch it.
  const nobody = ["--import", "data:text/javascript,process.getuid = () => 65534"];
  const child = spawn(process.execPath, [...nobody, SCRIPT, "--seconds", "2"], {
    env: { ...process.env, PATH: "/nowhere" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  let told = "";
  child.stderr.setEncoding("utf8").on("data", (piece: string) => (told += piece));
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(code, 1);
  assert.match(
    told,
    /NOTHING IS PROVED: install wrk \(on Debian: apt-get install wrk\), or leave it out: --without-wrk/,
  );
});
