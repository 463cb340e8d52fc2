/**
 * Nodes of one cluster in the test's own OS process, with real links: over the embedded engine, each behind a wire that can be
 * cut, or over another engine.
 */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { type Server, type Socket, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe } from "node:test";
import type { ClusterEvent } from "../../src/abi/control.ts";
import type { Engine } from "../../src/cluster/engine.ts";
import { type EmbeddedServer, connectEmbedded, startEmbeddedServer } from "../../src/cluster/engines/embedded.ts";
import { type Authority, identify } from "../../src/cluster/identity-authority.ts";
import { ClusterMember } from "../../src/node/cluster-member.ts";
import { until } from "../cluster/condition.ts";
import { TestNode } from "./bench-node.ts";

/** What goes between a node and the engine: it can be made to stand still. */
class Wire {
  readonly socket: string;
  readonly #server: Server;
  readonly #ends = new Set<Socket>();
  #isCut = false;

  constructor(socket: string, to: string) {
    this.socket = socket;
    this.#server = createServer((near) => {
      const far = connect(to);
      for (const [from, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#ends.add(from);
        from.on("data", (bytes) => void (this.#isCut ? undefined : other.write(bytes)));
        from.on("error", () => {}).on("close", () => other.destroy());
      }
    });
  }

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.socket, resolve));
    return this;
  }

  /** Nothing comes through any more, and nobody is told. */
  cut(): void {
    this.#isCut = true;
  }

  /** Connections can be made again; those that were cut are of no more use. */
  mend(): void {
    this.#isCut = false;
    for (const end of this.#ends) end.destroy();
    this.#ends.clear();
  }

  close(): void {
    this.#server.close();
    for (const end of this.#ends) end.destroy();
  }
}

/** What the nodes are joined by; when nothing is said, the embedded engine and Unix sockets. */
export interface Joined {
  /** A connection to another engine, which has no wire. */
  readonly engine?: () => Promise<Engine>;
  /** Links go over TLS, with keys of this authority's. */
  readonly authority?: Authority;
}

export class TestMembers {
  readonly folder: string;
  readonly events: ClusterEvent[] = [];
  readonly #server: EmbeddedServer;
  readonly #joined: Joined;
  readonly #members = new Map<string, ClusterMember>();
  readonly #wires = new Map<string, Wire>();
  readonly #secret = { cluster: "2f0c1c1e-7a3b-4a55-9f0a-0d7d3a1f2b11", secret: new Uint8Array(32).fill(7) };
  #runs = 0;

  constructor(folder: string, server: EmbeddedServer, joined: Joined = {}) {
    this.folder = folder;
    this.#server = server;
    this.#joined = joined;
  }

  get names(): string[] {
    return [...this.#members.keys()];
  }

  async add(name: string): Promise<ClusterMember> {
    const run = `${name}${++this.#runs}`;
    const engine = await (this.#joined.engine?.() ?? this.#wired(name, run));
    const { authority } = this.#joined;
    const keyless = { name, ...this.#secret, ca: "", certificate: "", key: "" };
    const identity = authority === undefined ? keyless : await identify(authority, name);
    const address = authority === undefined ? `unix:${join(this.folder, `${run}.link`)}` : "tls:127.0.0.1:0";
    const settings = { name, engine, identity, address, socket: "", version: "0", log: () => {}, lwps: 1 };
    const member = await ClusterMember.join(settings);
    member.view.events.subscribe(false, (event) => {
      if (event.node === name) this.events.push(event);
    });
    this.#members.set(name, member);
    return member;
  }

  async #wired(name: string, run: string): Promise<Engine> {
    const wire = await new Wire(join(this.folder, `${run}.wire`), this.#server.socket).open();
    this.#wires.set(name, wire);
    return connectEmbedded({ socket: wire.socket });
  }

  get(name: string): ClusterMember {
    const member = this.#members.get(name);
    assert.ok(member !== undefined, `the test has no node ${name}`);
    return member;
  }

  test(name: string): TestNode {
    return new TestNode(this.get(name).cluster.node, this.folder);
  }

  /** Starts a program at a node: a durable one, unless the interval is 0. */
  async start(name: string, source: string, intervalMs = 100): Promise<number> {
    const { workingDirectory, prelude } = {
      workingDirectory: this.folder,
      prelude:
        "const { sleep, send, receive, register, self, open, wait, fork, exit, Thread, Mutex } = globalThis.__godwit.exports;\n",
    };
    return this.get(name).own.spawn({
      name: "program.js",
      source: prelude + source,
      workingDirectory,
      ...(intervalMs === 0 ? {} : { durable: { intervalMs } }),
    });
  }

  /** The node is gone from one moment to the next, as far as the others can tell. */
  async kill(name: string): Promise<void> {
    const member = this.get(name);
    this.#members.delete(name);
    this.#wires.get(name)?.cut();
    for (const lwp of member.cluster.node.lwps.all()) lwp.mayRunFor(0);
    await member.view.links.close();
    this.#wires.get(name)?.close();
    await member.abandon();
  }

  /** It leaves in order. */
  async remove(name: string): Promise<void> {
    const member = this.get(name);
    this.#members.delete(name);
    await member.stop();
    this.#wires.get(name)?.close();
  }

  /** It runs, and reaches nobody. */
  cut(name: string): void {
    this.#wires.get(name)?.cut();
  }

  /** It reaches the others again. */
  mend(name: string): void {
    this.#wires.get(name)?.mend();
  }

  /** The first event of this kind about a process. */
  async event<K extends ClusterEvent["kind"]>(kind: K, pid: number): Promise<Extract<ClusterEvent, { kind: K }>> {
    const find = () => this.events.find((event) => event.kind === kind && "pid" in event && event.pid === pid);
    await until(`${kind} of process ${pid}`, () => find() !== undefined, 20_000);
    return find() as Extract<ClusterEvent, { kind: K }>;
  }

  async stop(): Promise<void> {
    for (const member of this.#members.values()) await member.stop();
    for (const wire of this.#wires.values()) wire.close();
    await this.#server.close();
  }
}

/** The tests of one file, over nodes that are stopped at their end. */
export async function withMembers(
  names: readonly string[],
  tests: (t: TestMembers) => void,
  joined: Joined = {},
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "godwit-test-"));
  const server = await startEmbeddedServer({ folder: join(folder, "state") });
  const members = new TestMembers(folder, server, joined);
  for (const name of names) await members.add(name);
  describe("in a cluster", { timeout: 120_000 }, () => {
    after(async () => {
      await members.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    tests(members);
  });
}
