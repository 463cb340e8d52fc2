/**
 * Which node gives which pids. A node takes a block of PID_BLOCK pids when it starts, by compare-and-set, so that a pid is
 * one process's in the whole cluster and says where that process was started.
 */

import { decode, encode } from "cborg";

import { GodwitError, failure } from "../errors.ts";
import { PID_BLOCK, PID_MAX } from "../limits.ts";
import type { Change, Engine, Subscription } from "./engine.ts";

const PREFIX = "pids/";
const BLOCKS = Math.floor(PID_MAX / PID_BLOCK);

function blockOf(pid: number): number {
  return Math.floor((pid - 1) / PID_BLOCK);
}

/** A block that this node has. */
export interface PidBlock {
  readonly firstPid: number;
  has(pid: number): boolean;
  /** For others to take, when no process with a pid of it lives any more. */
  release(): Promise<void>;
}

export class PidBlocks {
  readonly #engine: Engine;
  /** Whose each block is, as far as has been heard. */
  readonly #nodes = new Map<number, string>();
  #watch: Subscription | undefined;

  private constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Resolves when it is known whose the present blocks are. */
  static async open(engine: Engine): Promise<PidBlocks> {
    const blocks = new PidBlocks(engine);
    await new Promise<void>((resolve) => {
      blocks.#watch = engine.directory.watch(PREFIX, (change) => {
        if (change.kind === "current") resolve();
        else blocks.#changed(change);
      });
    });
    return blocks;
  }

  /** The node that gave a pid, if it is known. */
  nodeOf(pid: number): string | undefined {
    return this.#nodes.get(blockOf(pid));
  }

  /** Asks the directory itself, for a pid of which nothing was heard. */
  async look(pid: number): Promise<void> {
    const block = blockOf(pid);
    const entry = await this.#engine.directory.get(`${PREFIX}${block}`);
    const node: unknown = entry === undefined ? undefined : decode(entry.value);
    if (typeof node === "string") this.#nodes.set(block, node);
  }

  /**
   * Takes the lowest block that nobody has; the blocks of nodes that died are not taken again while there are others, so
   * that a pid which somebody remembers means no other process.
   * @throws GodwitError ENOSPC when all are taken.
   */
  async take(node: string): Promise<PidBlock> {
    for (let block = 0; block < BLOCKS; block++) {
      if (this.#nodes.has(block)) continue;
      const key = `${PREFIX}${block}`;
      try {
        const revision = await this.#engine.directory.create(key, encode(node));
        this.#nodes.set(block, node);
        const release = () => this.#engine.directory.delete(key, revision);
        return { firstPid: block * PID_BLOCK + 1, has: (pid) => blockOf(pid) === block, release };
      } catch (error) {
        // Another node was quicker: it is told by the watch.
        if (!(error instanceof GodwitError) || error.code !== "EEXIST") throw error;
      }
    }
    throw failure("ENOSPC", `all ${BLOCKS} blocks of pids are taken: start the cluster with a new state`);
  }

  close(): void {
    this.#watch?.stop();
  }

  #changed(change: Exclude<Change, { kind: "current" }>): void {
    const key = change.kind === "put" ? change.entry.key : change.key;
    const block = Number(key.slice(PREFIX.length));
    const node: unknown = change.kind === "put" ? decode(change.entry.value) : undefined;
    if (typeof node === "string") this.#nodes.set(block, node);
    else this.#nodes.delete(block);
  }
}
