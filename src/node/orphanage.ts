/**
 * Durable processes whose home is here and whose host is gone: what comes for them is kept until who restores them says where
 * they are.
 */

import * as v from "valibot";

import type { Link } from "../cluster/link.ts";
import type { ProcessDirectory } from "../cluster/process-directory.ts";
import { failure } from "../errors.ts";
import type { ClusterNode } from "./cluster-node.ts";
import type { Durability } from "./durability.ts";
import { beginAnew } from "./guest-requests.ts";
import type { Lwp } from "./lwp.ts";
import type { Entry } from "./process-table.ts";
import { reseat } from "./seat.ts";

const aboutOrphan = v.object({ pid: v.number() });
const aboutRestored = v.object({ pid: v.number(), inputClosed: v.boolean() });
const aboutLost = v.object({ pid: v.number(), reason: v.string() });

export class Orphanage {
  readonly #cluster: ClusterNode;
  readonly #durability: Durability;
  readonly #directory: ProcessDirectory;

  constructor(cluster: ClusterNode, durability: Durability, directory: ProcessDirectory) {
    this.#cluster = cluster;
    this.#durability = durability;
    this.#directory = directory;
    cluster.alsoAsked = (link, kind, body) => this.#asked(link, kind, body);
    cluster.homing.comesBack = (pid) => durability.has(pid);
  }

  /** Asked by who restores a process whose home is here. */
  async #asked(link: Link, kind: string, body: unknown): Promise<unknown> {
    switch (kind) {
      case "failover/home":
        return this.expects(parsed(aboutOrphan, body).pid);
      case "failover/restored": {
        const { pid, inputClosed } = parsed(aboutRestored, body);
        const entry = await this.#claimedBy(link, pid);
        return this.back(entry, await this.#cluster.homing.lwpOf(link.peer), inputClosed);
      }
      case "failover/lost": {
        const { pid, reason } = parsed(aboutLost, body);
        const entry = this.#cluster.node.table.find(pid);
        if (entry?.held !== undefined && entry.exit === undefined) this.end(entry, reason);
        return null;
      }
      default:
        throw failure("EPROTO", `nodes do not ask for "${kind}"`);
    }
  }

  /** Whether this home goes on with a process that nobody runs: from then on what comes for it is kept. */
  expects(pid: number): boolean {
    const { node, homing } = this.#cluster;
    const entry = node.table.find(pid);
    if (entry === undefined || entry.exit !== undefined || !this.#durability.has(pid)) return false;
    if (entry.lwp.nodeName === node.name) return false;
    homing.expect(entry);
    return true;
  }

  /** A process that the peer has restored. Only whom the directory has as its owner may say so. @throws GodwitError EPERM, ESRCH. */
  async #claimedBy(link: Link, pid: number): Promise<Entry> {
    const found = await this.#directory.find(pid);
    if (found?.node !== link.peer) throw failure("EPERM", `process ${pid} is not node ${link.peer}'s`);
    return this.#cluster.node.table.living(pid);
  }

  /** It runs again: what its connections and waits were is gone. */
  back(entry: Entry, lwp: Lwp, inputClosed: boolean): void {
    const { node } = this.#cluster;
    node.switchboard.closeAll(entry);
    beginAnew(entry);
    entry.input.taken(entry.input.unreadBytes);
    // The end of its input may be later than its image; or wait here, behind the last of it.
    const isHeld = entry.held?.messages.some((message) => message.op === "input" && message.bytes === null) === true;
    if (entry.input.isClosed && !inputClosed && !isHeld)
      entry.held?.messages.unshift({ op: "input", pid: entry.pid, bytes: null });
    reseat(node, entry, lwp);
  }

  end(entry: Entry, reason: string): void {
    entry.output.push("stderr", Buffer.from(`godwit: process ${entry.pid} ended: ${reason}\n`));
    this.#cluster.node.ended({ pid: entry.pid, code: 137, reason }, entry.cpuMs);
  }
}

function parsed<S extends v.GenericSchema>(shape: S, body: unknown): v.InferOutput<S> {
  const checked = v.safeParse(shape, body);
  if (checked.success) return checked.output;
  throw failure("EPROTO", `a message between nodes is malformed: ${checked.issues[0].message}`);
}
