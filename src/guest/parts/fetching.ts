/** One fetch: its hops from redirect to redirect, and what may end it early. */

import { CONNECTION_FIELDS, type FetchRequest, type ResponseHead } from "../../abi/channel.ts";
import type { UrlRecord } from "../../abi/records.ts";
import { FETCH_REDIRECTS_MAX, IO_MAX_BYTES } from "../../limits.ts";
import { part, syscall } from "../core.ts";
import type { Body as BodyType, Content, Inflow } from "./body.ts";
import { dataOf } from "./data-url.ts";
import type { AbortSignal } from "./event-target.ts";
import type { Headers } from "./headers.ts";
import { verified } from "./integrity.ts";
import type { RequestState } from "./request.ts";
import type { Response } from "./response.ts";

const library = part("fetch");
const { Body, contentBytes, headerAccess, isInflow, NULL_BODY_STATUS, REDIRECT_STATUS, responseAccess } = library;
const { ChannelInflow, closeChannel, openChannel, openFrame, receiveFrame, sendBody } = library;

/** Of the connection, which is the host's: a browser leaves them out without a word too. */
const HOST_HEADERS = new Set([...CONNECTION_FIELDS, "content-length", "expect", "host"]);
/** What a request has unless it says otherwise. */
const USUAL_HEADERS = [
  ["accept", "*/*"],
  ["accept-language", "*"],
  ["user-agent", "godwit"],
] as const;
const BODY_HEADERS = ["content-encoding", "content-language", "content-location", "content-type"];
const ORIGIN_HEADERS = ["authorization", "cookie", "proxy-authorization"];

/** Bodies that were dropped unread: their connections end with them. */
const unread = new FinalizationRegistry<() => void>((close) => close());

type Pairs = readonly (readonly [name: string, value: string])[];

/** @throws `TypeError` "fetch failed" with its cause, or what the signal was aborted with. */
export function startFetching(request: RequestState, headers: Headers, signal?: AbortSignal): Promise<Response> {
  return new Fetching(request, headers, signal).run();
}

class Fetching {
  readonly #request: RequestState;
  readonly #signal: AbortSignal | undefined;
  #method: string;
  #headers: Pairs;
  /** What every hop sends; undefined for no body. */
  #content: Content | undefined;
  /** The hop's channel, or 0. */
  #handle = 0;
  #redirects = 0;
  /** Why the program's body could not be read. */
  #uploadFailure: { readonly error: unknown } | undefined;
  readonly #onAbort = (): void => this.#close();

  constructor(request: RequestState, headers: Headers, signal: AbortSignal | undefined) {
    this.#request = request;
    this.#signal = signal;
    this.#method = request.method;
    const given = headerAccess.list(headers).filter(([name]) => !HOST_HEADERS.has(name));
    const missing = USUAL_HEADERS.filter(([name]) => !headers.has(name));
    this.#headers = [...given, ...missing];
    this.#content = request.body?.take();
  }

  async run(): Promise<Response> {
    this.#signal?.addEventListener("abort", this.#onAbort);
    try {
      const response = await this.#follow();
      return this.#request.integrity === "" ? response : await verified(response, this.#request.integrity);
    } catch (error) {
      this.#close();
      throw this.#told(error, "fetch failed");
    }
  }

  /** What a program is told of an error. */
  #told(error: unknown, message: string): unknown {
    if (this.#signal?.aborted === true) return this.#signal.reason;
    return new TypeError(message, { cause: this.#uploadFailure === undefined ? error : this.#uploadFailure.error });
  }

  #close(): void {
    if (this.#handle !== 0) closeChannel(this.#handle);
    this.#handle = 0;
  }

  #abandon(): void {
    this.#forgetSignal();
    this.#close();
  }

  #forgetSignal(): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
  }

  async #follow(): Promise<Response> {
    for (let url = parsed(this.#request.url, undefined); ;) {
      if (url.protocol === "data:") return this.#local(url);
      if (url.protocol !== "http:" && url.protocol !== "https:") throw new Error(`unknown scheme: ${url.href}`);
      const { head, body } = await this.#hop(url);
      const location = REDIRECT_STATUS.includes(head.status) ? valueOf(head, "location") : undefined;
      if (location === undefined || this.#request.choices.redirect === "manual") return this.#response(url, head, body);
      if (body === undefined) this.#close();
      if (this.#request.choices.redirect === "error") throw new Error(`unexpected redirect to ${location}`);
      url = this.#redirected(url, location, head.status);
    }
  }

  #local(url: UrlRecord): Response {
    this.#forgetSignal();
    const data = dataOf(url.href);
    if (data === undefined) throw new Error("a malformed data: URL");
    const body = this.#method === "HEAD" ? null : Body.of(data.bytes);
    const head = { status: 200, statusText: "OK", headers: [["content-type", data.type]] } as const;
    return this.#make(url, head, body);
  }

  /** Makes one request; what comes back is its head, and its body if it is there already. */
  async #hop(url: UrlRecord): Promise<{ head: ResponseHead; body: Uint8Array | undefined }> {
    const content = this.#content;
    const bytes = content === undefined || isInflow(content) ? undefined : contentBytes(content);
    const whole = bytes !== undefined && bytes.length <= IO_MAX_BYTES ? bytes : undefined;
    const request: FetchRequest = {
      kind: "fetch",
      method: this.#method,
      url: withoutFragment(url),
      headers: this.#headers,
      body: content === undefined ? "none" : whole === undefined ? "stream" : "whole",
    };
    this.#handle = openChannel(request, whole);
    if (content !== undefined && whole === undefined) void this.#upload(this.#handle, bytes ?? content);
    const answer = openFrame<ResponseHead>(await receiveFrame(this.#handle));
    // What has come whole has closed its channel, whose handle may be another's by now.
    if (answer.body !== undefined) this.#handle = 0;
    return answer;
  }

  /** An error of the other side's is told by what is received. */
  async #upload(handle: number, content: Content): Promise<void> {
    const hop = this.#redirects;
    const isOver = () => this.#handle !== handle || this.#redirects !== hop;
    try {
      if (!isInflow(content)) return await sendBody(handle, content);
      await sendBody(handle, { next: () => this.#nextPiece(content, isOver), cancel: () => {} });
    } catch (error) {
      if (this.#uploadFailure !== undefined) this.#close();
      else if (isInflow(content)) await content.cancel(error);
    }
  }

  async #nextPiece(content: Inflow, isOver: () => boolean): Promise<Uint8Array | undefined> {
    let piece: Uint8Array | undefined;
    try {
      piece = await content.next();
    } catch (error) {
      this.#uploadFailure = { error };
      throw error;
    }
    if (isOver()) throw new Error("the answer came before all of the request was sent");
    return piece;
  }

  /** Where a redirect leads; the request changes as the standard says. */
  #redirected(from: UrlRecord, location: string, status: number): UrlRecord {
    const url = parsed(location, from.href);
    if (url.protocol !== "http:" && url.protocol !== "https:") throw new Error("URL scheme must be a HTTP(S) scheme");
    if (url.username !== "" || url.password !== "") throw new Error("a redirect to a URL with credentials");
    if (this.#redirects++ >= FETCH_REDIRECTS_MAX) throw new Error("redirect count exceeded");
    const content = this.#content;
    if (status !== 303 && content !== undefined && isInflow(content))
      throw new Error("a body that is a stream cannot be sent again, as the redirect asks");
    const becomesGet =
      ((status === 301 || status === 302) && this.#method === "POST") ||
      (status === 303 && this.#method !== "GET" && this.#method !== "HEAD");
    if (becomesGet) {
      this.#method = "GET";
      this.#content = undefined;
      this.#dropHeaders(BODY_HEADERS);
    }
    if (url.origin !== from.origin) this.#dropHeaders(ORIGIN_HEADERS);
    return url.hash === "" && from.hash !== "" ? parsed(from.hash, url.href) : url;
  }

  #dropHeaders(names: readonly string[]): void {
    this.#headers = this.#headers.filter(([name]) => !names.includes(name));
  }

  #response(url: UrlRecord, head: ResponseHead, whole: Uint8Array | undefined): Response {
    const hasBody = this.#method !== "HEAD" && !NULL_BODY_STATUS.includes(head.status);
    if (whole !== undefined || !hasBody) {
      this.#forgetSignal();
      if (whole === undefined) this.#close();
      return this.#make(url, head, hasBody && whole !== undefined ? Body.of(whole) : null);
    }
    const handle = this.#handle;
    const token = {};
    const inflow = new ChannelInflow(handle, {
      failed: (error) => this.#told(error, "terminated"),
      done: (isWhole) => {
        unread.unregister(token);
        this.#forgetSignal();
        if (isWhole) this.#handle = 0;
        else this.#close();
      },
    });
    unread.register(inflow, () => this.#abandon(), token);
    return this.#make(url, head, Body.of(inflow));
  }

  #make(url: UrlRecord, { status, statusText, headers }: ResponseHead, body: BodyType | null): Response {
    const redirected = this.#redirects > 0;
    return responseAccess.make({
      type: "basic",
      url: withoutFragment(url),
      redirected,
      status,
      statusText,
      headers,
      immutable: true,
      body,
    });
  }
}

function parsed(text: string, base: string | undefined): UrlRecord {
  const record = syscall("urlParse", text.toWellFormed(), base ?? "") as UrlRecord | null;
  if (record === null) throw new Error(`Failed to parse URL from ${text}`);
  return record;
}

function withoutFragment({ href, hash }: UrlRecord): string {
  const end = href.indexOf("#");
  return hash === "" && end < 0 ? href : href.slice(0, end < 0 ? href.length : end);
}

function valueOf({ headers }: ResponseHead, wanted: string): string | undefined {
  return headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
}
