/**
 * A node among others: its own processes, those that it hosts for others, and moves between them. What is said over
 * links is taken apart here, and nowhere else.
 */

import type { Duplex } from "node:stream";

import type { ClaimOutcome, HomeClaims } from "../cluster/process-directory.ts";
import type { Link, LinkHandlers, Links } from "../cluster/link.ts";
import { failure } from "../errors.ts";
import type { MoveReport } from "../abi/control.ts";
import type { MovePlan } from "../abi/move-plan.ts";
import type { Circumstances } from "../kernel/binding.ts";
import type { Owner } from "../kernel/ownership.ts";
import type { Question, ToLwp } from "../kernel/protocol.ts";
import { MOVES_MAX } from "../limits.ts";
import type { Engine } from "../machine/engine.ts";
import { PageStore } from "../machine/page-store.ts";
import type { Durability } from "./durability.ts";
import { Emigration } from "./emigration.ts";
import { FileServer } from "./file-server.ts";
import { Homing } from "./homing.ts";
import { Hosting } from "./hosting.ts";
import { Immigration, type Offer, offerOf } from "./immigration.ts";
import { isHere, landingFor } from "./landing.ts";
import { pack, planFor, type SizeAfar } from "./luggage.ts";
import type { AskNode, Told } from "./lwp-thread.ts";
import type { Node } from "./node.ts";
import type { Entry } from "./process-table.ts";
import { homeRecordsOf } from "./home-record.ts";
import { atHome, handHome, hearHome, takeHomes } from "./rehoming.ts";
import {
  aboutHere,
  aboutHome,
  aboutMove,
  aboutPid,
  parsed,
  toAsk,
  toMove,
  toPlan,
  toRetrieve,
  toTell,
} from "./peer-message.ts";
import { type Seat, seatAtHome, seatHosted } from "./seat.ts";

export interface ClusterNodeOptions {
  readonly node: Node;
  readonly engine: Engine;
  readonly links: (handlers: LinkHandlers) => Links;
  /** See `ProcessDirectory.claim`. */
  readonly claim: (pid: number, from: Owner, to: Owner, home: string, cause: string) => Promise<ClaimOutcome>;
  readonly homes: HomeClaims;
  /** Takes a line about what stands still. */
  readonly log: (line: string) => void;
}

export class ClusterNode implements LinkHandlers {
  readonly node: Node;
  readonly links: Links;
  readonly hosting: Hosting;
  readonly homing: Homing;
  readonly files: FileServer;
  /** Of processes that were here. */
  readonly pages = new PageStore();
  /** Whether processes may move to here. */
  takesIn = true;
  /** Whether a process is being started anew at another node, which is not settled yet. */
  isUnsettled: (pid: number) => boolean = () => false;
  /** Told of a process that stands still here while it is not known where it is at home. */
  onStranded: (pid: number) => void = () => {};
  /** Keeps images of those that are durable; absent where there is nowhere to keep them. */
  durability: Durability | undefined;
  /** What else nodes ask each other for. */
  alsoAsked: LinkHandlers["asked"] | undefined;
  readonly claim: ClusterNodeOptions["claim"];
  readonly homes: HomeClaims;
  readonly log: ClusterNodeOptions["log"];
  readonly #options: ClusterNodeOptions;
  readonly #emigrations = new Map<string, Emigration>();
  readonly #immigrations = new Map<string, Immigration>();
  readonly #arrivals = new Set<Promise<unknown>>();
  /** Pids that are being moved from here, or are to be left alone as those are. */
  readonly #moving = new Set<number>();
  /** What comes of the moves from here, by pid. */
  readonly #reports = new Map<number, Promise<MoveReport>>();

  constructor(options: ClusterNodeOptions) {
    this.#options = options;
    ({ node: this.node, claim: this.claim, homes: this.homes, log: this.log } = options);
    this.links = options.links(this);
    this.hosting = new Hosting(options.node);
    this.homing = new Homing(options.node, this.links);
    this.files = new FileServer(options.node);
    for (const lwp of options.node.lwps.all()) lwp.askNode = this.#askNode;
  }

  /**
   * Moves a process that is at home or hosted here, or has its home here, to another node while it runs. Resolves when
   * it runs there, or will not. `leaving`: nodes that go away, at which nothing of it may be left, unless it is forced.
   * @throws GodwitError ESRCH; ENONODE; EAGAIN when it is being moved already, or too many are.
   */
  async migrate(pid: number, to: string, leaving: readonly string[] = [], isForced = false): Promise<MoveReport> {
    const seat = this.#seat(pid);
    if (seat === undefined) {
      const { lwp } = this.node.table.living(pid);
      const link = await this.links.to(lwp.nodeName);
      return (await link.request("move/emigrate", { pid, to }, { timeoutMs: Infinity })) as MoveReport;
    }
    if (to === this.node.name) throw failure("EINVAL", `process ${pid} is on node ${to} already`);
    this.#assertStays(pid);
    if (this.#emigrations.size >= MOVES_MAX)
      throw failure("EAGAIN", `${MOVES_MAX} processes are being moved: try again`);
    this.#moving.add(pid);
    try {
      const moving = this.#emigrate(seat, { ...this.#circumstances(seat, to), leaving, isForced });
      this.#reports.set(pid, moving);
      const report = await moving;
      if (report.outcome !== "stayed") this.durability?.left(pid);
      return report;
    } finally {
      this.#reports.delete(pid);
      this.#moving.delete(pid);
    }
  }

  /** What would become of all that a process holds, if it moved to a node now. @throws GodwitError ESRCH; ENONODE. */
  async plan(pid: number, to: string, leaving: readonly string[] = []): Promise<MovePlan> {
    const seat = this.#seat(pid);
    if (seat !== undefined) {
      const held = await seat.lwp.ask(pid, { kind: "resources" });
      return planFor(held, { ...this.#circumstances(seat, to), leaving }, this.#sizeAfar);
    }
    const link = await this.links.to(this.node.table.living(pid).lwp.nodeName);
    return (await link.request("move/plan", { pid, to, leaving })) as MovePlan;
  }

  readonly #sizeAfar: SizeAfar = async (node, ticket) =>
    Number(await (await this.links.to(node)).request("files", { ticket, do: "size" }));

  /**
   * What a process that runs here has open at a node that goes away becomes its own here. Forced, what cannot is lost.
   * @throws GodwitError ESRCH; EAGAIN when it is on its way; EPERM when something cannot come along.
   */
  async retrieve(pid: number, from: string, isForced: boolean): Promise<void> {
    const lwp = this.#seat(pid)?.lwp;
    if (lwp === undefined) throw failure("ESRCH", `process ${pid} is not on node ${this.node.name}`);
    this.#assertStays(pid);
    this.#moving.add(pid);
    try {
      const { rows, obstacle } = await this.plan(pid, this.node.name, [from]);
      if (obstacle !== undefined && !isForced) throw failure("EPERM", obstacle);
      await lwp.ask(pid, { kind: "retrieve", node: from, rows, isForced });
    } finally {
      this.#moving.delete(pid);
    }
  }

  #circumstances(seat: Seat, target: string): Circumstances {
    return { source: this.node.name, target, home: seat.home };
  }

  /** Files of a process that are on other machines; "" is its home. */
  readonly #askNode: AskNode = async (pid, node, body) => {
    const home = this.hosting.find(pid)?.home;
    if (node === this.node.name || (node === "" && home === undefined)) return this.files.askedHere(pid, body);
    const link = node === "" && home !== undefined ? home : await this.links.to(node);
    return link.request("files", body);
  };

  /** Whether a process is on its way from here. */
  isMoving(pid: number): boolean {
    return this.#moving.has(pid);
  }

  /** Gives a move from here up, if it still can be: what comes of it; undefined when there is none. */
  giveUpMove(pid: number): Promise<MoveReport> | undefined {
    const move = [...this.#emigrations.values()].find((one) => one.pid === pid);
    move?.heard({ kind: "cancelled" });
    return this.#reports.get(pid);
  }

  /** As `ClusterControl.cancelMove`, of a process that is here or has its home here. */
  async cancelMove(pid: number): Promise<MoveReport> {
    const report = this.giveUpMove(pid);
    if (report !== undefined) return report;
    const host = this.#seat(pid) === undefined ? this.node.table.living(pid).lwp.nodeName : this.node.name;
    if (host === this.node.name) throw failure("EINVAL", `process ${pid} is not being moved`);
    const link = await this.links.to(host);
    return (await link.request("move/give-up", { pid }, { timeoutMs: Infinity })) as MoveReport;
  }

  /** What comes of the move of a process from here that is under way. */
  moveOf(pid: number): Promise<MoveReport> | undefined {
    return this.#reports.get(pid);
  }

  /** Resolves when those that are on their way to here now have come, or will not. */
  async arrived(): Promise<void> {
    await Promise.all(this.#arrivals);
  }

  /** Moves that are under way: from here and to here. */
  get moves(): number {
    return this.#emigrations.size + this.#immigrations.size;
  }

  async #emigrate(seat: Seat, circumstances: Circumstances): Promise<MoveReport> {
    const to = circumstances.target;
    const emigration = new Emigration({
      seat,
      self: this.node.name,
      engine: this.#options.engine,
      store: this.pages,
      link: await this.links.to(to),
      openBulk: (header) => this.links.bulk(to, header),
      claim: (pid, from, owner, cause) => this.#options.claim(pid, from, owner, seat.home, cause),
      obstacle: async (held) => (await planFor(held, circumstances)).obstacle,
      pack: (record) => pack(record, circumstances, this.files),
      offer: { durable: this.durability?.keeps(seat.pid) === true },
    });
    this.#emigrations.set(emigration.migration, emigration);
    try {
      return await emigration.run();
    } finally {
      this.#emigrations.delete(emigration.migration);
    }
  }

  #seat(pid: number): Seat | undefined {
    const hosted = this.hosting.find(pid);
    if (hosted !== undefined) return seatHosted(this.hosting, hosted);
    const entry = this.node.table.living(pid);
    if (entry.lwp.nodeName !== this.node.name) return undefined;
    return seatAtHome(this.node, entry, this.homing);
  }

  // ---- LinkHandlers

  told(link: Link, kind: string, body: unknown): void {
    switch (kind) {
      case "lwp":
        return this.hosting.told(link, parsed(toTell, body) as unknown as ToLwp);
      case "told":
        return this.homing.told(link, parsed(toTell, body) as unknown as Told);
      case "home/frozen":
        return this.homing.frozen(link, parsed(aboutPid, body).pid);
      case "home/stays":
        return this.homing.stays(link, parsed(aboutPid, body).pid);
      case "home/left": {
        const { pid, to } = parsed(toMove, body);
        return void this.homing.leftFor(link, pid, to);
      }
      case "home/dropped":
        return this.homing.dropped(parsed(aboutPid, body).pid);
      case "home/here": {
        const { pid, epoch } = parsed(aboutHere, body);
        if (this.node.table.living(pid).lwp.nodeName === link.peer) atHome(this.node, pid, epoch);
        return;
      }
      case "home/arrived":
        return this.homing.arrived(link, parsed(aboutPid, body).pid);
      case "move/cancel":
        return this.#immigration(link, body)?.heard({ kind: "cancelled" });
      case "move/taken":
        return this.#emigration(link, body)?.heard({ kind: "taken" });
      case "move/declined":
        return this.#emigration(link, body)?.heard({ kind: "declined", reason: parsed(aboutMove, body).reason });
      default:
        throw failure("EPROTO", `nodes do not say "${kind}"`);
    }
  }

  async asked(link: Link, kind: string, body: unknown): Promise<unknown> {
    switch (kind) {
      case "ask": {
        const { pid, question } = parsed(toAsk, body);
        return this.hosting.asked(link, pid, question as unknown as Question);
      }
      case "restore":
        return this.hosting.restore(link, body as Parameters<Hosting["restore"]>[1]);
      case "host/still":
        return this.#still(link, parsed(aboutPid, body).pid);
      case "host/rehomed": {
        const { pid, home, epoch } = parsed(aboutHome, body);
        if (home !== this.node.name) this.hosting.ofHomeOf(link, pid);
        return hearHome(this, pid, home, epoch);
      }
      case "home/take":
        return takeHomes(this, link.peer, homeRecordsOf(body));
      case "home/hold":
        return this.homing.hold(link, parsed(aboutPid, body).pid);
      case "move/emigrate": {
        const { pid, to } = parsed(toMove, body);
        return this.migrate(pid, to);
      }
      case "move/over":
        return void (await this.moveOf(parsed(aboutPid, body).pid)?.catch(() => {}));
      case "move/give-up":
        return this.cancelMove(parsed(aboutPid, body).pid);
      case "move/offer":
        return this.#offered(link, offerOf(body));
      case "move/pages": {
        const immigration = this.#immigration(link, body);
        if (immigration === undefined) throw failure("EPROTO", "there is no such move from there to here");
        return immigration.asked(body);
      }
      case "move/plan": {
        const { pid, to, leaving } = parsed(toPlan, body);
        return this.plan(pid, to, leaving);
      }
      case "host/retrieve": {
        const { pid, isForced } = parsed(toRetrieve, body);
        return this.retrieve(pid, link.peer, isForced);
      }
      case "files":
        return this.files.asked(link, body);
      default:
        if (this.alsoAsked !== undefined) return this.alsoAsked(link, kind, body);
        throw failure("EPROTO", `nodes do not ask for "${kind}"`);
    }
  }

  bulk(peer: string, stream: Duplex, header: unknown): void {
    const immigration = this.#immigrations.get(parsed(aboutMove, header).migration);
    if (immigration === undefined || immigration.source !== peer || immigration.hasStream) return void stream.destroy();
    stream.on("error", () => {}); // told by its end
    void immigration.receive(stream).finally(() => stream.resume());
  }

  /** The home of a process here is about to move: until it has, the process does not. */
  async #still(link: Link, pid: number): Promise<void> {
    this.#assertStays(pid);
    await this.hosting.still(link, pid);
  }

  /** Throws EAGAIN for a process that is on its way, or to be left alone until its home has moved. */
  #assertStays(pid: number): void {
    if (this.#moving.has(pid)) throw failure("EAGAIN", `process ${pid} is being moved already`);
    if (this.hosting.find(pid)?.isStill === true) throw failure("EAGAIN", `the home of process ${pid} is being moved`);
  }

  /** Hands a family of processes, which run elsewhere, to another home. @throws GodwitError ESRCH, ENONODE, EAGAIN. */
  handHome(family: readonly Entry[], to: string): Promise<void> {
    return handHome(this, family, to);
  }

  // ---- Moves to here

  /** Whether a process may come. Throws EAGAIN, EEXIST, EIMAGE_ENGINE. */
  async #offered(link: Link, offer: Offer): Promise<{ accepted: true }> {
    const { pid, migration, engine, home } = offer;
    if (!this.takesIn) throw failure("EAGAIN", `node ${this.node.name} is being drained`);
    if (this.#immigrations.size >= MOVES_MAX)
      throw failure("EAGAIN", `node ${this.node.name} is taking ${MOVES_MAX} processes in: try again`);
    if (engine !== this.#options.engine.manifest.hash)
      throw failure(
        "EIMAGE_ENGINE",
        `node ${this.node.name} has another engine than the process: run one version on both`,
      );
    if (this.#immigrations.has(migration)) throw failure("EEXIST", `move ${migration} has been offered already`);
    if (this.#moving.has(pid))
      throw failure("EAGAIN", `process ${pid} is still leaving node ${this.node.name}: try again`);
    if (isHere(this, pid)) throw failure("EEXIST", `process ${pid} is on node ${this.node.name} already`);
    const landing = await landingFor(this, link, offer);
    const immigration = new Immigration({
      offer,
      self: this.node.name,
      engine: this.#options.engine,
      store: this.pages,
      link,
      claim: (of, from, to, cause) => this.#options.claim(of, from, to, home, cause),
      landing,
    });
    this.#immigrations.set(migration, immigration);
    const over = immigration.run().finally(() => {
      this.#immigrations.delete(migration);
      this.#arrivals.delete(over);
    });
    this.#arrivals.add(over);
    void over.then((outcome) => (outcome === "dropped" ? landing.dropped() : undefined));
    return { accepted: true };
  }

  #immigration(link: Link, body: unknown): Immigration | undefined {
    const immigration = this.#immigrations.get(parsed(aboutMove, body).migration);
    return immigration?.source === link.peer ? immigration : undefined;
  }

  #emigration(link: Link, body: unknown): Emigration | undefined {
    const emigration = this.#emigrations.get(parsed(aboutMove, body).migration);
    return emigration?.target === link.peer ? emigration : undefined;
  }
}
