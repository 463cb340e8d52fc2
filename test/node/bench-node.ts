/** A node in the test's own OS process, and programs for it given as source text. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe } from "node:test";
import type { SpawnOptions } from "../../src/abi/control.ts";
import type { ExitStatus } from "../../src/abi/records.ts";
import { type Node, startNode } from "../../src/node/node.ts";

/** What every program may use by name. */
const PRELUDE =
  "const { Thread, Mutex, Condition, Semaphore, RwLock, fork, spawn, exec, wait, exit, kill, self, sleep, checkpoint, send, receive, register, lookup, onSignal, readFile, writeFile, open, stdin, promises } = globalThis.__godwit.exports;\n";

export interface Ended {
  readonly pid: number;
  readonly status: ExitStatus;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** Resolves once its standard output contains `text`. Rejects when it ends without. */
  printed(text: string): Promise<void>;
  /** Resolves once its standard output matches. Rejects when it ends without. */
  match(pattern: RegExp): Promise<RegExpExecArray>;
}

export class TestNode {
  readonly node: Node;
  readonly folder: string;

  constructor(node: Node, folder: string) {
    this.node = node;
    this.folder = folder;
  }

  /** Watches a process of the node to its end. */
  watch(pid: number): Started {
    const text = { stdout: "", stderr: "" };
    const expected = new Set<() => void>();
    this.node.output(pid, true, (stream, bytes) => {
      text[stream] += Buffer.from(bytes).toString();
      for (const look of expected) look();
    });
    const ended = this.node.wait(pid).then((status) => ({ pid, status, ...text }));
    const match = (pattern: RegExp) =>
      new Promise<RegExpExecArray>((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(text.stdout);
          if (found === null) return;
          expected.delete(look);
          resolve(found);
        };
        expected.add(look);
        look();
        ended.then(
          (end) =>
            reject(new Error(`process ${pid} ended without printing ${String(pattern)}: ${JSON.stringify(end)}`)),
          reject,
        );
      });
    const printed = async (part: string) => void (await match(new RegExp(part.replace(/[^\w\s]/g, "\\$&"))));
    return { pid, ended, printed, match };
  }

  async start(source: string, options: Partial<SpawnOptions> = {}): Promise<Started> {
    const pid = await this.node.spawn({
      name: "program.js",
      source: PRELUDE + source,
      workingDirectory: this.folder,
      ...options,
    });
    return this.watch(pid);
  }

  async run(source: string, options: Partial<SpawnOptions> = {}): Promise<Ended> {
    return (await this.start(source, options)).ended;
  }
}

/** The tests of one file, over a node that is stopped at their end. */
export async function withNode(
  options: { lwps?: number; swapAfterMs?: number },
  tests: (t: TestNode) => void,
): Promise<void> {
  const node = await startNode({ name: "test", ...options });
  const folder = mkdtempSync(join(tmpdir(), "godwit-test-"));
  describe("on a node", () => {
    after(async () => {
      await node.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    tests(new TestNode(node, folder));
  });
}
