/** A node's links in tests: what it was told, in order, and ways to it that can be cut. */

import type { Duplex } from "node:stream";
import { failure } from "../../src/errors.ts";
import type { Link } from "../../src/cluster/link.ts";
import { type LinksOptions, type NodeLinks, createLinks } from "../../src/cluster/links.ts";

export class LinkNode {
  readonly name: string;
  readonly links: NodeLinks;
  readonly told: unknown[] = [];
  readonly log: string[] = [];
  readonly streams: { readonly peer: string; readonly stream: Duplex; readonly header: unknown }[] = [];
  onTold: (link: Link, kind: string, body: unknown) => void = () => {};
  onStream: (stream: Duplex, header: unknown) => void = () => {};

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
        bulk: (peer, stream, header) => {
          this.streams.push({ peer, stream, header });
          this.onStream(stream, header);
        },
      },
    });
  }
}
