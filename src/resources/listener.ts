/**
 * The channel kinds `listener` and `exchange`: an HTTP/1.1 server of the node's, whose requests go to the processes that
 * accept at its address. Parsing is Node's own (`node:http`), in its strict form.
 */

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";

import { FRAME_KINDS } from "../abi/channel.ts";
import {
  BODY_IDLE_TIMEOUT_MS,
  EXCHANGES_MAX,
  MEMBERS_WAIT_MS,
  REQUEST_HEAD_TIMEOUT_MS,
  WHOLE_BODY_MAX_BYTES,
} from "../limits.ts";
import { closeAddress, type Entrance, entranceOf, httpEntranceOf } from "./entrance.ts";
import { Exchange } from "./exchange.ts";
import { jsonFrame, wholeFrame } from "./frame.ts";
import type { Driver, Line } from "./line.ts";
import { type Listening, listening, type Participation, type Place } from "./listening.ts";
import { httpServer, type Patience } from "./http-server.ts";
import { streamOf } from "./http-stream.ts";
import { Pipelines } from "./pipelines.ts";
import { requestHead } from "./request-head.ts";
import { type Opening, SharedAddresses } from "./shared-address.ts";

/** Makes a new exchange's channel, given its first frame and what drives it. */
export type Acceptor = (frame: Parameters<Line["push"]>[0], drive: (line: Line) => Driver) => void;

/** One process that accepts at an address, or holds it for those that do. */
interface Member {
  readonly accept: Acceptor;
  readonly exchangesMax: number;
  /** For how many it holds the address; 0 when it accepts itself. */
  readonly holdsFor: number;
  /** Exchanges that it has not ended. */
  open: number;
}

/** A request that came while the address was held and nobody accepted there. */
interface Waiting {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly timer: NodeJS.Timeout;
}

export interface Membership extends Participation {
  /** Exchanges that it has at once; others are told to come again. */
  readonly exchangesMax?: number;
  /** It keeps the address for so many others, and accepts nothing. */
  readonly holdsFor?: number | undefined;
}

export type { Patience } from "./http-server.ts";
const PATIENCE: Patience = { headTimeoutMs: REQUEST_HEAD_TIMEOUT_MS, idleMaxMs: BODY_IDLE_TIMEOUT_MS };

/** An address that is listened on, by one process or by several in turn. */
class Listener implements Opening<Member> {
  readonly #server: Server;
  readonly #patience: Patience;
  readonly #members = new Set<Member>();
  /** Connections that are closed after a refusal. What else came on them is not served: it may be no request at all. */
  readonly #refused = new WeakSet<Socket>();
  /** Connections of HTTP/2. */
  readonly #sessions = new Set<ServerHttp2Session>();
  /** At most EXCHANGES_MAX. */
  readonly #waiting = new Set<Waiting>();
  /** Those for whom the address is held were all here, or have been waited for long enough. */
  #isManned = true;
  readonly #pipelines: Pipelines;
  #isRetiring = false;
  /** Resolves to the address that it has, once it listens. */
  readonly ready: Promise<string>;

  /** Whether its connections may be somebody's who still gives them to others. */
  readonly #isGated: boolean;
  /** Where connections go in that did not come by its address. */
  readonly entrance: Entrance;

  /** @param place where it listens; without it, connections are brought to it. */
  constructor(place: Place | undefined, patience: Patience, { credentials, gate, open }: Membership) {
    this.#patience = patience;
    this.#isGated = gate !== undefined && credentials === undefined;
    this.#server = httpServer(patience, credentials, (request, response) => this.#serve(request, response));
    this.#pipelines = new Pipelines(this.#server);
    this.#server.on("session", (session: ServerHttp2Session) => {
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
    });
    this.entrance =
      credentials === undefined ? httpEntranceOf(this.#server, this.#pipelines, gate) : entranceOf(this.#server, gate);
    if (place !== undefined) this.ready = listening(this.#server, place.host, place.port, open);
    else {
      // As when it listens, it looks after clients that are slow from now on.
      this.#server.emit("listening");
      this.ready = Promise.resolve("");
    }
  }

  get size(): number {
    return this.#members.size;
  }

  add(member: Member): void {
    const { holdsFor } = member;
    this.#members.add(member);
    if (holdsFor > 0 && this.#next() === undefined) {
      this.#isManned = false;
      setTimeout(() => this.#man(), MEMBERS_WAIT_MS).unref();
    }
    const expected = Math.max(...[...this.#members].map((one) => one.holdsFor));
    if (holdsFor === 0 && (this.#isManned || this.#members.size > expected)) this.#man();
  }

  /** Requests are not kept waiting any longer, unless there is nobody at all. */
  #man(): void {
    this.#isManned = true;
    if (this.#next() === undefined) return;
    for (const { request, response } of this.#waited()) this.#serve(request, response);
  }

  remove(member: Member): void {
    this.#members.delete(member);
  }

  /** Takes out all that wait. */
  #waited(): Waiting[] {
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (const { timer } of all) clearTimeout(timer);
    return all.filter(({ response }) => !response.destroyed);
  }

  #wait(request: IncomingMessage, response: ServerResponse): void {
    const late = () => {
      this.#waiting.delete(one);
      this.#refuse(request, response, 503, "no process was there to answer");
    };
    const one = { request, response, timer: setTimeout(late, this.#patience.headTimeoutMs) };
    this.#waiting.add(one);
  }

  stop(): void {
    for (const { request, response } of this.#waited()) this.#refuse(request, response, 503, "the server has stopped");
    // What is under way on them is over first.
    for (const session of this.#sessions) session.close();
    if (this.#isGated) return closeAddress(this.#server);
    this.#server.close();
    this.#server.closeIdleConnections?.();
  }

  retire(): Promise<void> {
    this.#isRetiring = true;
    for (const session of this.#sessions) session.close();
    // The own `close` of a server of HTTP/1.1 ends connections that are idle just now, while requests may be on their way.
    return new Promise((resolve) => closeAddress(this.#server, resolve));
  }

  /** A client that has asked for nothing else is told to come by another connection next time. */
  #dismiss(socket: Socket, response: ServerResponse): void {
    if (this.#isRetiring && this.#pipelines.size(socket) === 1 && !response.headersSent)
      response.shouldKeepAlive = false;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    if (this.#refused.has(request.socket)) return;
    const member = this.#next();
    const isHeld = (member === undefined || !this.#isManned) && [...this.#members].some((one) => one.holdsFor > 0);
    if (isHeld && this.#waiting.size < EXCHANGES_MAX) return this.#wait(request, response);
    if (member === undefined || member.open >= member.exchangesMax)
      return this.#refuse(request, response, 503, "too many requests at once");
    const checked = requestHead(request);
    if ("why" in checked) return this.#refuse(request, response, checked.status, checked.why);
    // The parser goes no further after a request that asks for another protocol, whatever becomes of that.
    if (request.headers.upgrade !== undefined) response.shouldKeepAlive = false;
    const { head, length = Infinity } = checked;
    this.#chosen(member);
    const { socket } = request;
    response.once("close", () => member.open--);
    // What was sent along with it is known then.
    if (this.#isRetiring) setImmediate(() => this.#dismiss(socket, response));
    const exchange = (line: Line) => new Exchange(request, response, line, this.#patience.idleMaxMs);
    if (!head.hasBody) member.accept(wholeFrame(head, new Uint8Array(0)), exchange);
    else if (length > WHOLE_BODY_MAX_BYTES)
      member.accept(jsonFrame(FRAME_KINDS.head, head), (line) => exchange(line).streaming());
    else void this.#whole(request, response, (body) => member.accept(wholeFrame(head, body), exchange));
  }

  /** Waits for a short body, so that it goes with its head. A client that leaves meanwhile was never there. */
  async #whole(request: IncomingMessage, response: ServerResponse, accept: (body: Buffer) => void): Promise<void> {
    const late = () => this.#refuse(request, response, 408, "the request's body did not come in time");
    const timer = setTimeout(late, this.#patience.headTimeoutMs);
    try {
      const pieces: Buffer[] = [];
      for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
      if (!response.headersSent) accept(Buffer.concat(pieces));
    } catch {
      response.destroy();
    } finally {
      clearTimeout(timer);
    }
  }

  #refuse(request: IncomingMessage, response: ServerResponse, status: number, why: string): void {
    if (streamOf(request) === undefined) this.#refused.add(request.socket);
    const body = Buffer.from(`${why}\n`);
    response.writeHead(status, {
      "content-type": "text/plain; charset=utf-8",
      "content-length": body.length,
      ...(streamOf(request) === undefined ? { connection: "close" } : {}),
      ...(status === 503 ? { "retry-after": "1" } : {}),
    });
    response.end(body);
  }

  /** The least busy; of several, each in its turn. */
  #next(): Member | undefined {
    let least: Member | undefined;
    for (const member of this.#members)
      if (member.holdsFor === 0 && (least === undefined || member.open < least.open)) least = member;
    return least;
  }

  /** Behind the others that are as busy. */
  #chosen(member: Member): void {
    member.open++;
    if (this.#members.delete(member)) this.#members.add(member);
  }
}

/** A server without an address, to which connections are brought. @throws GodwitError EINVAL for credentials that are none. */
export function unlistened(
  accept: Acceptor,
  membership: Membership,
  patience = PATIENCE,
): Entrance & { close(): void } {
  const { exchangesMax = EXCHANGES_MAX } = membership;
  const listener = new Listener(undefined, patience, membership);
  listener.add({ accept, exchangesMax, holdsFor: 0, open: 0 });
  return { ...listener.entrance, close: () => listener.stop() };
}

/** The addresses that a node listens on for its processes. */
export class Listeners {
  readonly #addresses = new SharedAddresses<Member, Listener>();
  readonly #patience: Patience;

  constructor(patience = PATIENCE) {
    this.#patience = patience;
  }

  /** Accepts at `address` for one more process. Throws EADDRINUSE, EADDRNOTAVAIL, EACCES, EINVAL. */
  async join(address: string, line: Line, accept: Acceptor, membership: Membership = {}): Promise<Listening> {
    const { exchangesMax = EXCHANGES_MAX, holdsFor = 0 } = membership;
    const member = { accept, exchangesMax, holdsFor, open: 0 };
    const open = (host: string, port: number) => new Listener({ host, port }, this.#patience, membership);
    const { opening, close } = await this.#addresses.join(address, line, member, open, membership.listening);
    return { take: () => {}, resume: () => {}, close, retire: () => opening.retire().then(close) };
  }
}
