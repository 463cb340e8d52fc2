/** A node of one's own for a test: its socket in a fresh folder, stopped and cleared away at the end. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { godwit, type Outcome } from "./command.ts";

const UNTIL_MAX_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;

export interface TestNode {
  /** Scratch space, removed with the node. */
  readonly folder: string;
  /** What a command needs to reach it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs a command of godwit against this node. */
  run(...command: readonly string[]): Promise<Outcome>;
}

/** Starts `godwit up` and waits until it answers. */
export function startNode(context: TestContext): Promise<TestNode> {
  return startUp(context, []);
}

/** Nodes n1, n2, ... of one cluster. */
export function startCluster(context: TestContext, count: number): Promise<TestNode> {
  return startUp(context, ["--nodes", String(count)]);
}

async function startUp(context: TestContext, flags: readonly string[]): Promise<TestNode> {
  const folder = mkdtempSync(join(tmpdir(), "godwit-node-"));
  const environment = { GODWIT_SOCKET: join(folder, "node.sock") };
  const run = (...command: readonly string[]): Promise<Outcome> => godwit(command, { environment });

  const up = spawn(process.execPath, ["dist/src/cli/main.js", "up", ...flags], {
    env: { ...process.env, NO_COLOR: "1", ...environment },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ended = once(up, "exit");
  context.after(async () => {
    const force = setTimeout(() => up.kill("SIGKILL"), STOP_TIMEOUT_MS);
    if (up.exitCode === null) await run("stop");
    await ended;
    clearTimeout(force);
    rmSync(folder, { recursive: true, force: true });
  });
  await until("the node answers", async () => {
    assert.equal(up.exitCode, null, "godwit up ended by itself");
    return (await run("ps")).code === 0;
  });
  return { folder, environment, run };
}

/** Asks again and again until `condition` holds; asking is what takes the time. Fails when it never does. */
export async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + UNTIL_MAX_MS;
  while (!(await condition())) assert.ok(performance.now() < deadline, `never came about: ${what}`);
}
