/** A program that uses a package, under Node and in guest processes: undisturbed, stressed, and moved from node to node. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { SpawnOptions, StressMode } from "../../src/abi/control.ts";
import { type Node, startNode } from "../../src/node/node.ts";
import { type Program, compileProgram, guestExports } from "../../src/node/program.ts";

const ROOT = fileURLToPath(new URL(import.meta.url.includes("/dist/") ? "../../../" : "../../", import.meta.url));
const execute = promisify(execFile);
/** An end to moving, so that a test's time is bounded. */
const MOVES_MAX = 12;
const MOVING_MS = 3_000;

/** @param file from the folder of these tests. */
function programPath(file: string): string {
  return `${ROOT}test/packages/${file}`;
}

/** What the program prints under Node. */
export async function underNode(file: string): Promise<string> {
  const { stdout } = await execute(process.execPath, [programPath(file)], {
    timeout: 60_000,
    env: { ...process.env, TZ: "UTC" },
  });
  return stdout;
}

export async function compiled(file: string): Promise<Program> {
  const path = programPath(file);
  return compileProgram(path, { guestExports: await guestExports(), workingDirectory: dirname(path) });
}

interface Heard {
  /** Standard output so far. */
  text: string;
  error: string;
}

/** A program's lives on two nodes. */
export class Lives {
  readonly #nodes: readonly [Node, Node];

  private constructor(nodes: readonly [Node, Node]) {
    this.#nodes = nodes;
  }

  static async start(): Promise<Lives> {
    return new Lives([await startNode({ name: "one", lwps: 1 }), await startNode({ name: "other", lwps: 1 })]);
  }

  async stop(): Promise<void> {
    for (const node of this.#nodes) await node.stop();
  }

  /** Its standard output, undisturbed or under stress; it must end well. */
  async run(program: Program, stress?: StressMode): Promise<string> {
    const [node] = this.#nodes;
    const heard = { text: "", error: "" };
    const pid = await node.spawn({ ...optionsOf(program), ...(stress === undefined ? {} : { stress }) });
    listen(node, pid, heard);
    await ended(node, pid, heard);
    return heard.text;
  }

  /** Its standard output while it goes from node to node, as an image, and how often it went. */
  async move(program: Program): Promise<{ readonly text: string; readonly moves: number }> {
    const heard = { text: "", error: "" };
    let node = this.#nodes[0];
    let pid = await node.spawn(optionsOf(program));
    listen(node, pid, heard);
    let moves = 0;
    const until = performance.now() + MOVING_MS;
    for (; moves < MOVES_MAX && performance.now() < until; moves++) {
      const image = await this.#taken(node, pid);
      if (image === undefined) break;
      await node.wait(pid);
      node = node === this.#nodes[0] ? this.#nodes[1] : this.#nodes[0];
      pid = await node.restore(image);
      listen(node, pid, heard);
    }
    await ended(node, pid, heard);
    return { text: heard.text, moves };
  }

  /** The process as an image, and no longer as a process; undefined when it has ended before. */
  async #taken(node: Node, pid: number): Promise<Uint8Array | undefined> {
    try {
      await node.pause(pid);
      const image = await node.checkpoint(pid);
      await node.signal(pid, "SIGKILL");
      return image;
    } catch (error) {
      if ((error as { readonly code?: string }).code === "ESRCH") return undefined;
      throw error;
    }
  }
}

function optionsOf({ name, source, sourceMap }: Program): SpawnOptions {
  return { name, source, sourceMap, environment: { TZ: "UTC" } };
}

function listen(node: Node, pid: number, heard: Heard): void {
  node.output(pid, true, (stream, bytes) => {
    if (stream === "stdout") heard.text += Buffer.from(bytes).toString();
    else heard.error += Buffer.from(bytes).toString();
  });
}

async function ended(node: Node, pid: number, heard: Heard): Promise<void> {
  const { code, signal } = await node.wait(pid);
  assert.deepEqual({ code, signal: signal ?? null, error: heard.error }, { code: 0, signal: null, error: "" });
}
