/**
 * The handoff of two nodes in one process, with all that they say to each other in a test's hand: it waits, or is lost, as the test
 * wants it. Connections, their descriptors and the servers are real.
 */

import { type ChildProcess, fork, type SendHandle } from "node:child_process";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import type { Link, Links } from "../../src/cluster/link.ts";
import { assert } from "../../src/assert.ts";
import { failure } from "../../src/errors.ts";
import type { Descriptor } from "../../src/resources/descriptor.ts";
import type { Entrance, Gate } from "../../src/resources/entrance.ts";
import { wholeFrame } from "../../src/resources/frame.ts";
import { type Acceptor, Listeners, unlistened } from "../../src/resources/listener.ts";
import type { Listening } from "../../src/resources/listening.ts";
import type { Order } from "../../src/switch/front-session.ts";
import { Handoff, type Parcel, type Siblings } from "../../src/switch/handoff.ts";
import type { Door } from "../../src/switch/handoff-door.ts";
import { policyOf } from "../../src/switch/policy.ts";
import { RawClient } from "../node/raw-client.ts";

/** Far more than anything here takes. */
const WAIT_MAX_MS = 20_000;

/** As `until`, where the timers are a test's. */
export async function untilTurn(what: string, holds: () => boolean): Promise<void> {
  const endMs = performance.now() + WAIT_MAX_MS;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`${what} did not happen within ${WAIT_MAX_MS} ms`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What goes one way, in order. */
class Way {
  #last: Promise<void> = Promise.resolve();
  #free: Promise<void> = Promise.resolve();
  #go: () => void = () => {};

  /** Nothing arrives until `release`. */
  hold(): void {
    this.#free = new Promise((resolve) => (this.#go = resolve));
  }

  release(): void {
    this.#go();
  }

  push(arrives: Promise<() => void> | (() => void)): void {
    const ready = Promise.resolve(arrives);
    this.#last = this.#last.then(async () => {
      const arrive = await ready;
      await this.#free;
      arrive();
    });
  }

  /** All that was said so far has arrived. */
  get heard(): Promise<void> {
    return this.#last;
  }
}

interface TestLink extends Link {
  readonly cut: () => void;
}

/** One of the two, and how it reaches the other. */
export class TestNode implements Siblings, Links {
  readonly name: string;
  readonly names: readonly string[];
  readonly handoff: Handoff;
  /** What arrives here: over the link, and by the launcher. */
  readonly byLink = new Way();
  readonly byLauncher = new Way();
  /** Where connections are to go. */
  choice: string | undefined;
  /** Requests that were answered here. */
  answered = 0;
  /** Servers for connections that were given to here, and how many of them are closed. */
  readonly adopted: Entrance[] = [];
  adoptedClosed = 0;
  /** Connections that it has passed on. */
  passed = 0;
  /** Connections that have come in at those. */
  readonly sockets: Socket[] = [];
  /** How often it has said that all that it passed on and did not keep is the other's. */
  settled = 0;
  /** How often it was told that something that kept it in use is gone, and of these how often nothing did any more. */
  unused = 0;
  freed = 0;
  /** Whether the launcher takes what is said to it; else it is lost with this node. */
  isHeard = true;
  readonly #unheard: (() => void)[] = [];
  isDead = false;
  onPassed: Siblings["onPassed"] = () => {};
  onKept: Siblings["onKept"] = () => {};
  onSettled: Siblings["onSettled"] = () => {};
  onReturned: Siblings["onReturned"] = () => {};
  onDead: Siblings["onDead"] = () => {};
  readonly #doors: Door[] = [];
  readonly #world: TwoNodes;
  #link: TestLink | undefined;

  constructor(world: TwoNodes, name: string, other: string) {
    this.#world = world;
    this.name = name;
    this.names = [other];
    this.handoff = new Handoff({
      self: name,
      siblings: this,
      links: this,
      glance: () => (this.choice === undefined ? undefined : { pid: 1, home: this.choice }),
      adopt: () => this.#adopt(),
      unused: () => {
        this.unused++;
        if (!this.handoff.isInUse) this.freed++;
      },
    });
  }

  /** How much it has said that the launcher does not take. */
  get unheard(): number {
    return this.#unheard.length;
  }

  get acceptor(): Acceptor {
    return (frame, drive) => {
      this.answered++;
      if (this.#world.accept !== undefined) return this.#world.accept(frame, drive);
      const answer = wholeFrame({ status: 200, statusText: "", headers: [] }, Buffer.from(this.name));
      void drive({ push: () => true, break: () => {} }).take(answer);
    };
  }

  open(order: Order): { readonly door: Door; readonly gate: Gate } {
    const opened = this.handoff.open(order, {});
    this.#doors.push(opened.door);
    return opened;
  }

  #adopt(): Entrance & { close(): void } {
    const served = unlistened(this.acceptor, {});
    const enter = (socket: Socket) => {
      this.sockets.push(socket);
      served.enter(socket);
    };
    const close = () => {
      this.adoptedClosed++;
      served.close();
    };
    const server = { ...served, enter, close };
    this.adopted.push(server);
    return server;
  }

  // ---- By the launcher

  get #other(): TestNode {
    return this.#world.other(this);
  }

  /** Says something to the launcher; what it does not take yet waits here. */
  #say(what: () => void): void {
    if (this.isHeard) what();
    else this.#unheard.push(what);
  }

  /** The launcher goes on. */
  hear(): void {
    this.isHeard = true;
    for (const what of this.#unheard.splice(0)) what();
  }

  pass(_to: string, parcel: Parcel, descriptor: Descriptor): void {
    this.passed++;
    const other = this.#other;
    if (other.isDead) return this.byLauncher.push(() => this.onReturned(parcel.id));
    const arrives = this.#world.copy(descriptor).then((copy) => () => {
      if (other.isDead) copy.close();
      else other.onPassed(this.name, parcel, copy);
    });
    other.byLauncher.push(arrives);
  }

  keep(_to: string, id: string, told: () => void): void {
    this.#say(() => {
      this.#other.byLauncher.push(() => this.#other.onKept(this.name, id));
      if (!this.isDead) told();
    });
  }

  settle(): void {
    this.settled++;
    this.#say(() => this.#other.byLauncher.push(() => this.#other.onSettled(this.name)));
  }

  /** Its OS process ends, with all its descriptors. */
  die(): void {
    this.isDead = true;
    this.handoff.stop();
    for (const door of this.#doors) door.breakAll();
    this.#other.byLauncher.push(() => this.#other.onDead(this.name));
  }

  // ---- Over the link

  async to(peer: string): Promise<Link> {
    if (this.#other.isDead) throw failure("ENONODE", `node ${peer} cannot be reached`);
    return this.#linked();
  }

  #linked(): TestLink {
    if (this.#link !== undefined) return this.#link;
    let lose: (error: Error) => void = () => {};
    let isOver = false;
    const other = this.#other;
    const isHere = () => !isOver && !this.isDead && !other.isDead;
    const link: TestLink = {
      peer: other.name,
      lost: new Promise((resolve) => (lose = resolve)),
      cut: () => {
        isOver = true;
        this.#link = undefined;
        lose(failure("ECONNRESET", "the session is over"));
      },
      tell: (_kind, body) => other.byLink.push(() => isHere() && other.handoff.told(other.#linked(), body)),
      request: (_kind, body) =>
        new Promise((resolve, reject) => {
          const asked = async () => other.handoff.asked(this.name, body);
          other.byLink.push(() => isHere() && void asked().then(resolve, reject));
        }),
      drained: async () => {},
    };
    this.#link = link;
    return link;
  }

  get isLinked(): boolean {
    return this.#link !== undefined;
  }

  cut(): void {
    this.#link?.cut();
  }

  async bulk(): Promise<never> {
    throw failure("ENONODE", "there are no streams");
  }

  drop(): void {}

  async close(): Promise<void> {}
}

/** A front of one of them. */
export interface TestFront {
  readonly url: string;
  readonly door: Door;
  readonly order: Order;
  readonly listening: Listening;
}

export class TwoNodes {
  readonly a: TestNode;
  readonly b: TestNode;
  readonly #mirror: ChildProcess;
  readonly #copies: ((handle: Descriptor) => void)[] = [];
  readonly #fronts: Listening[] = [];
  readonly #clients: RawClient[] = [];
  readonly accept: Acceptor | undefined;

  /** @param accept answers requests at both; else each answers with its name. */
  constructor(accept?: Acceptor) {
    this.accept = accept;
    this.a = new TestNode(this, "a", "b");
    this.b = new TestNode(this, "b", "a");
    this.#mirror = fork(fileURLToPath(new URL("./descriptor-mirror.js", import.meta.url)));
    this.#mirror.on("message", (_message, handle: unknown) => this.#copies.shift()?.(handle as Descriptor));
  }

  other(node: TestNode): TestNode {
    return node === this.a ? this.b : this.a;
  }

  copy(descriptor: Descriptor): Promise<Descriptor> {
    return new Promise((resolve) => {
      this.#copies.push(resolve);
      this.#mirror.send({}, descriptor as unknown as SendHandle);
    });
  }

  /** Exposes a service at one of them; its connections go to the other, if nothing else is said. */
  async front(node = this.a, policy = "least-loaded"): Promise<TestFront> {
    const order = {
      service: "web",
      protocol: "http" as const,
      scheme: "http" as const,
      policy: policyOf(policy),
      isNear: true,
      isCareOf: false,
      isSpread: true,
    };
    node.choice = this.other(node).name;
    const { door, gate } = node.open(order);
    let place = "";
    const told = { gate, listening: (address: string) => void (place = address) };
    const line = { push: () => true, break: () => {} };
    const listening = await new Listeners().join("127.0.0.1:0", line, node.acceptor, told);
    assert(place !== "", "it listens");
    this.#fronts.push(listening);
    return { url: `http://${place}`, door, order, listening };
  }

  async client(url: string, options: { allowHalfOpen?: boolean } = {}): Promise<RawClient> {
    const client = await RawClient.connect(url, options);
    this.#clients.push(client);
    return client;
  }

  /** Their link breaks for good, and what was on its way is lost; there may be another. */
  cut(): void {
    this.a.cut();
    this.b.cut();
  }

  stop(): void {
    for (const { socket } of this.#clients) socket.destroy();
    for (const front of this.#fronts) front.close();
    for (const { handoff } of [this.a, this.b]) handoff.stop();
    this.#mirror.kill("SIGKILL");
  }
}
