/** Primitives that the host does better than a guest could: text, URLs, compression, randomness, stack traces. No state. */

import { failure } from "../../errors.ts";
import { DEFLATE_BLOCK_BYTES, DEFLATE_WINDOW_BYTES, IO_MAX_BYTES } from "../../limits.ts";
import { bytesAt, type Handlers, integerBetween, numberAt, objectAt, stringAt } from "./arguments.ts";

export const primitiveCalls = {
  randomBytes(kernel, call) {
    const bytes = new Uint8Array(integerBetween(numberAt(call, 0), 0, IO_MAX_BYTES, "the number of random bytes"));
    kernel.host.randomBytes(bytes);
    call.succeed(bytes);
  },

  utf8Encode(kernel, call) {
    call.succeed(kernel.host.codec.utf8Encode(stringAt(call, 0)));
  },

  utf8Decode(kernel, call) {
    const options = objectAt<{ encoding: string; fatal: boolean; ignoreBOM: boolean; stream: boolean }>(call, 1);
    if (typeof options.encoding !== "string") throw failure("EINVAL", "utf8Decode needs the name of an encoding");
    const { encoding } = options;
    const flags = {
      fatal: options.fatal === true,
      ignoreBOM: options.ignoreBOM === true,
      stream: options.stream === true,
    };
    call.succeed(kernel.host.codec.utf8Decode(bytesAt(call, 0), { encoding, ...flags }));
  },

  encodingName(kernel, call) {
    call.succeed(kernel.host.codec.encodingName(stringAt(call, 0)));
  },

  urlParse(kernel, call) {
    call.succeed(kernel.host.codec.urlParse(stringAt(call, 0), stringAt(call, 1)));
  },

  urlUpdate(kernel, call) {
    call.succeed(kernel.host.codec.urlUpdate(stringAt(call, 0), stringAt(call, 1), stringAt(call, 2)));
  },

  deflate(kernel, call) {
    const bytes = bytesAt(call, 0);
    const window = bytesAt(call, 1);
    integerBetween(bytes.length, 0, DEFLATE_BLOCK_BYTES, "the number of bytes to compress");
    integerBetween(window.length, 0, DEFLATE_WINDOW_BYTES, "the number of bytes before them");
    call.succeed(kernel.host.codec.deflate(bytes, window, numberAt(call, 2) !== 0));
  },

  checksum(kernel, call) {
    const bytes = bytesAt(call, 0);
    integerBetween(bytes.length, 0, IO_MAX_BYTES, "the number of bytes to sum up");
    const before = integerBetween(numberAt(call, 2), 0, 2 ** 32 - 1, "a checksum");
    call.succeed(kernel.host.codec.checksum(bytes, stringAt(call, 1), before));
  },

  libraryPart(kernel, call) {
    const name = stringAt(call, 0);
    if (call.callId !== 0) throw failure("EINVAL", "a part of the library is loaded at once, not awaited");
    const { guestParts } = kernel.engine.manifest;
    const bytecode = Object.hasOwn(guestParts, name) ? guestParts[name] : undefined;
    if (bytecode === undefined) throw failure("ENOENT", `the guest library has no part ${name}`);
    call.succeed({ handle: kernel.resident(call.process).evaluateNow(Buffer.from(bytecode, "base64")) });
  },

  mapStack(kernel, call) {
    call.succeed(kernel.mapStack(call.process, stringAt(call, 0)));
  },
} satisfies Partial<Handlers>;
