/** The global `WebSocket` (WHATWG WebSockets), over a channel; and the events that it fires. */

import { FRAME_KINDS, type FrameKind, type SocketEnd, type SocketHead } from "../../abi/channel.ts";
import type { UrlRecord } from "../../abi/records.ts";
import { CLOSE_REASON_MAX_BYTES } from "../../limits.ts";
import { CloseEvent, ErrorEvent } from "./close-event.ts";
import { loadedPart, part, syscall, utf8Bytes } from "../core.ts";
import { utf8Text } from "./decoding.ts";
import { domString, requireArguments, sourceBytes, usvString } from "./idl.ts";

export { CloseEvent, ErrorEvent } from "./close-event.ts";

const { Event, EventTarget } = part("event");
const { MessageEvent } = part("ports");
type EventOf = InstanceType<typeof Event>;
const { closeChannel, openChannel, openFrame, receiveFrame, sendFrame } = part("fetch");

const STATES = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 } as const;
type State = (typeof STATES)[keyof typeof STATES];
const NO_CODE = 1005;
const ABNORMAL = 1006;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

type Handler = ((this: WebSocket, event: EventOf) => unknown) | null;
type HandledType = "open" | "message" | "error" | "close";

/** A socket of a server's. */
interface Served {
  readonly socket: WebSocket;
  /** It was granted, over this channel. */
  open(handle: number): void;
  /** It was not granted after all. */
  drop(error: unknown): void;
}

/** What the rest of this part may do. */
export const socketAccess = {} as { serve(url: UrlRecord, onOver: () => void): Served };
/** Keeps the constructor from opening what is a server's. */
const INTERNAL = Symbol("internal");

/** The global `WebSocket`. */
export class WebSocket extends EventTarget {
  readonly #url: UrlRecord;
  readonly #handlers = new Map<HandledType, Handler>();
  #handle = 0;
  #state: State = STATES.CONNECTING;
  #protocol = "";
  #extensions = "";
  #binaryType: "blob" | "arraybuffer" = "blob";
  #bufferedAmount = 0;
  /** What was not sent yet; one frame is on its way at a time, so that a slow server does not take up all calls. */
  readonly #outgoing: { readonly kind: FrameKind; readonly bytes: Uint8Array }[] = [];
  #sending = false;
  /** This side has said that it is over. */
  #hasSentEnd = false;
  /** Called when it is over. */
  #onOver: () => void = () => {};

  constructor(url: unknown, protocols: unknown = []) {
    requireArguments(arguments.length, 1, "WebSocket");
    super();
    const isServed = protocols === INTERNAL;
    this.#url = isServed ? (url as UrlRecord) : socketUrl(usvString(url));
    if (isServed) return;
    const offered = protocolList(protocols);
    void this.#run(() => openChannel({ kind: "socket", url: this.#url.href, protocols: offered }));
  }

  static {
    socketAccess.serve = (url, onOver) => {
      const socket = new WebSocket(url, INTERNAL);
      socket.#onOver = onOver;
      return {
        socket,
        open: (handle) => void socket.#run(() => handle),
        drop: (error) => socket.#fail(error),
      };
    };
    for (const [name, value] of Object.entries(STATES))
      for (const holder of [WebSocket, WebSocket.prototype])
        Object.defineProperty(holder, name, { value, enumerable: true });
  }

  get url(): string {
    return this.#url.href;
  }
  get readyState(): number {
    return this.#state;
  }
  get bufferedAmount(): number {
    return this.#bufferedAmount;
  }
  get extensions(): string {
    return this.#extensions;
  }
  get protocol(): string {
    return this.#protocol;
  }
  get binaryType(): string {
    return this.#binaryType;
  }
  set binaryType(type) {
    void this.#binaryType;
    // An enumeration: what is none of its values is ignored.
    if (type === "blob" || type === "arraybuffer") this.#binaryType = type;
  }

  get onopen(): Handler {
    return this.#handlers.get("open") ?? null;
  }
  set onopen(handler: unknown) {
    this.#setHandler("open", handler);
  }
  get onmessage(): Handler {
    return this.#handlers.get("message") ?? null;
  }
  set onmessage(handler: unknown) {
    this.#setHandler("message", handler);
  }
  get onerror(): Handler {
    return this.#handlers.get("error") ?? null;
  }
  set onerror(handler: unknown) {
    this.#setHandler("error", handler);
  }
  get onclose(): Handler {
    return this.#handlers.get("close") ?? null;
  }
  set onclose(handler: unknown) {
    this.#setHandler("close", handler);
  }

  /** A handler keeps its place among the listeners when it is replaced. */
  #setHandler(type: HandledType, handler: unknown): void {
    const isNew = !this.#handlers.has(type);
    this.#handlers.set(type, typeof handler === "function" ? (handler as Handler) : null);
    if (isNew) this.addEventListener(type, (event: EventOf) => this.#handlers.get(type)?.call(this, event));
  }

  send(data: unknown): void {
    requireArguments(arguments.length, 1, "WebSocket.send");
    const { kind, bytes } = frameOf(data);
    if (this.#state === STATES.CONNECTING)
      throw new DOMException("The WebSocket is not open yet: wait for its open event", "InvalidStateError");
    this.#bufferedAmount += bytes.length;
    if (this.#state === STATES.OPEN) this.#enqueue(kind, bytes);
  }

  close(code: unknown = undefined, reason: unknown = undefined): void {
    void this.#state;
    const number = code === undefined ? NO_CODE : closeCode(code);
    const text = reason === undefined ? "" : usvString(reason);
    if (utf8Bytes(text).length > CLOSE_REASON_MAX_BYTES)
      throw new DOMException(`A reason has at most ${CLOSE_REASON_MAX_BYTES} bytes of UTF-8`, "SyntaxError");
    if (this.#state !== STATES.CONNECTING && this.#state !== STATES.OPEN) return;
    this.#state = STATES.CLOSING;
    // A reason without a code cannot be sent.
    const end: SocketEnd =
      number === NO_CODE && text !== "" ? { code: 1000, reason: text } : { code: number, reason: text };
    this.#enqueue(FRAME_KINDS.end, utf8Bytes(JSON.stringify(end)));
  }

  // ---- Sending

  #enqueue(kind: FrameKind, bytes: Uint8Array): void {
    this.#outgoing.push({ kind, bytes });
    if (!this.#sending) void this.#send();
  }

  async #send(): Promise<void> {
    this.#sending = true;
    try {
      for (let frame = this.#outgoing.shift(); frame !== undefined; frame = this.#outgoing.shift()) {
        await sendFrame(this.#handle, frame.kind, frame.bytes);
        if (frame.kind !== FRAME_KINDS.end) this.#bufferedAmount -= frame.bytes.length;
        else this.#hasSentEnd = true;
      }
    } catch (error) {
      // What breaks the channel is told by what is received; a frame that is refused ends it here.
      this.#outgoing.length = 0;
      if (this.#state === STATES.OPEN) this.#fail(error);
    }
    this.#sending = false;
  }

  // ---- Receiving

  /** The first frame. What fails at once is told later too, when the program has had the time to listen. */
  async #open(channel: () => number): Promise<Uint8Array> {
    this.#handle = channel();
    return receiveFrame(this.#handle);
  }

  async #run(channel: () => number): Promise<void> {
    try {
      this.#opened(openFrame<SocketHead>(await this.#open(channel)).head);
      for (;;) {
        const frame = await receiveFrame(this.#handle);
        if (frame[0] === FRAME_KINDS.end) return this.#ended(JSON.parse(utf8Text(frame.subarray(1))) as SocketEnd);
        this.#received(frame);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #opened({ protocol, extensions }: SocketHead): void {
    if (this.#state !== STATES.CONNECTING) return;
    this.#state = STATES.OPEN;
    this.#protocol = protocol;
    this.#extensions = extensions;
    this.dispatchEvent(new Event("open"));
  }

  #received(frame: Uint8Array): void {
    if (this.#state !== STATES.OPEN) return;
    const bytes = frame.slice(1);
    const isText = frame[0] === FRAME_KINDS.text;
    const binary = (): unknown => (this.#binaryType === "blob" ? part("blob").blobOf(bytes, "") : bytes.buffer);
    const data = isText ? utf8Text(bytes) : binary();
    this.dispatchEvent(new MessageEvent("message", { data, origin: this.#url.origin }));
  }

  /** The other side has said that it is over, or agrees. */
  #ended({ code, reason }: SocketEnd): void {
    // When both sides have said it, the channel has closed by itself, and its handle may be another's by now.
    if (!this.#hasSentEnd) closeChannel(this.#handle);
    this.#finish(true, code, reason);
  }

  #fail(error: unknown): void {
    if (this.#state === STATES.CLOSED) return;
    if (this.#handle !== 0) closeChannel(this.#handle);
    this.#state = STATES.CLOSED;
    const message = error instanceof Error ? error.message : String(error);
    this.dispatchEvent(new ErrorEvent("error", { error, message }));
    this.#finish(false, ABNORMAL, "");
  }

  #finish(wasClean: boolean, code: number, reason: string): void {
    this.#state = STATES.CLOSED;
    this.#onOver();
    this.dispatchEvent(new CloseEvent("close", { wasClean, code, reason }));
  }
}

function socketUrl(text: string): UrlRecord {
  const record = syscall("urlParse", text.replace(/^\s*http(s?):/i, "ws$1:"), "") as UrlRecord | null;
  const isSocket = record?.protocol === "ws:" || record?.protocol === "wss:";
  if (record === null || !isSocket || record.href.includes("#"))
    throw new DOMException(
      `"${text}" is no URL of a WebSocket: it begins with ws: or wss:, and has no fragment`,
      "SyntaxError",
    );
  return record;
}

function protocolList(given: unknown): string[] {
  const isSequence = typeof given === "object" && given !== null && Symbol.iterator in given;
  const list = isSequence ? [...(given as Iterable<unknown>)].map(domString) : [domString(given)];
  const distinct = new Set(list.map((protocol) => protocol.toLowerCase()));
  if (distinct.size < list.length || !list.every((protocol) => TOKEN.test(protocol)))
    throw new DOMException("A protocol is a token, and is offered once", "SyntaxError");
  return list;
}

function closeCode(value: unknown): number {
  const code = Math.round(Number(value));
  if (code === 1000 || (code >= 3000 && code <= 4999)) return code;
  throw new DOMException(
    `A WebSocket is closed with 1000 or with a code from 3000 to 4999, not ${code}`,
    "InvalidAccessError",
  );
}

function frameOf(data: unknown): { kind: FrameKind; bytes: Uint8Array } {
  const bytes = sourceBytes(data);
  if (bytes !== undefined) return { kind: FRAME_KINDS.data, bytes: bytes.slice() };
  const blob = loadedPart("blob");
  if (blob?.isBlob(data) === true) return { kind: FRAME_KINDS.data, bytes: blob.blobBytes(data) };
  return { kind: FRAME_KINDS.text, bytes: utf8Bytes(usvString(data)) };
}
