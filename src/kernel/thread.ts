/** A thread: a line of control in a process, with a stack of its own. Blocks alone, not its process. */

import type { ThreadState } from "../abi/records.ts";
import { PRIORITY_DEFAULT } from "../limits.ts";
import type { ThreadContext } from "../machine/processor.ts";
import type { Call } from "./call.ts";
import type { Delivery, Phase, ThreadRecord } from "./process-record.ts";

/** One step of priority is this factor in processor time. */
const PRIORITY_FACTOR = 1.6;

/** The first thread of a process: it loads the program and then runs its event loop. */
export const MAIN_TID = 1;

export class Thread {
  readonly tid: number;
  readonly name: string;
  readonly kind: "main" | "body" | "signal";
  readonly daemon: boolean;
  readonly context: ThreadContext;
  priority: number;
  phase: Phase;
  state: ThreadState = "ready";
  /** The call it blocks in; the event-loop thread at rest blocks in none. */
  call: Call | undefined;
  /** Outcome of the call it was stopped in. Invariant: set only while the thread is ready and stopped in a call. */
  delivery: Delivery | undefined;
  /** Processor time weighted by priority: the ready thread with the least runs next. */
  virtualMs = 0;
  cpuMs = 0;
  /** Calls of threads that wait for this one's end. */
  readonly joiners = new Set<Call>();

  constructor(options: {
    tid: number;
    name: string;
    kind: "main" | "body" | "signal";
    phase: Phase;
    context: ThreadContext;
    priority?: number;
    daemon?: boolean;
  }) {
    this.tid = options.tid;
    this.name = options.name;
    this.kind = options.kind;
    this.phase = options.phase;
    this.context = options.context;
    this.priority = options.priority ?? PRIORITY_DEFAULT;
    this.daemon = options.daemon ?? false;
  }

  get weight(): number {
    return PRIORITY_FACTOR ** (this.priority - PRIORITY_DEFAULT);
  }

  save(): ThreadRecord {
    return {
      tid: this.tid,
      name: this.name,
      priority: this.priority,
      daemon: this.daemon,
      kind: this.kind,
      phase: this.phase,
      context: this.context,
      delivery: this.delivery,
      cpuMs: this.cpuMs,
    };
  }

  static restore(record: ThreadRecord): Thread {
    const thread = new Thread({ ...record, context: { ...record.context } });
    thread.delivery = record.delivery;
    thread.cpuMs = record.cpuMs;
    return thread;
  }
}
