/** The place of a process at the source of a move: at its home, or at a node that hosts it. */

import type { Link } from "../cluster/link.ts";
import { assert } from "../assert.ts";
import { failure } from "../errors.ts";
import { Held } from "./held.ts";
import type { Homing } from "./homing.ts";
import type { Hosted, Hosting } from "./hosting.ts";
import { LwpThread } from "./lwp-thread.ts";
import type { Lwp } from "./lwp.ts";
import type { Node } from "./node.ts";
import type { Entry } from "./process-table.ts";

export interface Seat {
  readonly pid: number;
  readonly name: string;
  /** The node that is its home. */
  readonly home: string;
  readonly lwp: LwpThread;
  readonly memoryQuotaBytes: number;
  readonly ended: boolean;
  /** From when this resolves nothing reaches the process but what it waits for, until `stays` or `left`. Throws ESRCH. */
  hold(): Promise<void>;
  /** It is frozen: nothing more comes from it here. */
  frozen(): void;
  /** It goes on here. */
  stays(): void;
  /** It is at another node; which one is not known when the directory has it as a third one's. */
  left(to: string | undefined): Promise<void>;
}

/** A process at its home. */
export function seatAtHome(node: Node, entry: Entry, homing: Homing): Seat {
  return {
    pid: entry.pid,
    name: entry.name,
    home: node.name,
    memoryQuotaBytes: entry.quotas.memoryBytes,
    get lwp() {
      assert(entry.lwp instanceof LwpThread, "a process at its home is on an LWP there");
      return entry.lwp;
    },
    get ended() {
      return entry.exit !== undefined;
    },
    async hold() {
      while (entry.held !== undefined) await entry.held.over;
      if (entry.exit !== undefined) throw failure("ESRCH", `process ${entry.pid} has ended`);
      entry.held = new Held();
    },
    frozen: () => {},
    stays: () => node.settle(entry),
    async left(to) {
      // Who has it may have told already.
      if (entry.exit !== undefined || !(entry.lwp instanceof LwpThread)) return;
      if (to === undefined) homing.strayed(entry);
      else await homing.went(entry, to);
    },
  };
}

/** From now on the process is at another LWP; what was kept for it goes there. */
export function reseat(node: Node, entry: Entry, lwp: Lwp): void {
  if (entry.exit !== undefined) return;
  entry.lwp.processes--;
  entry.lwp = lwp;
  lwp.processes++;
  node.settle(entry);
}

/** A process that is hosted: its home holds back what comes for it, and hears from the target where it went. */
export function seatHosted(hosting: Hosting, hosted: Hosted): Seat {
  const { pid, name } = hosted;
  const home: Link = hosted.home;
  return {
    pid,
    name,
    home: home.peer,
    lwp: hosted.lwp,
    memoryQuotaBytes: hosted.memoryQuotaBytes,
    get ended() {
      return hosting.find(pid) === undefined;
    },
    async hold() {
      await home.request("home/hold", { pid });
    },
    frozen: () => home.tell("home/frozen", { pid }),
    stays: () => home.tell("home/stays", { pid }),
    async left(to) {
      hosting.remove(pid);
      if (to !== undefined) home.tell("home/left", { pid, to });
    },
  };
}
