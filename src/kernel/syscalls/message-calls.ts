/** Messages between processes. */

import { failure } from "../../errors.ts";
import { MESSAGE_MAX_BYTES, NAME_MAX_CHARS } from "../../limits.ts";
import type { Message } from "../mailbox.ts";
import { bytesAt, type Handlers, stringAt, timeoutAt } from "./arguments.ts";

const SENDER_BYTES = 8;

/** A message as `receive` returns it: the sender's pid as a float64, then the payload. */
export function messageBytes(message: Message): Uint8Array {
  const bytes = new Uint8Array(SENDER_BYTES + message.payload.length);
  new DataView(bytes.buffer).setFloat64(0, message.from, true);
  bytes.set(message.payload, SENDER_BYTES);
  return bytes;
}

export const messageCalls = {
  send(kernel, call) {
    const to = (call.arguments[0] as { readonly to?: unknown }).to;
    const payload = bytesAt(call, 1);
    if (typeof to !== "number" && typeof to !== "string")
      throw failure("EINVAL", "a message goes to a pid or a registered name");
    if (payload.length > MESSAGE_MAX_BYTES)
      throw failure("EMSGSIZE", `a message has at most ${MESSAGE_MAX_BYTES} bytes, not ${payload.length}`);
    kernel.request(call, { kind: "send", to, payload });
  },

  receive(kernel, call) {
    const { process } = call;
    const timeoutMs = timeoutAt(call, 0);
    const message = process.mailbox.take();
    if (message !== undefined) return call.succeed(messageBytes(message));
    if (timeoutMs === 0) return call.succeed(new Uint8Array(0));
    process.receivers.push(call);
    call.abandon = () => {
      const index = process.receivers.indexOf(call);
      if (index >= 0) process.receivers.splice(index, 1);
    };
    if (timeoutMs > 0) kernel.expire(call, timeoutMs, () => call.succeed(new Uint8Array(0)));
  },

  register(kernel, call) {
    const name = stringAt(call, 0);
    if (name === "" || name.length > NAME_MAX_CHARS)
      throw failure("EINVAL", `a name has 1 to ${NAME_MAX_CHARS} characters`);
    kernel.request(call, { kind: "register", name });
  },

  lookup(kernel, call) {
    kernel.request(call, { kind: "lookup", name: stringAt(call, 0) });
  },
} satisfies Partial<Handlers>;
