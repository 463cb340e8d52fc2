/**
 * The return of a node that others have taken for dead. It has stood still since before they did. It becomes a member again,
 * and settles with the directory what of its own it still has: a durable process that nobody restored is claimed under a new
 * epoch, and goes on; one that was restored ends here, and so does one whose home is another node, which has given it up.
 * Whatever is at home here and runs here, and nowhere else, was never in question.
 */

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import type { Lease } from "../cluster/engine.ts";
import type { MemberRecord } from "../cluster/membership.ts";
import { GodwitError } from "../errors.ts";
import { HOME_LOOK_MS, HOME_NEWS_MAX_MS, MOVE_RETRY_MS } from "../limits.ts";
import type { ClusterNode } from "./cluster-node.ts";
import type { ClusterView } from "./cluster-view.ts";
import type { Durability } from "./durability.ts";
import type { Hosted } from "./hosting.ts";
import { LwpThread } from "./lwp-thread.ts";
import type { Entry } from "./process-table.ts";

export interface ReadmissionOptions {
  readonly view: ClusterView;
  readonly cluster: ClusterNode;
  readonly durability: Durability;
}

export class Readmission {
  readonly #options: ReadmissionOptions;
  #closed = false;

  constructor(options: ReadmissionOptions) {
    this.#options = options;
  }

  get #self(): string {
    return this.#options.view.name;
  }

  close(): void {
    this.#closed = true;
  }

  /**
   * Resolves with the node's new lease when guests may go on here; with nothing once it is closed.
   * @throws GodwitError EEXIST when another node has the name by now.
   */
  async run(record: MemberRecord): Promise<Lease | undefined> {
    const { view, cluster } = this.#options;
    // The peers have ended their sessions with this node, and do not hear anything that is said in these.
    for (const { name } of view.membership.all()) view.links.drop(name);
    const lease = await this.#insist(() => view.membership.rejoin(record));
    // Not before that: nobody takes over a process of a node that is there.
    for (const hosted of cluster.hosting.all()) this.#dismiss(hosted);
    for (const entry of cluster.node.table.all())
      if (entry.exit === undefined && entry.lwp instanceof LwpThread) await this.#settle(entry, entry.lwp);
    return lease;
  }

  /** Asks again and again what the store does not answer. @throws GodwitError EEXIST. */
  async #insist<T>(action: () => Promise<T>): Promise<T | undefined> {
    while (!this.#closed) {
      try {
        return await action();
      } catch (error) {
        if (!(error instanceof GodwitError) || error.code === "EEXIST") throw error;
        await delay(MOVE_RETRY_MS);
      }
    }
    return undefined;
  }

  /** One whose home lives: that has ended it, or waits for it to be restored. Others are adopted. */
  #dismiss({ pid, home, lwp }: Hosted): void {
    const { view, cluster, durability } = this.#options;
    if (cluster.isMoving(pid) || view.membership.find(home.peer) === undefined) return;
    if (durability.keeps(pid)) return durability.supersede(pid);
    cluster.hosting.remove(pid);
    lwp.tell({ op: "end", pid, code: 137, reason: `its home took node ${this.#self} for dead` });
  }

  /** A process that is at home here, and runs here. */
  async #settle(entry: Entry, lwp: LwpThread): Promise<void> {
    const { view, cluster, durability } = this.#options;
    const { pid } = entry;
    // A move settles it itself, by the same rule.
    if (!durability.has(pid) || cluster.isMoving(pid)) return;
    const found = await this.#insist(() => view.directory.find(pid));
    if (this.#closed || entry.exit !== undefined) return;
    const { node, epoch = -1, durable } = found ?? {};
    const next = { node: this.#self, epoch: epoch + 1 };
    if (node === this.#self && durable !== undefined && (await this.#claim(pid, epoch, next.epoch))) {
      durability.left(pid);
      lwp.tell({ op: "thaw", pid, epoch: next.epoch });
      return durability.goOn(pid, durable, true);
    }
    durability.supersede(pid);
  }

  /** Whoever was about to restore it under its old epoch is too late from then on. */
  async #claim(pid: number, epoch: number, next: number): Promise<boolean> {
    const [from, to] = [
      { node: this.#self, epoch },
      { node: this.#self, epoch: next },
    ];
    const cause = randomUUID();
    for (;;) {
      const outcome = await this.#options.view.directory.claim(pid, from, to, this.#self, cause);
      if (outcome !== "unknown" || this.#closed) return outcome === "won";
      await delay(MOVE_RETRY_MS);
    }
  }

  /**
   * Processes that are at home here and run elsewhere: where the host has taken the home over, they are this node's no more.
   * Those of whom nothing becomes known are lost.
   */
  async settleAway(): Promise<void> {
    const { view, cluster } = this.#options;
    const { node, homing } = cluster;
    const untilMs = performance.now() + HOME_NEWS_MAX_MS;
    while (!this.#closed) {
      const away = node.table.all().filter((entry) => entry.exit === undefined && homing.isAdrift(entry));
      if (away.length === 0) return;
      for (const entry of away) {
        const found = await this.#insist(() => view.directory.find(entry.pid));
        if (entry.exit !== undefined || !homing.isAdrift(entry)) continue;
        const isHostThere = found !== undefined && view.membership.find(found.node) !== undefined;
        if (found !== undefined && found.home !== this.#self) node.forget(entry);
        else if (!isHostThere || performance.now() > untilMs) homing.giveUp(entry);
      }
      await delay(HOME_LOOK_MS);
    }
  }
}
