/** Sends back each descriptor that it is sent: who has sent it has a copy then, as of another process. */

import type { SendHandle } from "node:child_process";

process.on("message", (message: unknown, handle: SendHandle & { close(): void }) => {
  process.send?.(message, handle, {}, () => handle.close());
});
