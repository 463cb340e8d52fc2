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
  /** For others to take, when no process with a pid of it lives any more and all other blocks have been used. */
  release(): Promise<void>;
}

export class PidBlocks {
  readonly #engine: Engine;
  /** Whose each block is, as far as has been heard. */
  readonly #nodes = new Map<number, string>();
  /** Blocks that somebody had and let go, with the revisions at which they did. */
  readonly #used = new Map<number, number>();
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
    if (entry !== undefined) this.#learn(block, entry);
  }

  /**
   * Takes the lowest block that nobody ever had; when there is none, that which was let go longest ago. So a pid that somebody
   * remembers, of a process that has ended, means no other process. Blocks of nodes that died are not taken.
   * @throws GodwitError ENOSPC when all are taken.
   */
  async take(node: string): Promise<PidBlock> {
    for (let block = 0; block < BLOCKS; block++) {
      if (this.#nodes.has(block) || this.#used.has(block)) continue;
      const taken = await this.#claim(block, node);
      if (taken !== undefined) return taken;
    }
    for (const [block, revision] of [...this.#used].sort(([, one], [, other]) => one - other)) {
      const taken = await this.#claim(block, node, revision);
      if (taken !== undefined) return taken;
    }
    throw failure("ENOSPC", `all ${BLOCKS} blocks of pids are taken: start the cluster with a new state`);
  }

  /** @param letGo the revision at which somebody let it go. Nothing when another node is quicker: it is told by the watch. */
  async #claim(block: number, node: string, letGo?: number): Promise<PidBlock | undefined> {
    const { directory } = this.#engine;
    const key = `${PREFIX}${block}`;
    try {
      const revision =
        letGo === undefined
          ? await directory.create(key, encode(node))
          : await directory.replace(key, encode(node), letGo);
      this.#learn(block, { value: encode(node), revision });
      const release = async () => void (await directory.replace(key, encode(null), revision));
      return { firstPid: block * PID_BLOCK + 1, has: (pid) => blockOf(pid) === block, release };
    } catch (error) {
      if (error instanceof GodwitError && (error.code === "EEXIST" || error.code === "ESTALE")) return undefined;
      throw error;
    }
  }

  close(): void {
    this.#watch?.stop();
  }

  #changed(change: Exclude<Change, { kind: "current" }>): void {
    const key = change.kind === "put" ? change.entry.key : change.key;
    const block = Number(key.slice(PREFIX.length));
    if (change.kind === "put") this.#learn(block, change.entry);
  }

  #learn(block: number, { value, revision }: { readonly value: Uint8Array; readonly revision: number }): void {
    const node: unknown = decode(value);
    this.#nodes.delete(block);
    this.#used.delete(block);
    if (typeof node === "string") this.#nodes.set(block, node);
    else this.#used.set(block, revision);
  }
}
