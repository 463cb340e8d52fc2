/** Web Cryptography. The operations are the host's; here they wait for their turns. */

import { failure } from "../../errors.ts";
import type { Call } from "../call.ts";
import type { CryptoOperation } from "../host.ts";
import type { Kernel } from "../kernel.ts";
import { bytesAt, type Handlers, objectAt } from "./arguments.ts";

export const cryptoCalls = {
  crypto(kernel, call) {
    carryOut(kernel, call, kernel.host.crypto.operation(objectAt(call, 0), bytesAt(call, 1)));
  },

  cryptoKey(kernel, call) {
    carryOut(kernel, call, kernel.host.crypto.keyOperation(objectAt(call, 0), bytesAt(call, 1)));
  },
} satisfies Partial<Handlers>;

function carryOut(kernel: Kernel, call: Call, operation: CryptoOperation<unknown>): void {
  // Only asynchronous calls are bounded in number and size: what threads block in is theirs alone.
  if (call.callId === 0) throw failure("EINVAL", `${call.name} is awaited, not blocked in`);
  if ("result" in operation) return call.succeed(operation.result);
  const { isLong } = operation;
  kernel.lanes[isLong ? "long" : "short"].enter(call, () => {
    const { process } = call;
    // Made again elsewhere while it waits, or when it takes long. A short one is waited for: that costs less, and a process
    // that is captured at every step comes to its end. A capture that waits already does not wait for one more.
    if (process.holds.size === 0 && (!isLong || process.stress !== undefined)) call.inFlight = "finish";
    const running = operation.run();
    kernel.perform(call, () => running);
    return running.then(
      () => {},
      () => {},
    );
  });
}
