/**
 * Single messages over a stream, before it is put to its use: each a length (uint32, big-endian) and CBOR. Nothing
 * that comes after the last of them is taken from the stream.
 */

import type { Duplex } from "node:stream";
import { decode, encode } from "cborg";
import * as v from "valibot";
import { failure } from "../errors.ts";
import { LINK_GREETING_MAX_BYTES } from "../limits.ts";

const LENGTH_BYTES = 4;
const STRICT = { allowIndefinite: false, strict: true, rejectDuplicateMapKeys: true };

/** What is said in place of any other message. */
const refused = v.strictObject({ refused: v.pipe(v.string(), v.maxLength(1000)) });

export function say(stream: Duplex, message: object): void {
  const payload = encode(message);
  if (payload.length > LINK_GREETING_MAX_BYTES) {
    const size = `${payload.length} bytes, at most ${LINK_GREETING_MAX_BYTES} are allowed`;
    throw failure("EMSGSIZE", `what opens a connection between nodes has ${size}`);
  }
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + payload.length);
  frame.writeUInt32BE(payload.length);
  frame.set(payload, LENGTH_BYTES);
  stream.write(frame);
}

/** Says why not, and hangs up. */
export function refuse(stream: Duplex, why: string): void {
  if (stream.destroyed) return;
  say(stream, { refused: why.slice(0, 1000) });
  stream.end(() => stream.destroy());
}

/** The next message. @throws GodwitError EPROTO for another one, EACCES for a refusal, ECONNRESET. */
export async function hear<S extends v.GenericSchema>(stream: Duplex, shape: S): Promise<v.InferOutput<S>> {
  const length = (await exactly(stream, LENGTH_BYTES)).readUInt32BE();
  if (length === 0 || length > LINK_GREETING_MAX_BYTES) throw violation(`a greeting of ${length} bytes`);
  const bytes = await exactly(stream, length);
  let message: unknown;
  try {
    message = decode(new Uint8Array(bytes), STRICT);
  } catch (error) {
    throw violation("a greeting that cannot be read", error);
  }
  if (v.is(refused, message)) throw failure("EACCES", `the other node refuses: ${message.refused}`);
  const checked = v.safeParse(shape, message, { abortEarly: true });
  if (checked.success) return checked.output;
  const issue = checked.issues[0];
  throw violation(`${v.getDotPath(issue) ?? "a greeting"}: ${issue.message}`);
}

function violation(why: string, cause?: unknown) {
  return failure("EPROTO", `the other side does not keep to the protocol between nodes: ${why}`, cause);
}

function exactly(stream: Duplex, count: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = () => stream.off("readable", look).off("close", gone).off("end", gone);
    const gone = () => {
      done();
      reject(failure("ECONNRESET", "the connection broke while the nodes greeted each other", stream.errored));
    };
    const look = () => {
      if (stream.destroyed) return gone();
      const bytes: unknown = stream.read(count);
      if (bytes === null) return;
      if (!(bytes instanceof Uint8Array) || bytes.length < count) return gone(); // the rest before its end
      done();
      resolve(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    };
    stream.on("readable", look).on("close", gone).on("end", gone);
    look();
  });
}
