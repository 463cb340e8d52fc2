/** One exchange of a server: its request, the handler's answer to it, and what becomes of both when the client is gone. */

import { type ExchangeHead, FRAME_KINDS, type ResponseHead } from "../../abi/channel.ts";
import { FRAME_MAX_BYTES } from "../../limits.ts";
import { currentTid, hasCode, loadedPart, part, reportError, syscall, syscallThen, utf8Bytes } from "../core.ts";
import type { Content, Inflow } from "./body.ts";
import type { AbortController, AbortSignal } from "./event-target.ts";
import type { Request } from "./request.ts";
import type { ResponseState, Upgrading } from "./response.ts";
import type { ServeContext, ServeHandler, ServeOptions } from "./serve.ts";

const library = part("fetch");
const { Body, callOnceThereIsRoom, ChannelInflow, closeChannel, headerAccess, isInflow, openFrame, requestAccess } =
  library;
const { Response, responseAccess, sendBody, sendFrame, wholeFrame } = library;

/** UTF-8 of a UTF-16 unit has at most so many bytes. */
const UNIT_MAX_BYTES = 3;
const EVENT_LOOP_TID = 1;

type OnError = ServeOptions["onError"];

export class Exchange implements ServeContext {
  readonly #handle: number;
  readonly #onOver: () => void;
  /** The response, and what is waited for after it. */
  #unfinished = 1;
  #request: Request | undefined;
  #onError: OnError;
  #abort: AbortController | undefined;
  /** The stream that is being sent. */
  #sending: Inflow | undefined;
  #watching = false;
  #gone = false;
  #isLeft = false;
  #isSent = false;
  /** By which its client's leaving is told out of band; 0 when it is not. */
  #token = 0;
  readonly props = {};

  constructor(handle: number, onOver: () => void) {
    this.#handle = handle;
    this.#onOver = onOver;
  }

  /** Answers the request, now or later. Never throws. */
  run(handler: ServeHandler, environment: Record<string, string>, onError: OnError): void {
    this.#onError = onError;
    let request: Request;
    try {
      request = this.#receive();
    } catch {
      // The client left before anybody looked.
      return this.#drop();
    }
    this.#request = request;
    if (loadedPart("urgent")?.isAwaited() === true) this.#watchUrgently();
    this.#answer(() => handler(request, environment, this));
  }

  #answer(ask: () => unknown): void {
    try {
      const answer = ask();
      if (isThenable(answer)) answer.then(this.#respond, this.#fail);
      else this.#respond(answer);
    } catch (error) {
      this.#fail(error);
    }
  }

  waitUntil(work: Promise<unknown>): void {
    this.#unfinished++;
    Promise.resolve(work)
      .catch((error: unknown) => reportError(error, `in waitUntil of ${this.#name}: `))
      .finally(() => this.#finished());
  }

  passThroughOnException(): void {}

  get #name(): string {
    return `${this.#request?.method ?? ""} ${this.#request?.url ?? ""}`;
  }

  #receive(): Request {
    const { head, body } = openFrame<ExchangeHead>(syscall("channelReceive", this.#handle, -1));
    const hasBody = head.hasBody && head.method !== "GET" && head.method !== "HEAD";
    const content = body ?? new ChannelInflow(this.#handle, { failed: (error) => this.#cutOff(error), done: () => {} });
    return requestAccess.make({
      method: head.method,
      url: head.url,
      headers: head.headers,
      body: hasBody ? Body.of(content) : null,
      follows: () => this.#signal(),
    });
  }

  /** The request's body comes to no end: the client is gone, or this process has no room for it, which is its own error. */
  #cutOff(cause: unknown): unknown {
    this.#gone ||= !hasCode(cause, "ENOMEM") && !hasCode(cause, "EAGAIN");
    return this.#abort?.signal.aborted === true ? this.#abort.signal.reason : new TypeError("terminated", { cause });
  }

  #signal(): AbortSignal {
    this.#abort ??= new (part("event").AbortController)();
    this.#watchUrgently();
    return this.#abort.signal;
  }

  /** The handler may be in a loop when the client leaves. */
  #watchUrgently(): void {
    if (this.#token !== 0 || this.#isSent) return;
    try {
      this.#token = part("urgent").watchChannel(this.#handle, this.#left, this.#request);
    } catch {
      // The response is on its way: nobody is to be told any more.
    }
  }

  /** Waits for the client to leave before the response is whole. */
  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    syscallThen("channelBroken", [this.#handle], this.#left, () => {});
  }

  readonly #left = (why: string): void => {
    if (why === "" || this.#isLeft) return;
    this.#isLeft = true;
    this.#gone = true;
    const reason = new DOMException(`The client is gone: ${why}`, "AbortError");
    this.#abort?.abort(reason);
    void this.#sending?.cancel(reason);
  };

  // Called with whatever a handler returned.
  readonly #respond = (answer: unknown): void => {
    try {
      this.#send(this.#stateOf(answer));
    } catch (error) {
      this.#fail(error);
    }
  };

  #stateOf(answer: unknown): ResponseState {
    if (typeof answer !== "object" || answer === null || !responseAccess.isResponse(answer))
      throw refusal(`a handler must return a Response, not ${describe(answer)}`);
    const state = responseAccess.state(answer);
    if (state.type === "error") throw refusal("a handler returned Response.error()");
    if (state.body?.unusable === true)
      throw refusal("a handler returned a Response whose body was read already, or is being read");
    return state;
  }

  /** The handler's own way to answer for an error comes first, once. */
  readonly #fail = (error: unknown): void => {
    const onError = this.#onError;
    const request = this.#request;
    this.#onError = undefined;
    if (onError === undefined || request === undefined) this.#failWith(error);
    else this.#answer(() => onError(error, request));
  };

  #failWith(error: unknown): void {
    if (!this.#gone) reportError(error, `${this.#name}: `);
    // The process has too much in hand just now, and may have less soon.
    const isBusy = hasCode(error, "EAGAIN");
    const fields = { "content-type": "text/plain;charset=UTF-8", ...(isBusy && { "retry-after": "1" }) };
    const { headers } = new Response("", { headers: fields });
    const body = Body.of(isBusy ? "Service Unavailable" : "Internal Server Error");
    this.#send({ ...responseAccess.state(new Response()), status: isBusy ? 503 : 500, headers, body });
  }

  #send(state: ResponseState): void {
    const { status, statusText, headers, body, upgrade } = state;
    if (upgrade !== undefined) return this.#upgrade(upgrade);
    const own = Array.isArray(headers) ? headers : headerAccess.list(headers as never);
    const list = [...own, ...this.#cookies()];
    const head: ResponseHead = { status, statusText, headers: list };
    const headText = JSON.stringify(head);
    let content: Content = "";
    if (body !== null && this.#request?.method === "HEAD") body.cancel(undefined);
    else if (body !== null) content = body.take();
    if (isInflow(content) || headText.length + content.length > FRAME_MAX_BYTES / UNIT_MAX_BYTES)
      return void this.#sendParts(utf8Bytes(headText), content);
    this.#sendWhole(wholeFrame(headText, content));
  }

  #cookies(): [name: string, value: string][] {
    const sessions = loadedPart("session");
    if (sessions === undefined || this.#request === undefined) return [];
    return sessions.cookiesOf(this.#request).map((field) => ["set-cookie", field]);
  }

  /** A thread waits for room itself: the event loop may be busy with other things, or blocked. */
  #sendWhole(whole: Uint8Array): void {
    if (currentTid() === EVENT_LOOP_TID)
      return callOnceThereIsRoom("channelSend", [this.#handle, FRAME_KINDS.whole, whole], this.#sent, this.#drop);
    try {
      syscall("channelSend", this.#handle, FRAME_KINDS.whole, whole);
    } catch {
      return this.#drop();
    }
    this.#sent();
  }

  /** The channel goes on as a WebSocket's. */
  #upgrade(upgrade: Upgrading): void {
    const granted = (): void => {
      upgrade.open(this.#handle);
      this.#sent();
    };
    const refused = (error: unknown): void => {
      upgrade.drop(error);
      this.#drop();
    };
    const head = utf8Bytes(JSON.stringify(upgrade.head));
    syscallThen("channelSend", [this.#handle, FRAME_KINDS.upgrade, head], granted, refused);
  }

  /** Head, data as fast as the client takes it, end. */
  async #sendParts(head: Uint8Array, content: Content): Promise<void> {
    if (isInflow(content)) {
      this.#sending = content;
      this.#watch();
    }
    try {
      await sendFrame(this.#handle, FRAME_KINDS.head, head);
      await sendBody(this.#handle, this.#sending === undefined ? content : this.#reported(this.#sending));
      this.#sent();
    } catch (error) {
      this.#gone = true;
      this.#drop();
      await Promise.resolve(this.#sending?.cancel(error)).catch(() => {});
    }
  }

  /** A stream that fails is an error of the program's, which nobody else will tell of. */
  #reported(content: Inflow): Inflow {
    const next = async (): Promise<Uint8Array | undefined> => {
      try {
        return await content.next();
      } catch (error) {
        if (!this.#gone) reportError(error, `the response to ${this.#name}: `);
        throw error;
      }
    };
    return { next, cancel: (reason) => content.cancel(reason) };
  }

  /** The response cannot be sent, or not to its end: the node breaks the connection. */
  readonly #drop = (): void => {
    closeChannel(this.#handle);
    this.#sent();
  };

  /** The response is whole, or comes to no end. */
  readonly #sent = (): void => {
    this.#isSent = true;
    if (this.#token !== 0) part("urgent").forgetChannel(this.#token);
    this.#finished();
  };

  readonly #finished = (): void => {
    if (--this.#unfinished === 0) this.#onOver();
  };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" && value !== null && typeof (value as Partial<PromiseLike<unknown>>).then === "function"
  );
}

/** An answer that is none: where it was noticed says nothing to anybody. */
function refusal(message: string): TypeError {
  return Object.assign(new TypeError(message), { stack: "" });
}

function describe(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return `a ${String((value.constructor as { name?: unknown } | undefined)?.name ?? "object")}`;
}
