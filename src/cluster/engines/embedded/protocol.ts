/**
 * What the embedded engine's server and its clients say to each other over a unix socket: frames of a length (uint32,
 * big-endian) and that many bytes of CBOR. A client begins with `hello`; the server answers with `welcome`, or `refused`.
 * Then calls carry ids of the client's choice, and so do watches, served subjects and subscriptions, until `stop`.
 */

import { decode, encode } from "cborg";
import * as v from "valibot";
import { failure } from "../../../errors.ts";
import { CLUSTER_MESSAGE_MAX_BYTES, CLUSTER_PATH_MAX_BYTES, DIRECTORY_VALUE_MAX_BYTES } from "../../../limits.ts";

export const PROTOCOL = "godwit-cluster";
export const PROTOCOL_VERSION = 1;

/** Room in paths for the prefixes of rooms. */
const PATH_MAX_BYTES = CLUSTER_PATH_MAX_BYTES + 64;
/** A message's body, its subject and the few fields around them. */
const FRAME_MAX_BYTES = CLUSTER_MESSAGE_MAX_BYTES + PATH_MAX_BYTES + 4096;
const HEADER_BYTES = 4;

const id = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const revision = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const path = v.pipe(v.string(), v.maxBytes(PATH_MAX_BYTES));
const bytes = (maxBytes: number) =>
  v.custom<Uint8Array>((input) => input instanceof Uint8Array && input.length <= maxBytes, `at most ${maxBytes} bytes`);
const body = bytes(CLUSTER_MESSAGE_MAX_BYTES);
const value = bytes(DIRECTORY_VALUE_MAX_BYTES);
const text = v.pipe(v.string(), v.maxLength(8192));

const message = <T extends string, E extends v.ObjectEntries>(type: T, entries: E) =>
  v.strictObject({ type: v.literal(type), ...entries });

const CLIENT_MESSAGE = v.variant("type", [
  message("hello", { protocol: v.string(), version: v.number() }),
  message("get", { id, key: path }),
  /** `revision`: what the key's entry must have, 0 for none; `value`: null to delete; `mark`: the same when tried again. */
  message("write", { id, key: path, value: v.nullable(value), revision, mark: v.pipe(v.string(), v.maxLength(64)) }),
  message("watch", { id, prefix: path }),
  message("serve", { id, subject: path }),
  message("subscribe", { id, pattern: path }),
  /** The end of a watch, a served subject, a subscription, or of the interest in a request's reply. */
  message("stop", { id }),
  message("request", { id, subject: path, body }),
  message("reply", { id, body }),
  message("refuse", { id, code: text, message: text }),
  message("publish", { subject: path, body }),
]);
export type ClientMessage = v.InferOutput<typeof CLIENT_MESSAGE>;

const SERVER_MESSAGE = v.variant("type", [
  message("welcome", { version: v.number(), blobs: v.string() }),
  message("refused", { message: text }),
  /** A call's outcome; which fields there are depends on the call. */
  message("done", { id }),
  message("entry", { id, value: v.nullable(value), revision }),
  message("written", { id, revision }),
  message("reply", { id, body }),
  message("failed", { id, code: text, message: text }),
  /** Of a watch: the whole state begins to be told, an entry, a deletion and its revision, the state has been told. */
  message("begin", { id }),
  message("put", { id, key: path, value, revision }),
  message("gone", { id, key: path, revision }),
  message("current", { id }),
  /** A request for the served subject `service`; the client replies with `id`, or refuses. */
  message("ask", { id, service: id, subject: path, body }),
  message("event", { id, subject: path, body }),
]);
export type ServerMessage = v.InferOutput<typeof SERVER_MESSAGE>;

export function encodeFrame(message: ClientMessage | ServerMessage): Uint8Array {
  const payload = encode(message);
  const frame = new Uint8Array(HEADER_BYTES + payload.length);
  new DataView(frame.buffer).setUint32(0, payload.length);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

const STRICT = {
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: false,
  strict: true,
  rejectDuplicateMapKeys: true,
};

function violation(why: string, cause?: unknown) {
  return failure("EPROTO", `the other side of the cluster's socket does not keep to the protocol: ${why}`, cause);
}

/** Cuts a byte stream into frames, however it was split on its way. */
class FrameReader<M> {
  readonly #schema: v.GenericSchema<unknown, M>;
  /** Less than a whole frame: bounded by a frame's largest size plus one chunk of the stream. */
  #chunks: Buffer[] = [];
  #sizeBytes = 0;
  /** Bytes that are needed before there is anything to do. */
  #wantedBytes = HEADER_BYTES;

  constructor(schema: v.GenericSchema<unknown, M>) {
    this.#schema = schema;
  }

  /** The messages that are complete with these bytes. @throws GodwitError EPROTO for what is no message. */
  *read(bytes: Buffer): Generator<M> {
    this.#chunks.push(bytes);
    this.#sizeBytes += bytes.length;
    if (this.#sizeBytes < this.#wantedBytes) return;
    let rest = Buffer.concat(this.#chunks);
    this.#wantedBytes = HEADER_BYTES;
    while (rest.length >= HEADER_BYTES) {
      const length = rest.readUInt32BE(0);
      if (length === 0 || length > FRAME_MAX_BYTES) throw violation(`a frame of ${length} bytes`);
      const end = HEADER_BYTES + length;
      this.#wantedBytes = end;
      if (rest.length < end) break;
      yield this.#message(rest.subarray(HEADER_BYTES, end));
      rest = rest.subarray(end);
      this.#wantedBytes = HEADER_BYTES;
    }
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#sizeBytes = rest.length;
  }

  #message(payload: Buffer): M {
    let decoded: unknown;
    try {
      // Not a Buffer: what is cut out of a Buffer shares its bytes, and would keep the whole chunk.
      decoded = decode(new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength), STRICT);
    } catch (error) {
      throw violation("a frame that cannot be read", error);
    }
    const result = v.safeParse(this.#schema, decoded, { abortEarly: true });
    if (result.success) return result.output;
    const issue = result.issues[0];
    throw violation(`${v.getDotPath(issue) ?? "a frame"}: ${issue.message}`);
  }
}

export const clientMessages = () => new FrameReader<ClientMessage>(CLIENT_MESSAGE);
export const serverMessages = () => new FrameReader<ServerMessage>(SERVER_MESSAGE);
