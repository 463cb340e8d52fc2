/** The front tier of a node: addresses where clients of services come in, and their ends of the sessions with homes. */

import { randomBytes } from "node:crypto";
import * as v from "valibot";

import type { ExposeOptions, Front as FrontInfo } from "../abi/control.ts";
import type { PassOn } from "../abi/pass-on.ts";
import { failure, GodwitError } from "../errors.ts";
import { CARE_OF_LINGER_MS, FRONT_HELD_MAX_BYTES, FRONT_SESSIONS_MAX, FRONTS_MAX } from "../limits.ts";
import type { Entrance } from "../resources/entrance.ts";
import type { Acceptor } from "../resources/listener.ts";
import type { Listening, Open } from "../resources/listening.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { EndpointMap, ServiceProtocol } from "./endpoint-map.ts";
import { alternativeFor } from "./alternative.ts";
import { careOfAddress, type FrontAddress, frontAddress } from "./front-address.ts";
import { mayPass } from "./first-bytes.ts";
import { adoptAs, checkSecrets, listenAt, type SocketShare } from "./front-listener.ts";
import type { FrontMap } from "./front-map.ts";
import { FrontSession, type Order, type Place } from "./front-session.ts";
import type { Handoff } from "./handoff.ts";
import type { Door, Paper } from "./handoff-door.ts";
import { Holdings } from "./holdings.ts";
import type { Attachment } from "./homes.ts";
import { isLoopback, partsOf, type Reach } from "./reach.ts";
import { type Policy, policyOf, policyText } from "./policy.ts";
import type { SessionMessage, SessionPost } from "./session-post.ts";

interface Front {
  readonly order: OwnOrder;
  /** As it was asked for, with the real port. */
  address: string;
  readonly careOf: string | undefined;
  readonly driver: Listening;
  readonly passOn: PassOn;
  /** Where its connections go in, when they may be given to other nodes. */
  readonly door: Door | undefined;
}

/** Of a front of this node: it may be revised. */
type OwnOrder = Order & { policy: Policy; isSpread: boolean };

/** Whether the directory has a process at home at a node. */
export type IsHome = (node: string, pid: number) => Promise<boolean>;

const attachments = v.pipe(
  v.array(v.object({ id: v.string(), received: v.pipe(v.number(), v.safeInteger(), v.minValue(0)) })),
  v.maxLength(FRONT_SESSIONS_MAX),
);

export class Fronts {
  readonly #self: string;
  readonly #post: SessionPost;
  readonly #frontMap: FrontMap;
  readonly #reach: Reach;
  readonly #dispatcher: Dispatcher;
  readonly #fronts = new Set<Front>();
  /** Addresses that are being opened. */
  readonly #opening = new Set<string>();
  /** Those that take no new clients, or are told to nobody any more, and have clients still. */
  readonly #retired = new Set<Front>();
  /** By their present ids: those that are with a process. */
  readonly #sessions = new Map<string, FrontSession>();
  /** All that are not over. */
  readonly #living = new Set<FrontSession>();
  /** Tells the sessions of this run of the node from those of others. */
  readonly #run = randomBytes(6).toString("hex");
  #lastSession = 0;
  /** What sessions have in memory of what clients send, and of what is for them. */
  readonly #uploads = new Holdings(FRONT_HELD_MAX_BYTES);
  readonly #downloads = new Holdings(FRONT_HELD_MAX_BYTES, (isFull) => this.#tellHomes(isFull));
  /** Homes that were told that there is no more room for what is for clients. */
  readonly #heldBack = new Set<string>();
  readonly #unused: () => void;
  /** Gives connections to other nodes; absent where there are none that could be given any. */
  handoff: Handoff | undefined;
  /** What other nodes of this machine have, too. */
  sockets: SocketShare | undefined;

  /**
   * @param unused told when the last front is gone with its last client.
   * @param wanted told when a client of a service waits for a process.
   */
  constructor(
    self: string,
    map: EndpointMap,
    frontMap: FrontMap,
    reach: Reach,
    post: SessionPost,
    unused: () => void,
    wanted: (service: string) => void,
  ) {
    this.#self = self;
    this.#frontMap = frontMap;
    this.#reach = reach;
    this.#unused = unused;
    this.#post = post;
    const refuse = (session: FrontSession, why: string) => session.refuse(why);
    this.#dispatcher = new Dispatcher(self, map, refuse, wanted);
  }

  /** Whether a front can be as is asked, wherever it listens. @throws GodwitError EINVAL. */
  check(options: ExposeOptions): void {
    const { passOn } = options;
    const address = frontAddress(options.address);
    const { protocol } = orderOf(options, address);
    careOfOf(options, address.place);
    checkSecrets(address.scheme, options);
    if (passOn === "handoff" && protocol === "udp")
      throw failure("EINVAL", "datagrams have no connections that could be given to other nodes: use relay");
    if (passOn === "handoff" && this.handoff === undefined)
      throw failure("EINVAL", `node ${this.#self} has no others of its launcher to give connections to: use relay`);
  }

  /** Accepts clients of a service at an address. @throws GodwitError EINVAL, EADDRINUSE, EADDRNOTAVAIL, EACCES, EAGAIN. */
  async expose(options: ExposeOptions): Promise<FrontInfo> {
    this.check(options);
    const address = frontAddress(options.address);
    const asked = `${address.scheme}://${address.place}`;
    // A socket that nodes have together can be listened on twice.
    if (this.#opening.has(asked) || [...this.#fronts].some((one) => one.address === asked))
      throw failure("EADDRINUSE", `cannot listen on ${address.place}: it is in use by a front of this node`);
    if (this.#fronts.size >= FRONTS_MAX) throw failure("EAGAIN", `this node has ${FRONTS_MAX} fronts already`);
    if (!asked.endsWith(":0")) this.#opening.add(asked);
    try {
      return await this.#open(options, address);
    } finally {
      this.#opening.delete(asked);
    }
  }

  async #open(options: ExposeOptions, address: FrontAddress): Promise<FrontInfo> {
    const { service, passOn = "auto" } = options;
    const order = orderOf(options, address);
    const { door, gate } = this.#doorOf(order, options) ?? {};
    const open = this.#opener(options, address);
    let own = address.place;
    try {
      const listening = (place: string) => (own = place);
      const driver = await listenAt(address, options, listening, this.#acceptor(order), { gate, open });
      const careOf = careOfOf(options, own);
      const front = { order, address: `${address.scheme}://${own}`, careOf, driver, passOn, door };
      this.#fronts.add(front);
      await this.#tell(service);
      return this.#info(front);
    } catch (error) {
      if (door !== undefined) this.handoff?.close(door);
      // A socket that came too late, or not to be used.
      this.sockets?.release(`${service} ${address.scheme}://${own}`);
      throw error;
    }
  }

  /** Where a front's connections go in, if they may be given to other nodes. */
  #doorOf(order: OwnOrder, { passOn, certificate, key }: ExposeOptions) {
    // Who comes to a care-of address wants this node.
    if (passOn === "relay" || this.handoff === undefined || order.isCareOf || order.protocol === "udp")
      return undefined;
    order.isSpread = mayPass(order);
    return this.handoff.open(order, certificate === undefined || key === undefined ? {} : { certificate, key });
  }

  /** Chooses a process for a connection; see the dispatcher's. */
  glance(...of: Parameters<Dispatcher["glance"]>): Place | undefined {
    return this.#dispatcher.glance(...of);
  }

  /** Serves connections of another node's front, which are brought here. @throws GodwitError EINVAL. */
  adopt(order: Order, { scheme, certificate, key }: Paper): Entrance & { close(): void } {
    return adoptAs(scheme, { certificate, key }, this.#acceptor(order));
  }

  /** Others learn where clients of a service come in here. What cannot be written is written with the next. */
  #tell(service: string): Promise<void> {
    const told = [...this.#fronts].filter(({ order }) => order.service === service).map((front) => this.#info(front));
    return this.#frontMap.tell(service, told).catch(() => {});
  }

  /** Clients that come in there from now on are given processes by another policy. @throws GodwitError EINVAL. */
  revise(service: string, address: string, policy: string): void {
    for (const front of this.#fronts)
      if (front.order.service === service && front.address === address && !front.order.isCareOf) {
        front.order.policy = policyOf(policy);
        if (front.door === undefined) continue;
        front.order.isSpread = mayPass(front.order);
        this.handoff?.revise(front.door);
      }
    void this.#tell(service);
  }

  /** Accepts no more clients of a service there, or anywhere; those that are there stay. */
  unexpose(service: string, address?: string): FrontInfo[] {
    const meant = [...this.#fronts].filter(
      (one) => one.order.service === service && (address === undefined || one.address === address),
    );
    for (const front of meant) {
      this.#fronts.delete(front);
      front.driver.close();
      if (front.door !== undefined) this.handoff?.close(front.door);
      this.sockets?.release(`${service} ${front.address}`);
    }
    if (meant.length > 0) void this.#tell(service);
    if (!this.isInUse) this.#unused();
    return meant.map((front) => this.#info(front));
  }

  /** How an address is opened that other nodes of this machine hold too. A care-of address is one node's. */
  #opener({ service, careOf }: ExposeOptions, { scheme }: FrontAddress): Open | undefined {
    const { sockets } = this;
    if (sockets === undefined || careOf !== undefined) return undefined;
    return (server, host, port) => sockets.open(`${service} ${scheme}://`, server, host, port);
  }

  /** Accepts no more connections there; those that are there go on until their clients are done. */
  retire(service: string, address: string): void {
    for (const front of this.#fronts) {
      if (front.order.service !== service || front.address !== address) continue;
      this.#fronts.delete(front);
      this.#retired.add(front);
      void front.driver.retire().then(() => this.#done(front));
      if (front.door !== undefined) this.handoff?.close(front.door);
      this.sockets?.release(`${service} ${address}`);
      void this.#tell(service);
    }
  }

  #done(front: Front): void {
    if (this.#retired.delete(front) && !this.isInUse) this.#unused();
  }

  /** The node has no processes any more: its care-of addresses are told to nobody, and closed when clients have heard that. */
  retireCareOf(): void {
    const retired = [...this.#fronts].filter(({ careOf }) => careOf !== undefined);
    for (const front of retired) {
      this.#fronts.delete(front);
      this.#retired.add(front);
      setTimeout(() => void front.driver.retire().then(() => this.#done(front)), CARE_OF_LINGER_MS);
    }
    for (const service of new Set(retired.map(({ order }) => order.service))) void this.#tell(service);
  }

  #info({ order, address, careOf, passOn, door }: Front): FrontInfo {
    const said = { service: order.service, address, policy: policyText(order.policy), node: this.#self, passOn };
    const connections = door === undefined ? {} : { connections: door.connections };
    return { ...said, ...connections, ...(careOf === undefined ? {} : { careOf }) };
  }

  all(): FrontInfo[] {
    return [...this.#fronts].map((front) => this.#info(front));
  }

  /** Whether there are fronts, or clients that came by one. */
  get isInUse(): boolean {
    return this.#fronts.size + this.#retired.size + this.#living.size > 0 || this.handoff?.isInUse === true;
  }

  /** Whether clients of a service wait for a process. */
  isWantedFor(service: string): boolean {
    return this.#dispatcher.isWantedFor(service);
  }

  /** What this switch has of a process, over a protocol. */
  openOf(pid: number, protocol: ServiceProtocol): number {
    return this.#dispatcher.open(pid, protocol);
  }

  /** What sessions have in memory, in bytes. */
  get held(): { readonly uploads: number; readonly downloads: number } {
    return { uploads: this.#uploads.heldBytes, downloads: this.#downloads.heldBytes };
  }

  #tellHomes(isFull: boolean): void {
    const homes = isFull ? [...this.#sessions.values()].flatMap(({ place }) => place?.home ?? []) : this.#heldBack;
    for (const home of new Set(homes)) this.#tellHome(home, isFull);
  }

  #tellHome(home: string, isFull: boolean): void {
    if (isFull) this.#heldBack.add(home);
    else this.#heldBack.delete(home);
    this.#post.send(home, "home", { op: "full", id: "", isSo: isFull });
  }

  #send(home: string, message: SessionMessage): void {
    if (this.#downloads.isFull && !this.#heldBack.has(home)) this.#tellHome(home, true);
    this.#post.send(home, "home", message);
  }

  #acceptor(order: Order): Acceptor {
    const uploads = new Holdings(FRONT_HELD_MAX_BYTES / 2, undefined, this.#uploads);
    const downloads = new Holdings(FRONT_HELD_MAX_BYTES / 2, undefined, this.#downloads);
    return (frame, drive) => {
      const isFull = uploads.isFull || downloads.isFull;
      const session: FrontSession = new FrontSession(order, frame, {
        uploads,
        downloads,
        newId: () => this.#name(session),
        send: (home, message) => this.#send(home, message),
        homeless: (one) => this.#dispatcher.take(one, true),
        left: (place, how) => this.#left(session, place, how),
        alternative: (home) => (home === this.#self ? null : alternativeFor(order, home, this.#frontMap, this.#reach)),
        gone: (one) => {
          this.#living.delete(one);
          this.#dispatcher.gone(one);
          if (!this.isInUse) this.#unused();
        },
      });
      this.#living.add(session);
      session.driver = drive(session);
      if (this.#living.size > FRONT_SESSIONS_MAX) session.refuse("too many requests");
      else if (isFull) session.refuse("too much is under way");
      else this.#dispatcher.take(session);
    };
  }

  #name(session: FrontSession): string {
    const id = `${this.#self}.${this.#run}.${++this.#lastSession}`;
    this.#sessions.set(id, session);
    return id;
  }

  #left({ id, order }: FrontSession, place: Place, how: "refused" | "done"): void {
    this.#sessions.delete(id);
    this.#dispatcher.left(place, order.protocol, how);
  }

  // ---- From homes

  heard(home: string, message: SessionMessage): void {
    const session = this.#sessions.get(message.id);
    // One that another home goes on with.
    if (session?.place?.home !== home) return;
    if (message.op === "open" || message.op === "ping" || message.op === "full") return;
    if (message.op === "refused") return session.refused();
    try {
      session.heard(message);
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      session.lost();
    }
  }

  lost(home: string): void {
    this.#dispatcher.silent(home);
    this.#heldBack.delete(home);
    for (const session of this.#sessions.values()) if (session.place?.home === home) session.lost();
  }

  /**
   * A home goes on with sessions, or a new one does: which items it is to send again, or null for those that are over, or whose
   * process is at home elsewhere.
   * @param isHome whether the directory has a process at home there. @throws GodwitError EPROTO; as the directory.
   */
  async attach(home: string, asked: unknown, isHome: IsHome): Promise<(number | null)[]> {
    const checked = v.safeParse(attachments, asked);
    if (!checked.success) throw failure("EPROTO", `what a home asks is malformed: ${checked.issues[0].message}`);
    const places = checked.output.flatMap(({ id }) => this.#sessions.get(id)?.place ?? []);
    const theirs = new Set(places.filter((place) => place.home === home).map(({ pid }) => pid));
    const others = new Set(places.filter((place) => !theirs.has(place.pid)).map(({ pid }) => pid));
    await Promise.all([...others].map(async (pid) => void ((await isHome(home, pid)) && theirs.add(pid))));
    return checked.output.map(({ id, received }: Attachment) => {
      const session = this.#sessions.get(id);
      if (session?.place === undefined || !theirs.has(session.place.pid)) return null;
      try {
        return session.attach(home, received);
      } catch (error) {
        if (!(error instanceof GodwitError)) throw error;
        session.lost();
        return null;
      }
    });
  }

  stop(): void {
    this.handoff?.stop();
    for (const front of [...this.#fronts, ...this.#retired]) front.driver.close();
    this.#fronts.clear();
    this.#retired.clear();
    for (const session of this.#living) session.stop();
    this.#dispatcher.close();
  }
}

/** How clients that come in there are served. @throws GodwitError EINVAL. */
function orderOf(options: ExposeOptions, { scheme, protocol, place }: FrontAddress) {
  const isCareOf = options.careOf !== undefined;
  const policy = policyOf(options.policy ?? (isCareOf ? "local" : "least-loaded"));
  if (isCareOf && policy.kind !== "local")
    throw failure("EINVAL", "a care-of address is for the node's own processes: its policy is local");
  const isNear = isLoopback(partsOf(`${scheme}://${place}`).host);
  return { service: options.service, protocol, policy, scheme, isNear, isCareOf, isSpread: false };
}

/** What is told of a front that listens at `place`. @throws GodwitError EINVAL. */
function careOfOf({ address, careOf }: ExposeOptions, place: string): string | undefined {
  return careOf === undefined ? undefined : careOfAddress(careOf, frontAddress(address).scheme, place);
}
