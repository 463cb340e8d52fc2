/** Every system call has its handler: the compiler sees to it. */

import type { Handlers } from "./arguments.ts";
import { channelCalls } from "./channel-calls.ts";
import { cryptoCalls } from "./crypto-calls.ts";
import { eventCalls } from "./event-calls.ts";
import { fileCalls } from "./file-calls.ts";
import { messageCalls } from "./message-calls.ts";
import { primitiveCalls } from "./primitive-calls.ts";
import { processCalls } from "./process-calls.ts";
import { resourceCalls } from "./resource-calls.ts";
import { threadCalls } from "./thread-calls.ts";

export const HANDLERS: Handlers = {
  ...processCalls,
  ...threadCalls,
  ...messageCalls,
  ...eventCalls,
  ...fileCalls,
  ...resourceCalls,
  ...channelCalls,
  ...primitiveCalls,
  ...cryptoCalls,
};
