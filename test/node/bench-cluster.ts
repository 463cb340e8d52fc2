/** Several nodes in the test's own OS process, with links that go through memory and a directory that is a map. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Duplex, duplexPair } from "node:stream";
import { after, describe } from "node:test";
import { decode, encode } from "cborg";
import type { Link, LinkHandlers, Links } from "../../src/cluster/link.ts";
import type { ClaimOutcome, HomeClaims } from "../../src/cluster/process-directory.ts";
import { failure, GodwitError } from "../../src/errors.ts";
import { isSame, type Owner, type Ownership, ruleOnClaim, ruleOnHome } from "../../src/kernel/ownership.ts";
import { PID_BLOCK } from "../../src/limits.ts";
import { loadEngine } from "../../src/machine/load.ts";
import { ClusterNode } from "../../src/node/cluster-node.ts";
import { Node } from "../../src/node/node.ts";
import { TestNode } from "./bench-node.ts";

/** A directory: compare-and-set on a map. */
class TestDirectory {
  readonly entries = new Map<number, Ownership>();
  /** Asked before each claim; what it returns is answered in place of the truth, after the claim was carried out or not. */
  meddle: (pid: number, to: Owner) => { readonly carryOut: boolean } | undefined = () => undefined;

  claim = async (pid: number, from: Owner, to: Owner, home: string, cause: string): Promise<ClaimOutcome> => {
    const meddled = this.meddle(pid, to);
    await new Promise((resolve) => setImmediate(resolve));
    const outcome = meddled?.carryOut === false ? "unknown" : this.#claim(pid, from, { ...to, home, cause });
    return meddled === undefined ? outcome : "unknown";
  };

  readonly homes: HomeClaims = {
    promiseHome: async (pid, owner, home, cause, isOurs) => {
      const present = this.entries.get(pid);
      if (present === undefined) return "gone";
      if (isOurs === true && present.home !== home) return "taken";
      if (!isSame(present, owner)) return "superseded";
      this.entries.set(pid, { ...present, home, cause });
      return "kept";
    },
    takeHome: async (pid, owner, home, cause) => {
      const present = this.entries.get(pid);
      const ruled = ruleOnHome(present, owner, home, cause);
      if (ruled === "write" && present !== undefined) this.entries.set(pid, { ...present, home });
      return ruled === "superseded" ? ruled : "taken";
    },
  };

  #claim(pid: number, from: Owner, next: Ownership): ClaimOutcome {
    const ruled = ruleOnClaim(this.entries.get(pid), from, next);
    if (ruled !== "write") return ruled;
    this.entries.set(pid, next);
    return "won";
  }
}

/** Hands over what crosses as bytes, each message in a turn of its own, in order. */
class MemoryLink implements Link {
  readonly peer: string;
  readonly lost: Promise<Error>;
  #lose: (error: Error) => void = () => {};
  #isLost = false;
  /** The peer's end. */
  other: MemoryLink | undefined;
  readonly #handlers: () => LinkHandlers;
  readonly #told: (kind: string) => void;
  /** What was sent while the connection is down. */
  #waiting: (() => void)[] | undefined;

  constructor(peer: string, handlers: () => LinkHandlers, told: (kind: string) => void) {
    this.peer = peer;
    this.#handlers = handlers;
    this.#told = told;
    this.lost = new Promise((resolve) => (this.#lose = resolve));
  }

  #send(deliver: (other: MemoryLink) => void): void {
    const arrive = () => {
      if (!this.#isLost && this.other !== undefined) deliver(this.other);
    };
    setImmediate(() => (this.#waiting === undefined ? arrive() : void this.#waiting.push(arrive)));
  }

  /** The connection is down: what is sent arrives when it is there again. */
  down(): void {
    this.#waiting ??= [];
  }
  up(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const arrive of waiting) arrive();
  }

  tell(kind: string, body: unknown): void {
    const bytes = encode(body);
    this.#told(kind);
    this.#send((other) => other.#handlers().told(other, kind, decode(bytes)));
  }

  request(kind: string, body: unknown): Promise<unknown> {
    const bytes = encode(body);
    this.#told(kind);
    return new Promise((resolve, reject) => {
      void this.lost.then(reject);
      this.#send((other) => {
        const failed = (error: unknown) =>
          other.#send(() => reject(error instanceof GodwitError ? failure(error.code, error.message) : error));
        other
          .#handlers()
          .asked(other, kind, decode(bytes))
          .then((answer) => {
            const reply = encode(answer ?? null);
            other.#send(() => resolve(decode(reply)));
          }, failed);
      });
    });
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  lose(error: Error): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#lose(error);
    this.other?.lose(error);
  }
}

/** Nodes by name, and what is between them. */
export class TestCluster {
  readonly directory = new TestDirectory();
  readonly nodes = new Map<string, ClusterNode>();
  readonly #links = new Map<string, MemoryLink>();
  /** Streams of moves, and between whom. */
  readonly streams = new Map<Duplex, string>();
  readonly folder: string;
  readonly #lwps: number;
  /** Pairs that do not reach each other any more. */
  readonly #severed = new Set<string>();
  #blocks = 0;
  /** Told of everything that is sent, before it is. */
  sent: (from: string, to: string, kind: string) => void = () => {};
  /** Given each piece of a stream, before it is sent. */
  piece: (from: string, to: string, bytes: Uint8Array) => void = () => {};

  constructor(folder: string, lwps = 2) {
    this.folder = folder;
    this.#lwps = lwps;
  }

  async add(name: string): Promise<ClusterNode> {
    const engine = await loadEngine();
    const node = new Node({ name, lwps: this.#lwps, firstPid: this.#blocks++ * PID_BLOCK + 1 }, engine);
    // A node that has died hears no answer.
    const claim: TestDirectory["claim"] = async (...about) => {
      const outcome = await this.directory.claim(...about);
      return this.nodes.get(name) === cluster ? outcome : new Promise(() => {});
    };
    const { homes } = this.directory;
    const links = (handlers: LinkHandlers) => this.#linksOf(name, handlers);
    const cluster = new ClusterNode({ node, engine, links, claim, homes, log: () => {} });
    this.nodes.set(name, cluster);
    return cluster;
  }

  get(name: string): ClusterNode {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error(`the test has no node ${name}`);
    return node;
  }

  test(name: string): TestNode {
    return new TestNode(this.get(name).node, this.folder);
  }

  #linksOf(name: string, handlers: LinkHandlers): Links {
    return {
      to: async (peer) => this.#link(name, peer),
      bulk: async (peer, header) => {
        if (!this.nodes.has(peer) || this.#severed.has(`${name}>${peer}`))
          throw failure("ENONODE", `node ${peer} cannot be reached`);
        const [mine, theirs] = pair();
        this.streams.set(mine, `${name}>${peer}`);
        const write = mine.write.bind(mine) as (bytes: Uint8Array) => boolean;
        mine.write = (bytes: Uint8Array) => {
          this.piece(name, peer, bytes);
          return write(bytes);
        };
        setImmediate(() => this.nodes.get(peer)?.bulk(name, theirs, decode(encode(header))));
        return mine;
      },
      drop: (peer) => this.cut(name, peer),
      close: async () => void handlers,
    };
  }

  #link(from: string, to: string): MemoryLink {
    const present = this.#links.get(`${from}>${to}`);
    if (present !== undefined) return present;
    if (!this.nodes.has(to) || !this.nodes.has(from)) throw failure("ENONODE", `there is no node ${to}`);
    if (this.#severed.has(`${from}>${to}`)) throw failure("ENONODE", `node ${to} cannot be reached`);
    const near = new MemoryLink(
      to,
      () => this.get(from),
      (kind) => this.sent(from, to, kind),
    );
    const far = new MemoryLink(
      from,
      () => this.get(to),
      (kind) => this.sent(to, from, kind),
    );
    near.other = far;
    far.other = near;
    this.#links.set(`${from}>${to}`, near).set(`${to}>${from}`, far);
    return near;
  }

  /** One takes the other for dead. */
  cut(from: string, to: string): void {
    this.#links.get(`${from}>${to}`)?.lose(failure("ECONNRESET", `the link from ${from} to ${to} was lost`));
    this.#links.delete(`${from}>${to}`);
    this.#links.delete(`${to}>${from}`);
  }

  /** Two nodes do not reach each other any more. */
  sever(one: string, other: string): void {
    this.#severed.add(`${one}>${other}`).add(`${other}>${one}`);
    this.#breakStreams(one, other);
    this.cut(one, other);
  }
  mend(): void {
    this.#severed.clear();
  }

  /** The connections between two nodes break, and are there again a little later: the link lives, streams do not. */
  blink(one: string, other: string, forMs: number): void {
    const links = [this.#link(one, other), this.#link(other, one)];
    for (const link of links) link.down();
    this.#breakStreams(one, other);
    setTimeout(() => links.forEach((link) => link.up()), forMs);
  }

  #breakStreams(one: string, other: string | undefined): void {
    for (const [stream, between] of this.streams) {
      const [from, to] = between.split(">");
      if ((from !== one || (other ?? to) !== to) && (to !== one || (other ?? from) !== from)) continue;
      stream.destroy();
      this.streams.delete(stream);
    }
  }

  /** A node dies: nobody hears from it any more. Resolves when the threads that it had are gone. */
  async kill(name: string): Promise<void> {
    const { node } = this.get(name);
    this.nodes.delete(name);
    this.#breakStreams(name, undefined);
    for (const key of Array.from(this.#links.keys())) {
      const [from = "", to = ""] = key.split(">");
      if (from === name) this.cut(name, to);
    }
    await node.stop();
  }

  async stop(): Promise<void> {
    for (const { node } of this.nodes.values()) await node.stop();
  }
}

/** The two ends of a stream of bytes: when one breaks, so does the other. */
function pair(): [Duplex, Duplex] {
  const [one, other] = duplexPair();
  one.on("close", () => other.destroy());
  other.on("close", () => one.destroy());
  return [one, other];
}

/** The tests of one file, over nodes that are stopped at their end. */
export async function withCluster(
  names: readonly string[],
  tests: (t: TestCluster) => void,
  lwps?: number,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "godwit-test-"));
  const cluster = new TestCluster(folder, lwps);
  for (const name of names) await cluster.add(name);
  describe("in a cluster", () => {
    after(async () => {
      await cluster.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    tests(cluster);
  });
}
