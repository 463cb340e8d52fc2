/**
 * Bodies of requests and responses. What is in memory stays as it was given, and what comes from a channel stays there,
 * until somebody asks for a stream: most never do.
 */

import { joined, loadedPart, part, utf8Bytes } from "../core.ts";
import { utf8Text } from "./decoding.ts";
import type { Headers } from "./headers.ts";
import { sourceBytes, usvString } from "./idl.ts";
import { contentType, serialiseMime } from "./mime.ts";
import type { ReadableStream, ReadableStreamDefaultReader } from "web-streams-polyfill";

/** Bytes that come piece by piece. */
export interface Inflow {
  /** The next piece, which is the caller's; undefined at the end. Asked again only when the promise has settled. */
  next(): Promise<Uint8Array | undefined>;
  /** No more of it is wanted. */
  cancel(reason: unknown): Promise<void> | void;
}
/** Text is well-formed, and stands for its UTF-8. Bytes are not to be changed. */
export type Content = string | Uint8Array | Inflow;

export function isInflow(content: Content): content is Inflow {
  return typeof content === "object" && "next" in content;
}

/** Content that is in memory, as bytes that are not to be changed. */
export function contentBytes(content: string | Uint8Array): Uint8Array {
  return typeof content === "string" ? utf8Bytes(content) : content;
}

/** The bodies of streams that were made here. */
const bodies = new WeakMap<ReadableStream, Body>();

/** What a stream, if there is one, has not begun to hand out. */
interface Source {
  content: Content | undefined;
}

export class Body {
  #source: Source;
  #stream: ReadableStream | undefined;
  #used = false;

  private constructor(content: Content | undefined, stream: ReadableStream | undefined) {
    this.#source = { content };
    this.#stream = stream;
  }

  static of(content: Content): Body {
    return new Body(content, undefined);
  }

  /** Requests and responses that were given the same stream have the same body. */
  static ofStream(stream: ReadableStream): Body {
    return bodies.get(stream) ?? new Body(undefined, stream);
  }

  /** Whether it came as a stream and nothing but that. */
  get isStream(): boolean {
    const { content } = this.#source;
    return content === undefined || isInflow(content);
  }

  get stream(): ReadableStream {
    if (this.#stream !== undefined) return this.#stream;
    this.#stream = streamOf(this.#source);
    // It was read without a stream: it looks as if it had been read through one.
    if (this.#used) void this.#stream.getReader().cancel();
    else bodies.set(this.#stream, this);
    return this.#stream;
  }

  /** Whether something of it was read, or it was cancelled. */
  get used(): boolean {
    return this.#used || (this.#stream !== undefined && isDisturbed(this.#stream));
  }

  /** Whether it can no longer be read as a whole. */
  get unusable(): boolean {
    return this.used || this.#stream?.locked === true;
  }

  /** All of it, which from now on is the caller's. */
  take(): Content {
    this.#used = true;
    const { content } = this.#source;
    const stream = this.#stream;
    this.#source.content = undefined;
    if (stream === undefined) return content ?? "";
    const reader = stream.getReader();
    if (content === undefined) return new StreamInflow(reader);
    void reader.cancel();
    return content;
  }

  async bytes(): Promise<Uint8Array> {
    const content = this.take();
    if (typeof content === "string") return utf8Bytes(content);
    return content instanceof Uint8Array ? content.slice() : gathered(content);
  }

  /** What decodes to nothing but itself is not encoded first. */
  async text(): Promise<string> {
    const content = this.take();
    if (typeof content === "string") return withoutMark(content);
    return withoutMark(utf8Text(content instanceof Uint8Array ? content : await gathered(content)));
  }

  /** A second body with what this one holds. */
  clone(): Body {
    const { content } = this.#source;
    if (this.#stream === undefined && content !== undefined && !isInflow(content)) return Body.of(content);
    const [first, second] = this.stream.tee();
    this.#source = { content: undefined };
    this.#stream = first;
    bodies.set(first, this);
    return Body.ofStream(second);
  }

  /** Lets go of what was not read. */
  cancel(reason: unknown): void {
    if (this.unusable) return;
    const content = this.take();
    if (isInflow(content)) void content.cancel(reason);
  }
}

/** A stream that asks for nothing before somebody reads from it. */
function streamOf(source: Source): ReadableStream {
  const { ReadableStream } = part("streams");
  const bytes = {
    type: "bytes",
    pull: async (controller: ByteController) => {
      const piece = await nextPiece(source);
      if (piece !== undefined) controller.enqueue(piece);
      else {
        controller.close();
        controller.byobRequest?.respond(0);
      }
    },
    cancel: (reason: unknown) => {
      const { content } = source;
      source.content = undefined;
      return content !== undefined && isInflow(content) ? content.cancel(reason) : undefined;
    },
  };
  return new ReadableStream(bytes as never, { highWaterMark: 0 });
}

async function nextPiece(source: Source): Promise<Uint8Array | undefined> {
  const { content } = source;
  if (content === undefined) return undefined;
  if (isInflow(content)) return content.next();
  source.content = undefined;
  const bytes = typeof content === "string" ? utf8Bytes(content) : content.slice();
  return bytes.length === 0 ? undefined : bytes;
}

interface ByteController {
  enqueue(bytes: Uint8Array): void;
  close(): void;
  readonly byobRequest: { respond(sizeBytes: number): void } | null;
}

type Reader = ReadableStreamDefaultReader;

/** What a stream brings, which may be anything: chunks are not always bytes. */
class StreamInflow implements Inflow {
  readonly #reader: Reader;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  async next(): Promise<Uint8Array | undefined> {
    const { done, value } = (await this.#reader.read()) as { done: boolean; value: unknown };
    if (done) return undefined;
    if (value instanceof Uint8Array) return value;
    throw new TypeError(`a body is a stream of Uint8Array chunks, not of ${typeof value}s`);
  }

  cancel(reason: unknown): Promise<void> {
    return this.#reader.cancel(reason);
  }
}

async function gathered(inflow: Inflow): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (let piece = await inflow.next(); piece !== undefined; piece = await inflow.next()) pieces.push(piece);
  return pieces.length === 1 ? (pieces[0] ?? new Uint8Array(0)) : joined(pieces);
}

function withoutMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/** No public way tells whether something was read from a stream. */
function isDisturbed(stream: ReadableStream): boolean {
  return (stream as { readonly _disturbed?: boolean })._disturbed === true;
}

export interface Extracted {
  readonly body: Body;
  /** What Content-Type says unless the headers say something. */
  readonly type: string | undefined;
}

const TEXT_TYPE = "text/plain;charset=UTF-8";

/** A body of whatever a program gives as one, but null ("extract a body"). */
export function extractBody(given: unknown): Extracted {
  if (typeof given === "string") return inMemory(given.toWellFormed(), TEXT_TYPE);
  if (typeof given === "object" && given !== null) {
    const streams = loadedPart("streams");
    if (streams !== undefined && given instanceof streams.ReadableStream) {
      const body = Body.ofStream(given);
      if (body.unusable) throw new TypeError("Response body object should not be disturbed or locked");
      return { body, type: undefined };
    }
    const bytes = sourceBytes(given);
    if (bytes !== undefined) return inMemory(bytes.slice(), undefined);
    const url = loadedPart("url");
    if (url !== undefined && given instanceof url.URLSearchParams)
      return inMemory(String(given), "application/x-www-form-urlencoded;charset=UTF-8");
    const blob = loadedPart("blob");
    if (blob?.isBlob(given) === true)
      return inMemory(blob.blobBytes(given), given.type === "" ? undefined : given.type);
    const form = loadedPart("form");
    if (form !== undefined && given instanceof form.FormData) {
      const { body, contentType } = form.encodeForm(given);
      return inMemory(part("blob").blobBytes(body), contentType);
    }
  }
  return inMemory(usvString(given), TEXT_TYPE);
}

function inMemory(content: string | Uint8Array, type: string | undefined): Extracted {
  return { body: Body.of(content), type };
}

/** What requests and responses have in common. */
export interface BodyMixin {
  /** The body as a stream of bytes, or null when there is none. */
  readonly body: ReadableStream | null;
  /** Whether something of it was read. */
  readonly bodyUsed: boolean;
  text(): Promise<string>;
  json(): Promise<unknown>;
  bytes(): Promise<Uint8Array>;
  arrayBuffer(): Promise<ArrayBuffer>;
  blob(): Promise<object>;
  formData(): Promise<object>;
}

/** Where a request or response has what the mixin is about. Throws for what is neither. */
interface Holder {
  readonly body: Body | null;
  readonly headers: Headers;
}

/** Gives a class its part in the mixin. */
export function mixBody(prototype: object, holderOf: (self: never) => Holder): void {
  const holder = holderOf as (self: unknown) => Holder;
  const readable = (self: unknown): Body | null => {
    const { body } = holder(self);
    if (body?.unusable === true) throw new TypeError("Body is unusable: Body has already been read");
    return body;
  };
  const bytes = async (self: unknown): Promise<Uint8Array> => readable(self)?.bytes() ?? new Uint8Array(0);
  const text = async (self: unknown): Promise<string> => readable(self)?.text() ?? "";
  const mixin = {
    get body() {
      return holder(this).body?.stream ?? null;
    },
    get bodyUsed() {
      return holder(this).body?.used ?? false;
    },
    text() {
      return text(this);
    },
    async json() {
      return JSON.parse(await text(this)) as unknown;
    },
    bytes() {
      return bytes(this);
    },
    async arrayBuffer() {
      const { buffer, byteOffset, byteLength } = await bytes(this);
      return (
        byteLength === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + byteLength)
      ) as ArrayBuffer;
    },
    async blob() {
      const type = contentType(holder(this).headers.get("content-type"));
      return part("blob").blobOf(await bytes(this), type === undefined ? "" : serialiseMime(type).toLowerCase());
    },
    async formData() {
      const type = contentType(holder(this).headers.get("content-type"));
      return part("form").parseForm(await bytes(this), type === undefined ? "" : serialiseMime(type));
    },
  };
  Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(mixin));
}
