/**
 * Weak mobility: a program's code and the state that it declares go to another node, and are started there. The directory says
 * whether that has happened: the old process's entry is marked for its successor while it stands still, and goes away in the
 * moment in which the new one takes its place. Who reads it later, after any node died, knows which of the two is to go on.
 */

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import * as v from "valibot";

import type { SpawnOptions } from "../abi/control.ts";
import type { Link, LinkHandlers, Links } from "../cluster/link.ts";
import type { ProcessDirectory } from "../cluster/process-directory.ts";
import { failure, GodwitError } from "../errors.ts";
import { KEPT_MAX_BYTES, MOVE_RETRY_MS, PID_MAX } from "../limits.ts";
import { makeEntry } from "./assurance.ts";
import type { Node } from "./node.ts";
import type { Entry } from "./process-table.ts";
import { checkSpawn } from "./request.ts";

const GIVE = "weak/give";
const OVER = "weak/over";
const aboutPid = v.object({ pid: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(PID_MAX)) });
const gift = v.object({
  cause: v.pipe(v.string(), v.uuid()),
  program: v.unknown(),
  kept: v.pipe(v.instance(Uint8Array), v.maxLength(KEPT_MAX_BYTES)),
});

/** What a process gives to its successor, and the mark by which its entry says so. */
interface Gift {
  readonly cause: string;
  readonly program: SpawnOptions;
  readonly kept: Uint8Array;
}

/** An old process at its home, which stands still. */
interface Giving {
  readonly taker: string;
  readonly owner: { readonly node: string; readonly epoch: number };
}

export class WeakMoves {
  readonly #node: Node;
  readonly #links: () => Links;
  readonly #directory: ProcessDirectory;
  readonly #giving = new Map<number, Giving | undefined>();
  /** New processes that are not to run yet. */
  readonly #held = new Set<number>();

  constructor(node: Node, links: () => Links, directory: ProcessDirectory) {
    this.#node = node;
    this.#links = links;
    this.#directory = directory;
  }

  /** Whether a process is old or new, and it is not settled which goes on. */
  isUnsettled(pid: number): boolean {
    return this.#giving.has(pid) || this.#held.has(pid);
  }

  // ---- At the node where the new one is to run

  /**
   * Starts a process anew here, and has the old one ended. Resolves to the new pid.
   * @throws GodwitError as `NodeControl.kept` and `spawn`; EAGAIN when the old one went on: then there is no new one.
   */
  async restart(pid: number, home: string): Promise<number> {
    const self = this.#node.name;
    const link = home === self ? undefined : await this.#links().to(home);
    const given =
      link === undefined
        ? await this.#give(pid, self)
        : await link.request(GIVE, { pid }, { timeoutMs: Infinity }).then(giftOf);
    try {
      return await this.#take(pid, given);
    } finally {
      if (link === undefined) void this.#settle(pid);
      else link.tell(OVER, { pid });
    }
  }

  async #take(pid: number, { program, kept, cause }: Gift): Promise<number> {
    const anew = await this.#node.spawn({ ...program, kept }, true);
    this.#held.add(anew);
    try {
      await this.#retire(pid, cause);
    } catch (error) {
      await this.#node.signal(anew, "SIGKILL").catch(() => {}); // this node stops
      throw error;
    } finally {
      this.#held.delete(anew);
    }
    await this.#node.input(anew, null).catch(() => {}); // somebody ended it
    await this.#node.resume(anew).catch(() => {});
    return anew;
  }

  /** From when this resolves the old one is none any more. While the directory does not answer, neither runs. */
  async #retire(pid: number, cause: string): Promise<void> {
    for (let isFirst = true; ; isFirst = false) {
      const outcome = await this.#directory.retire(pid, cause).catch(unknown);
      // It was taken away by an attempt whose answer was lost.
      if (outcome === "retired" || (outcome === "gone" && !isFirst)) return;
      if (outcome === "gone") throw failure("ESRCH", `process ${pid} has ended`);
      if (outcome === "superseded")
        throw failure(
          "EAGAIN",
          `process ${pid} went on meanwhile, as nodes took others for dead or moved it: try again`,
        );
      if (this.#node.stopping) throw failure("ECLUSTER", "the directory did not answer until this node stopped");
      await delay(MOVE_RETRY_MS);
    }
  }

  // ---- At the home of the old one

  /** From when this resolves the old one stands still, until `#settle`. */
  async #give(pid: number, taker: string, lost?: Promise<unknown>): Promise<Gift> {
    const entry = this.#node.table.living(pid);
    await this.#stillness(entry);
    if (this.#giving.has(pid)) throw failure("EAGAIN", `process ${pid} is being started anew elsewhere`);
    this.#giving.set(pid, undefined);
    const cause = randomUUID();
    try {
      const program = await programOf(entry);
      const kept = await this.#node.kept(pid);
      try {
        const owner = await this.#ownerOf(entry);
        await makeEntry(this.#directory, this.#node.name, pid, owner);
        const giving = { taker, owner };
        this.#giving.set(pid, giving);
        void lost?.then(() => (this.#giving.get(pid) === giving ? this.#settle(pid) : undefined));
        if ((await this.#directory.mark(pid, owner, cause)) !== "marked")
          throw failure("EAGAIN", `process ${pid} is being moved, or its node is taken for dead: try again`);
      } catch (error) {
        void this.#settle(pid);
        throw error;
      }
      return { program, kept, cause };
    } catch (error) {
      if (this.#giving.get(pid) === undefined) this.#giving.delete(pid);
      throw error;
    }
  }

  /** Until no move of it is under way, nor of its home. */
  async #stillness(entry: Entry): Promise<void> {
    while (entry.held !== undefined) await entry.held.over;
    if (this.#node.table.living(entry.pid) !== entry) throw failure("EREMOTE", `process ${entry.pid} has a new home`);
  }

  async #ownerOf(entry: Entry): Promise<Giving["owner"]> {
    await this.#stillness(entry);
    const { summary } = await this.#node.ask(entry, { kind: "summary" });
    return { node: entry.lwp.nodeName, epoch: summary.epoch };
  }

  /** The new one has taken its place, or cannot any more once this is done: whichever it is, one of the two goes on. */
  async #settle(pid: number): Promise<void> {
    const giving = this.#giving.get(pid);
    if (giving === undefined) return this.#goOn(pid);
    for (;;) {
      const outcome = await this.#directory.mark(pid, giving.owner, randomUUID()).catch(unknown);
      if (this.#giving.get(pid) !== giving) return;
      if (outcome === "unknown") {
        if (this.#node.stopping) return;
        await delay(MOVE_RETRY_MS);
        continue;
      }
      if (outcome === "gone") await this.#node.signal(pid, "SIGKILL").catch(() => {}); // somebody was quicker
      return this.#goOn(pid);
    }
  }

  #goOn(pid: number): void {
    this.#giving.delete(pid);
    void this.#node.resume(pid).catch(() => {}); // it has ended
  }

  // ---- Between the two

  async asked(link: Link, body: unknown): Promise<Gift> {
    return this.#give(parsed(aboutPid, body).pid, link.peer, link.lost);
  }

  told(link: Link, body: unknown): void {
    const { pid } = parsed(aboutPid, body);
    if (this.#giving.get(pid)?.taker === link.peer) void this.#settle(pid);
  }
}

/** A node's handlers, with those of weak moves. */
export function withWeakMoves(moves: WeakMoves, handlers: LinkHandlers): LinkHandlers {
  return {
    ...handlers,
    told: (link, kind, body) => (kind === OVER ? moves.told(link, body) : handlers.told(link, kind, body)),
    asked: (link, kind, body) => (kind === GIVE ? moves.asked(link, body) : handlers.asked(link, kind, body)),
  };
}

/** @throws GodwitError EPROTO, EINVAL for what is none. */
function giftOf(body: unknown): Gift {
  const { program, ...rest } = parsed(gift, body);
  return { ...rest, program: checkSpawn(program) };
}

/** The directory did not answer, and may have done what it was asked for. */
function unknown(error: unknown): "unknown" {
  if (error instanceof GodwitError) return "unknown";
  throw error;
}

/** What a process was started with. */
async function programOf({ pid, lwp }: Entry): Promise<SpawnOptions> {
  const { start } = await lwp.ask(pid, { kind: "program" });
  const { program, ...rest } = start;
  return { ...program, ...rest };
}

function parsed<S extends v.GenericSchema>(shape: S, body: unknown): v.InferOutput<S> {
  const checked = v.safeParse(shape, body);
  if (checked.success) return checked.output;
  throw failure("EPROTO", `a message between nodes is malformed: ${checked.issues[0].message}`);
}
