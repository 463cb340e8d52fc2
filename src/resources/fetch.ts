/**
 * The channel kind `fetch`: one HTTP/1.1 request of a process's own, and its answer. No redirect is followed: the process
 * asks again, so that every place is checked. Content codings are undone here; the fields that tell of them are left.
 */

import { Readable } from "node:stream";
import type { Dispatcher } from "undici";

import {
  CONNECTION_FIELDS,
  type FetchRequest,
  type Frame,
  FRAME_KINDS,
  type HeaderList,
  type ResponseHead,
} from "../abi/channel.ts";
import { failure } from "../errors.ts";
import { HEADERS_MAX, INTERIM_HEADS_MAX, SEND_BUFFER_BYTES } from "../limits.ts";
import { connectionFault } from "./connection-fault.ts";
import type { Connection } from "./connection-pool.ts";
import { CodingOffer, type Decoder } from "./content-coding.ts";
import { jsonFrame } from "./frame.ts";
import type { Driver, Line } from "./line.ts";
import { NetAccess } from "./net-access.ts";

/** They speak of a connection, which is ours, or frame the body, which we do: a request with its own would be two. */
const OWN_FIELDS = new Set([...CONNECTION_FIELDS, "content-length", "expect", "host", "http2-settings"]);

/**
 * Sends a request, and passes its answer on. `net` is what it may connect to: of a process, its `NetAccess`, which keeps
 * connections for its next request, and bounds what all of them take. Throws EACCES for a host that is not allowed; what
 * fails later breaks the line.
 */
export function openFetch(
  request: FetchRequest,
  body: Uint8Array,
  line: Line,
  net: readonly string[] | "all" | NetAccess,
): Driver {
  const access = net instanceof NetAccess ? net : new NetAccess(net, { keptMax: 0 });
  access.check(new URL(request.url));
  return new Fetch(request, body, line, access);
}

class Fetch implements Driver {
  readonly #line: Line;
  readonly #access: NetAccess;
  readonly #method: string;
  readonly #place: string;
  readonly #offer: CodingOffer;
  readonly #connection: Connection;
  readonly #upload: Upload | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #decoder: Decoder | undefined;
  #interimHeads = 0;
  /** The connection is still at this request. */
  #isOnWire = true;
  /** Nothing more is told to the line. */
  #isOver = false;

  constructor(request: FetchRequest, body: Uint8Array, line: Line, access: NetAccess) {
    const url = new URL(request.url);
    const fields = request.headers.filter(([name]) => !OWN_FIELDS.has(name.toLowerCase()));
    const asked = fields.find(([name]) => name.toLowerCase() === "accept-encoding");
    this.#line = line;
    this.#access = access;
    this.#method = request.method;
    this.#place = url.host;
    this.#upload = request.body === "stream" ? new Upload() : undefined;
    this.#offer = new CodingOffer(access.decoders, asked?.[1]);
    if (asked === undefined) fields.push(["accept-encoding", this.#offer.text]);
    this.#connection = access.pool.take(url);
    this.#connection.dispatch(
      {
        method: request.method,
        path: url.pathname + url.search,
        headers: fields.flat(),
        body:
          this.#upload ?? (request.body === "whole" ? Buffer.from(body.buffer, body.byteOffset, body.length) : null),
      },
      this.#handler(),
    );
  }

  // ---- Towards the process

  #handler(): Dispatcher.DispatchHandler {
    return {
      onRequestStart: (controller) => {
        this.#controller = controller;
      },
      onResponseStart: (controller, status, _headers, statusText) => {
        if (status >= 200) this.#head(status, statusText ?? "", controller);
        else if (++this.#interimHeads > INTERIM_HEADS_MAX)
          throw failure("EPROTO", `${this.#place} sent more than ${INTERIM_HEADS_MAX} heads before its answer`);
      },
      onResponseData: (controller, chunk) => {
        const goesOn = this.#decoder === undefined ? this.#data(chunk) : this.#decoder.write(chunk);
        if (!goesOn) controller.pause();
      },
      onResponseEnd: () => {
        this.#isOnWire = false;
        this.#access.pool.give(this.#connection);
        if (this.#decoder === undefined) this.#end();
        else this.#decoder.end();
      },
      onResponseError: (_controller, error) => this.#fail(error),
    };
  }

  #head(status: number, statusText: string, controller: Dispatcher.DispatchController): void {
    const headers = headerList(controller.rawHeaders);
    if (headers.length > HEADERS_MAX)
      throw failure(
        "EPROTO",
        `${this.#place} answered with ${headers.length} header fields; at most ${HEADERS_MAX} are taken`,
      );
    const coding = headers
      .filter(([name]) => name.toLowerCase() === "content-encoding")
      .map(([, value]) => value)
      .join(",");
    this.#decoder = this.#offer.decoder(this.#method === "HEAD" ? "" : coding, {
      data: (bytes) => this.#data(bytes),
      end: () => this.#end(),
      drained: () => controller.resume(),
      failed: (error) => this.#fail(error),
    });
    const head: ResponseHead = { status, statusText, headers };
    if (!this.#line.push(jsonFrame(FRAME_KINDS.head, head))) controller.pause();
  }

  /** Whether there may be more. */
  #data(bytes: Uint8Array): boolean {
    return bytes.length === 0 || this.#line.push({ kind: FRAME_KINDS.data, bytes });
  }

  #end(): void {
    this.#letGo();
    this.#line.push({ kind: FRAME_KINDS.end, bytes: new Uint8Array(0) });
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#letGo();
    const { code, message } = connectionFault(error, this.#place);
    this.#line.break(code, message);
  }

  // ---- Towards the server

  take({ kind, bytes }: Frame): void | Promise<void> {
    if (kind === FRAME_KINDS.end) return this.#upload?.finish();
    if (kind !== FRAME_KINDS.data || this.#upload === undefined)
      throw failure("EPROTO", "a request's channel takes the pieces of a streamed body, and nothing else");
    return this.#upload.add(bytes);
  }

  resume(): void {
    this.#decoder?.resume();
    if (this.#isOnWire && this.#decoder?.isFull !== true) this.#controller?.resume();
  }

  close(): void {
    if (!this.#isOver) this.#letGo();
  }

  /** The server may still be sending, or have answered before it had the whole request: then the connection is of no more use. */
  #letGo(): void {
    this.#isOver = true;
    this.#offer.release();
    this.#decoder?.close();
    if (this.#isOnWire) this.#connection.destroy();
    this.#isOnWire = false;
    this.#upload?.destroy();
  }
}

/** The body of a request, as its pieces come. */
class Upload extends Readable {
  #proceed = () => {};

  constructor() {
    super({ highWaterMark: SEND_BUFFER_BYTES });
    this.on("error", () => {}); // the request's failure is told by the request
  }

  /** Settles when there is room for more, at once when nobody reads any longer. */
  add(bytes: Uint8Array): void | Promise<void> {
    if (this.destroyed || bytes.length === 0 || this.push(bytes)) return;
    return new Promise((resolve) => (this.#proceed = resolve));
  }

  finish(): void {
    if (!this.destroyed) this.push(null);
  }

  override _read(): void {
    this.#proceed();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#proceed();
    callback(error);
  }
}

/** Names and values by turns, as bytes, which stand for the characters of the same numbers. */
function headerList(raw: Dispatcher.DispatchController["rawHeaders"]): HeaderList {
  if (!Array.isArray(raw)) return [];
  const texts = raw.map((bytes) => (typeof bytes === "string" ? bytes : bytes.toString("latin1")));
  return texts.flatMap((name, index) => (index % 2 === 0 ? [[name, texts[index + 1] ?? ""] as const] : []));
}
