/** Where a process runs, as its home sees it: a worker of this node's, or another node. */

import type { Answer, Question, ToLwp } from "../kernel/protocol.ts";

export interface Lwp {
  /** The node that it is of. */
  readonly nodeName: string;
  /** Which of this node's it is; -1 for another node. */
  readonly index: number;
  /** Living processes that it has from this node. */
  processes: number;
  tell(message: ToLwp): void;
  ask<K extends Question["kind"]>(
    pid: number,
    question: Extract<Question, { kind: K }>,
  ): Promise<Extract<Answer, { kind: K }>>;
  /** Resolves with the program's name when the process is in place. */
  restore(message: Omit<Extract<ToLwp, { op: "restore" }>, "request">): Promise<{ name: string }>;
}
