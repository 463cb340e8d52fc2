/** The record of a process that has not run yet: what a new process is materialised from, with the template. */

import { mainStack } from "./address-space.ts";
import type { Kernel } from "./kernel.ts";
import { type ProcessRecord, RECORD_VERSION } from "./process-record.ts";
import type { Birth } from "./protocol.ts";
import { MAIN_TID, Thread } from "./thread.ts";

export function birthRecord(kernel: Kernel, birth: Birth): ProcessRecord {
  const { stress, hosted = false, kept = new Uint8Array(), isHeld = false, ...rest } = birth;
  return {
    recordVersion: RECORD_VERSION,
    ...rest,
    stress: stress ?? null,
    hosted,
    epoch: 0,
    clockMs: 0,
    cpuMs: 0,
    nextTid: MAIN_TID + 1,
    nextCall: 1,
    modulePromise: 0,
    threads: [
      new Thread({
        tid: MAIN_TID,
        name: "main",
        kind: "main",
        phase: { kind: "load" },
        context: mainStack(kernel.engine),
      }).save(),
    ],
    calls: [],
    timers: [],
    events: [],
    signals: [],
    keepAlive: 0,
    messageEvents: false,
    urgent: [],
    mailbox: [],
    handles: [],
    channels: [],
    input: { chunks: [], closed: false },
    kept: { state: kept, asked: false, given: isHeld },
    paused: false,
    rejectionsNoted: false,
  };
}
