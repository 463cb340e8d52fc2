/** A node's links in tests: what it was told, in order. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { type Authority, foundCluster, identify } from "../../src/cluster/identity-authority.ts";
import type { Link } from "../../src/cluster/link.ts";
import { type LinksOptions, type NodeLinks, createLinks } from "../../src/cluster/links.ts";
import { failure } from "../../src/errors.ts";

export class LinkNode {
  readonly name: string;
  readonly links: NodeLinks;
  readonly told: unknown[] = [];
  readonly log: string[] = [];
  onTold: (link: Link, kind: string, body: unknown) => void = () => {};
  onStream: (stream: Duplex, header: unknown, peer: string) => void = (stream) => stream.resume();

  constructor(options: Omit<LinksOptions, "handlers" | "log">) {
    this.name = options.identity.name;
    this.links = createLinks({
      ...options,
      log: (line) => this.log.push(line),
      handlers: {
        told: (link, kind, body) => {
          this.told.push(body);
          this.onTold(link, kind, body);
        },
        asked: async (_link, kind, body) => {
          if (kind === "echo") return body;
          if (kind === "never") return new Promise(() => {});
          throw failure("ESRCH", `nobody knows ${kind}`);
        },
        bulk: (peer, stream, header) => this.onStream(stream, header, peer),
      },
    });
  }
}

/** One authority for all tests of a file: making one takes a while. */
let founded: Promise<Authority> | undefined;

/** Nodes that find each other by name, in a folder of their own, all closed at the end. */
export class LinkWorld {
  readonly folder = mkdtempSync(join(tmpdir(), "godwit-link-"));
  /** Where each can be reached. */
  readonly addresses = new Map<string, string>();
  readonly #nodes: LinkNode[] = [];

  static authority(): Promise<Authority> {
    founded ??= foundCluster();
    return founded;
  }

  socket(name: string): string {
    return join(this.folder, `${name}.sock`);
  }

  async start(name: string, options: Partial<Omit<LinksOptions, "handlers" | "log">> = {}): Promise<LinkNode> {
    const identity = options.identity ?? (await identify(await LinkWorld.authority(), name));
    const resolve = (peer: string) => {
      const address = this.addresses.get(peer);
      return address === undefined ? undefined : [address];
    };
    const node = new LinkNode({ address: `unix:${this.socket(name)}`, resolve, ...options, identity });
    this.#nodes.push(node);
    this.addresses.set(name, await node.links.listening);
    return node;
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.map(({ links }) => links.close()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
