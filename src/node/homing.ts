/**
 * Processes whose home is here and that run elsewhere, as far as moves concern them: what comes for them while they are on
 * their way, and what comes from them out of order.
 */

import type { Link, Links } from "../cluster/link.ts";
import { failure, GodwitError } from "../errors.ts";
import { MOVE_SILENCE_MS, RECORD_HELD_MAX } from "../limits.ts";
import { Held } from "./held.ts";
import type { Lwp } from "./lwp.ts";
import type { LwpThread, Told } from "./lwp-thread.ts";
import type { Node } from "./node.ts";
import type { Entry } from "./process-table.ts";
import { RemoteLwp } from "./remote-lwp.ts";
import { reseat } from "./seat.ts";

/** A process that a host moves to another node. */
interface Transit {
  /** The host that it leaves has said its last word of it. */
  frozen: boolean;
  /** Called then. */
  onFrozen: () => void;
  /** Where the host says that it went. */
  to?: string;
  /** The node that it was to go to has let go of it. */
  dropped?: true;
  /** Its host is gone: ends it, unless it has arrived somewhere. */
  giveUp?: () => void;
}

export class Homing {
  readonly #node: Node;
  readonly #links: Links;
  /** Whether a process whose host is gone is restored from its images. */
  comesBack: (pid: number) => boolean = () => false;
  /** Whether it may be this node that was cut off, and not a host that is gone. */
  isCutOff: () => boolean = () => false;
  /** Processes whose host was lost then, and what is to be said if it is gone. */
  readonly #adrift = new Map<number, { readonly lwp: Lwp; readonly reason: string }>();
  readonly #lwps = new Map<string, RemoteLwp>();
  readonly #transits = new Map<number, Transit>();
  /** What a new host has told before the process was known to be there, by pid. At most RECORD_HELD_MAX of each. */
  readonly #early = new Map<number, { readonly peer: string; readonly messages: Told[] }>();

  constructor(node: Node, links: Links) {
    this.#node = node;
    this.#links = links;
  }

  /** A peer, as an LWP of this node. */
  async lwpOf(peer: string): Promise<RemoteLwp> {
    return this.#lwpOver(await this.#links.to(peer));
  }

  #lwpOver(link: Link): RemoteLwp {
    const known = this.#lwps.get(link.peer);
    if (known?.link === link) return known;
    const lwp = new RemoteLwp(link);
    this.#lwps.set(link.peer, lwp);
    void link.lost.then((error) => this.#lost(lwp, error));
    return lwp;
  }

  /**
   * A host is gone, and with it the processes that it had of ours, but for those that come back. One that it was moving may
   * have arrived elsewhere: that is known when its target has told of it, or has been silent for too long.
   */
  #lost(lwp: RemoteLwp, error: Error): void {
    if (this.#lwps.get(lwp.nodeName) === lwp) this.#lwps.delete(lwp.nodeName);
    for (const entry of this.#node.table.all()) {
      const transit = this.#transits.get(entry.pid);
      const isTarget = transit?.to === lwp.nodeName;
      if ((entry.lwp !== lwp && !isTarget) || entry.exit !== undefined) continue;
      const reason = `node ${lwp.nodeName}, which ran it, is gone: ${error.message}`;
      if (this.isCutOff()) {
        this.#adrift.set(entry.pid, { lwp: entry.lwp, reason });
        this.expect(entry);
      } else if (this.comesBack(entry.pid)) this.expect(entry);
      else if (transit === undefined || isTarget || transit.dropped === true) this.#end(entry, reason);
      else this.#awaitNews(entry, transit, reason);
    }
  }

  /** Whether it is not known yet what became of a process, whose host was lost while this node was cut off. */
  isAdrift(entry: Entry): boolean {
    const isSame = this.#adrift.get(entry.pid)?.lwp === entry.lwp;
    if (!isSame) this.#adrift.delete(entry.pid); // It is somewhere else by now.
    return isSame;
  }

  /** Nobody has it: it is lost, or will be restored. */
  giveUp(entry: Entry): void {
    const reason = this.#adrift.get(entry.pid)?.reason;
    this.#adrift.delete(entry.pid);
    if (reason !== undefined && !this.comesBack(entry.pid)) this.#end(entry, reason);
  }

  #end(entry: Entry, reason: string): void {
    this.#transits.delete(entry.pid);
    entry.output.push("stderr", Buffer.from(`godwit: process ${entry.pid} ended: ${reason}\n`));
    this.#node.ended({ pid: entry.pid, code: 137, reason }, entry.cpuMs);
  }

  #awaitNews(entry: Entry, transit: Transit, reason: string): void {
    const { lwp } = entry;
    this.expect(entry);
    transit.giveUp = () => {
      clearTimeout(timer);
      if (entry.lwp === lwp && entry.exit === undefined) this.#end(entry, reason);
    };
    const timer = setTimeout(transit.giveUp, MOVE_SILENCE_MS).unref();
  }

  /** The node that a process of ours was to go to has let go of it. */
  dropped(pid: number): void {
    const transit = this.#transits.get(pid);
    if (transit === undefined) return;
    transit.dropped = true;
    transit.giveUp?.();
  }

  /** A host says where a process went. When that node is gone, so is the process. */
  async leftFor(link: Link, pid: number, to: string): Promise<void> {
    const entry = this.#ofHost(link, pid);
    const transit = this.#transits.get(pid);
    if (entry === undefined || transit === undefined) return;
    transit.to = to;
    if (to === this.#node.name) return;
    await this.#reach(entry, to);
  }

  /** A process that ran here is at another node now. */
  async went(entry: Entry, to: string): Promise<void> {
    const lwp = await this.#reach(entry, to);
    if (lwp !== undefined) this.reseated(entry, lwp);
  }

  async #reach(entry: Entry, to: string): Promise<RemoteLwp | undefined> {
    const { lwp } = entry;
    try {
      return await this.lwpOf(to);
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      if (entry.exit !== undefined || entry.lwp !== lwp) return undefined;
      if (this.comesBack(entry.pid)) this.expect(entry);
      else this.#end(entry, `node ${to}, which ran it, is gone: ${error.message}`);
      return undefined;
    }
  }

  /** A process that ran here has been taken over by a node that has not told us: it does, or the process is lost. */
  strayed(entry: Entry): void {
    if (this.comesBack(entry.pid)) return this.expect(entry);
    const transit: Transit = { frozen: true, onFrozen: () => {} };
    this.#transits.set(entry.pid, transit);
    this.#awaitNews(entry, transit, "another node has taken it over, and cannot be reached");
  }

  /** The host of a process is gone: what comes for it is kept until it is at another. */
  expect(entry: Entry): void {
    entry.held ??= new Held();
    const transit = this.#transits.get(entry.pid);
    if (transit === undefined) return;
    transit.frozen = true;
    transit.onFrozen();
  }

  /** A host tells something of a process of ours. */
  told(link: Link, message: Told): void {
    const pid = message.op === "ended" ? message.status.pid : message.op === "unborn" ? message.child : message.pid;
    const entry = this.#node.table.find(pid);
    if (entry === undefined || entry.exit !== undefined) return;
    const lwp = this.#lwpOver(link);
    if (entry.lwp === lwp) return this.#pass(lwp, message);
    // It has arrived there, and we have not heard.
    if (entry.held === undefined) return;
    const early = this.#early.get(pid);
    if (early?.peer !== link.peer) this.#early.set(pid, { peer: link.peer, messages: [message] });
    else if (early.messages.length < RECORD_HELD_MAX) early.messages.push(message);
    else throw failure("EPROTO", `node ${link.peer} tells more of process ${pid} than it can have on its way`);
  }

  /** A child that a host has made is there, and nowhere else. */
  #pass(lwp: RemoteLwp, message: Told): void {
    const child = message.op === "forked" ? this.#node.table.find(message.child) : undefined;
    if (child === undefined || child.lwp === lwp) this.#node.told(lwp, message);
  }

  // ---- Moves from one host to another, or back here

  #ofHost(link: Link, pid: number): Entry | undefined {
    const entry = this.#node.table.find(pid);
    return entry !== undefined && entry.exit === undefined && entry.lwp === this.#lwps.get(link.peer)
      ? entry
      : undefined;
  }

  /** A host is about to freeze a process: nothing more is told to it once this resolves. */
  async hold(link: Link, pid: number): Promise<void> {
    for (;;) {
      const entry = this.#ofHost(link, pid);
      if (entry === undefined) throw failure("ESRCH", `process ${pid} is not hosted by node ${link.peer}`);
      if (entry.held === undefined) {
        entry.held = new Held();
        this.#transits.set(pid, { frozen: false, onFrozen: () => {} });
        return;
      }
      await entry.held.over;
    }
  }

  /** The host's last word of it, unless it stays. */
  frozen(link: Link, pid: number): void {
    const transit = this.#transits.get(pid);
    if (this.#ofHost(link, pid) === undefined || transit === undefined) return;
    transit.frozen = true;
    transit.onFrozen();
  }

  stays(link: Link, pid: number): void {
    const entry = this.#ofHost(link, pid);
    if (entry === undefined || !this.#transits.delete(pid)) return;
    this.#early.delete(pid);
    this.#node.settle(entry);
  }

  /** It runs at another host: switched to once the one that it left is done. */
  arrived(link: Link, pid: number): void {
    const entry = this.#node.table.find(pid);
    const lwp = this.#lwpOver(link);
    // It was taken for lost: nobody waits for it any more.
    if (entry === undefined || entry.exit !== undefined)
      return lwp.tell({ op: "end", pid, code: 137, reason: "its home had taken it for lost" });
    void this.#afterFrozen(pid).then(() => this.reseated(entry, lwp));
  }

  /** A process of ours comes back: it is in place on the LWP, and starts before it hears what was kept for it. */
  async cameHome(entry: Entry, lwp: LwpThread): Promise<void> {
    await this.#afterFrozen(entry.pid);
    if (entry.exit !== undefined) return lwp.tell({ op: "discard", pid: entry.pid });
    lwp.tell({ op: "start", pid: entry.pid });
    reseat(this.#node, entry, lwp);
  }

  /** It is at a host: what came from there already is taken, in order. */
  reseated(entry: Entry, lwp: RemoteLwp): void {
    reseat(this.#node, entry, lwp);
    const early = this.#early.get(entry.pid);
    this.#early.delete(entry.pid);
    if (early?.peer === lwp.nodeName) for (const message of early.messages) this.#pass(lwp, message);
  }

  async #afterFrozen(pid: number): Promise<void> {
    const transit = this.#transits.get(pid);
    if (transit !== undefined && !transit.frozen) await new Promise<void>((resolve) => (transit.onFrozen = resolve));
    this.#transits.delete(pid);
  }
}
