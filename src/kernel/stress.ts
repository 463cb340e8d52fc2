/**
 * Stress: a process is captured at a poll, encoded, decoded and materialised in a fresh instance, and goes on there.
 * The same way as every checkpoint and every move, at the place least expected.
 */

import { decodeImage, encodeImage } from "../machine/image.ts";
import { capture, materialise, type ProcessImage } from "./capture.ts";
import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";
import { ProcessTraps } from "./process-traps.ts";
import { checkRecord } from "./record-check.ts";
import { hold } from "./quiescence.ts";
import { leaveHandles, reopenHandles } from "./reopen.ts";

/** Replaces a process by what its image makes of it. */
export function rematerialise(kernel: Kernel, process: Process): Process {
  const nowMs = kernel.host.monotonicMs();
  const captured = capture(kernel, process, nowMs);
  const decoded = decodeImage(encodeImage(captured, { compress: false }));
  const image: ProcessImage = { ...decoded, state: checkRecord(decoded.state) };
  const fresh = materialise(kernel.engine, image, nowMs, (of) => new ProcessTraps(kernel, of));
  kernel.detach(process);
  fresh.outputInFlight = process.outputInFlight;
  fresh.stressPolls = process.stressPolls;
  fresh.virtualMs = process.virtualMs;
  hold(kernel, fresh, "reopen");
  kernel.admit(fresh, image.state.calls, image.state.timers);
  if (image.state.handles.length === 0) {
    reopenHandles(kernel, fresh, []);
    return fresh;
  }
  kernel.hostOperations++;
  void leaveHandles(process).then(() => {
    kernel.hostOperationDone();
    reopenHandles(kernel, fresh, image.state.handles);
  });
  return fresh;
}
