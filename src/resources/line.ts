/** The host's end of a channel, as a driver of something outside (a listener, a request, a WebSocket) sees it. */

import type { Frame } from "../abi/channel.ts";
import type { ErrorCode } from "../errors.ts";

/** Towards the process. */
export interface Line {
  /**
   * Passes a frame on to the process. False when that filled the channel's window: produce nothing more until the driver's
   * `resume`. Ignored once the channel is closed.
   */
  push(frame: Frame): boolean;
  /** The other side is gone, or broke the protocol: nothing more goes either way. What was pushed before still arrives. */
  break(code: ErrorCode, message: string): void;
  /** Of a front: what its answer says of where else to ask (Alt-Svc), or null for nothing. What the process says of it does not count. */
  alternative?(): string | null;
  /** Tells the process something out of band, before all that was pushed. Of much at once, some is lost. */
  ping?(message: string): void;
}

/** Towards the world. */
export interface Driver {
  /** A frame of the process's, in order; one at a time: the next comes when the promise has settled. A rejection breaks the channel. */
  take(frame: Frame): void | Promise<void>;
  /** There is room in the window again. */
  resume(): void;
  /** The process has closed the channel, or ended: let go of everything. No call follows but `rest`. */
  close(): void;
  /** Of what was taken, what the other side has not: so much, until the promise settles. Undefined when there is none. */
  rest?(): { readonly sizeBytes: number; readonly over: Promise<void> } | undefined;
}
