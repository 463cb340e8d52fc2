/**
 * Names across nodes: what processes register is known in the whole cluster, and a message to a name goes to the home of whoever
 * has it. Other nodes learn of a name a moment after it was registered, and find it without asking anyone.
 */

import * as v from "valibot";

import type { LinkHandlers } from "../cluster/link.ts";
import { type NameHolder, Names } from "../cluster/names.ts";
import { GodwitError, failure } from "../errors.ts";
import { MESSAGE_MAX_BYTES } from "../limits.ts";
import type { ClusterView } from "./cluster-view.ts";
import type { Node } from "./node.ts";
import type { Entry, FarNames } from "./process-table.ts";

const KIND = "name/deliver";

const letter = v.object({
  name: v.string(),
  from: v.number(),
  payload: v.pipe(
    v.instance(Uint8Array),
    v.check(({ length }) => length <= MESSAGE_MAX_BYTES, "too long"),
  ),
});

export class ClusterNames implements FarNames {
  readonly #view: ClusterView;
  readonly #node: Node;
  readonly #names: Names;

  private constructor(view: ClusterView, node: Node, names: Names) {
    this.#view = view;
    this.#node = node;
    this.#names = names;
  }

  static async open(view: ClusterView, node: Node): Promise<ClusterNames> {
    return new ClusterNames(view, node, await Names.open(view.engine, (holder) => isAlive(view, holder)));
  }

  async register(name: string, pid: number): Promise<void> {
    const { token } = this.#view.membership.get(this.#node.name);
    await this.#names.register(name, { pid, node: this.#node.name, token });
  }

  find(name: string): number | undefined {
    return this.#names.find(name)?.pid;
  }

  async send(name: string, from: number, payload: Uint8Array): Promise<void> {
    const pid = this.find(name);
    const home = pid === undefined ? undefined : this.#view.homeOf(pid);
    if (home === undefined || home === this.#node.name) throw nobody(name);
    const link = await this.#view.links.to(home);
    await link.request(KIND, { name, from, payload });
  }

  /** A message of another node's for a name of a process here. @throws GodwitError ENOENT, and as a message from here. */
  async deliver(body: unknown): Promise<null> {
    const checked = v.safeParse(letter, body);
    if (!checked.success) throw failure("EPROTO", `a message between nodes is malformed: ${checked.issues[0].message}`);
    const { name, from, payload } = checked.output;
    const entry = this.#node.table.named(name);
    if (entry === undefined) throw nobody(name);
    await this.#node.ask(entry, { kind: "deliver", from, payload });
    return null;
  }

  /** This node is a member again, under another token: the names of its processes are theirs still. */
  async renew(): Promise<void> {
    for (const { pid, names, exit } of this.#node.table.all()) {
      if (exit !== undefined) continue;
      for (const name of names) {
        try {
          await this.register(name, pid);
        } catch (error) {
          // Another has taken it meanwhile, or the store cannot be reached, and another may.
          if (!(error instanceof GodwitError)) throw error;
        }
      }
    }
  }

  /** A process has ended: its names are free. */
  async ended({ pid, names }: Pick<Entry, "pid" | "names">): Promise<void> {
    for (const name of names) {
      try {
        // One that was superseded here goes on elsewhere, with its names.
        const found = await this.#view.directory.find(pid);
        if (found === undefined || found.home === this.#node.name) await this.#names.release(name, pid);
      } catch (error) {
        // The store cannot be reached: the name is another's to take once this node is gone.
        if (!(error instanceof GodwitError)) throw error;
      }
    }
  }
}

/** A node's handlers, with messages taken that come for names. */
export function withNames(names: ClusterNames, handlers: LinkHandlers): LinkHandlers {
  return {
    ...handlers,
    asked: (link, kind, body) => (kind === KIND ? names.deliver(body) : handlers.asked(link, kind, body)),
  };
}

/** Whether there is a node that speaks for the process: its home of now, or the very one where it registered the name. */
function isAlive(view: ClusterView, { pid, node, token }: NameHolder): boolean {
  const { membership } = view;
  const home = view.entryOf(pid)?.home;
  return home === undefined ? membership.find(node)?.token === token : membership.find(home) !== undefined;
}

function nobody(name: string) {
  return failure("ENOENT", `no process has registered the name ${name}`);
}
