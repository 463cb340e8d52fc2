/** The globals `fetch`, `Headers`, `Request` and `Response` (WHATWG Fetch, as far as a server has it: no cookies, cache or CORS). */

import { requireArguments } from "./idl.ts";
import { part } from "../core.ts";
import { Request, requestAccess } from "./request.ts";
import type { Response } from "./response.ts";

export { Headers } from "./headers.ts";
export { Request } from "./request.ts";
export { Response } from "./response.ts";
/** What the parts need that send and serve them. */
export {
  callOnceThereIsRoom,
  ChannelInflow,
  closeChannel,
  openChannel,
  openFrame,
  receiveFrame,
  sendBody,
  sendFrame,
  wholeFrame,
} from "./channel.ts";
export { Body, contentBytes, isInflow } from "./body.ts";
export { headerAccess } from "./headers.ts";
export { requestAccess } from "./request.ts";
export { NULL_BODY_STATUS, REDIRECT_STATUS, responseAccess } from "./response.ts";

/** The global `fetch`. */
export async function fetch(input: unknown, init: unknown = undefined): Promise<Response> {
  requireArguments(arguments.length, 1, "fetch");
  const request = new Request(input, init);
  const signal = requestAccess.follows(request);
  const state = requestAccess.state(request);
  if (signal?.aborted === true) {
    state.body?.cancel(signal.reason);
    throw signal.reason;
  }
  return part("fetching").startFetching(state, request.headers, signal);
}
