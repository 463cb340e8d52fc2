/** A node's links to its peers: sessions, and streams of bytes beside them, over whatever way there is. */

import { randomBytes } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { Duplex } from "node:stream";
import * as v from "valibot";
import { GodwitError, failure } from "../errors.ts";
import { LINK_ATTEMPTS, LINK_CONNECT_TIMEOUT_MS, LINK_GREETINGS_MAX, LINK_STREAMS_MAX } from "../limits.ts";
import type { Engine } from "./engine.ts";
import type { Identity } from "./identity.ts";
import type { Link, LinkHandlers, Links } from "./link.ts";
import { Dialer } from "./link-dialer.ts";
import { FaultLog, type LinkFaults, reasonOf } from "./link-fault.ts";
import { type Purpose, greet, receive } from "./link-greeting.ts";
import { meet } from "./link-meeting.ts";
import { hear, refuse, say } from "./link-parley.ts";
import { Session } from "./link-session.ts";
import { THROUGH_ENGINE, Ways } from "./link-transport.ts";

export interface LinksOptions {
  readonly identity: Identity;
  /** Where to listen: `unix:PATH`, `tls:HOST:PORT` (port 0 for any), or `engine:`, for nowhere but through the engine. */
  readonly address: string;
  /** Where no direct connection can be opened, it carries one. It is closed after the links. */
  readonly engine?: Engine;
  /** The addresses of a peer, best first; nothing when it is not known. */
  readonly resolve: (peer: string) => readonly string[] | undefined | Promise<readonly string[] | undefined>;
  readonly handlers: LinkHandlers;
  readonly log: (line: string) => void;
}

export interface NodeLinks extends Links {
  /** Where this node can be reached, once it can. @throws GodwitError EADDRINUSE, EPERM, EINVAL. */
  readonly listening: Promise<string>;
  readonly faults: LinkFaults;
}

export function createLinks(options: LinksOptions): NodeLinks {
  return new LinkTable(options);
}

const streamHeader = v.strictObject({ header: v.unknown() });
const streamTaken = v.strictObject({ taken: v.literal(true) });

class LinkTable implements NodeLinks {
  readonly listening: Promise<string>;
  readonly #options: LinksOptions;
  readonly #name: string;
  readonly #faults: FaultLog;
  /** Names this run of the node: a session of an earlier one is over. */
  readonly #run = randomBytes(8).toString("hex");
  #lastSession = 0;
  readonly #sessions = new Map<string, Session>();
  readonly #dialers = new WeakMap<Session, Dialer>();
  /** Streams beside sessions, by peer. */
  readonly #streams = new Map<Duplex, string>();
  /** Connections that are being made. */
  readonly #greeting = new Set<Duplex>();
  readonly #closing = new AbortController();
  readonly #ways: Ways;

  constructor(options: LinksOptions) {
    this.#options = options;
    this.#name = options.identity.name;
    this.#faults = new FaultLog(options.log);
    setMaxListeners(0, this.#closing.signal); // one for each connection that is being made
    this.#ways = new Ways({
      identity: options.identity,
      run: this.#run,
      engine: options.engine,
      accept: (stream, certified) => void this.#accept(stream, certified),
      refused: (error) => this.#faults.add("refused", "a connection was not let in", error),
    });
    this.listening = this.#ways.listen(options.address);
    this.listening.catch(() => {}); // for who asks
  }

  get faults(): LinkFaults {
    return this.#faults.counts;
  }

  async to(peer: string): Promise<Link> {
    this.#assertOpen();
    const known = this.find(peer);
    if (known?.peerId !== undefined) return known; // It was open before, and will be again.
    await this.#addresses(peer);
    const session = this.find(peer) ?? this.begin(peer);
    void this.#dialer(session).start(true);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, LINK_CONNECT_TIMEOUT_MS)));
    await Promise.race([session.opened, session.lost, late]);
    clearTimeout(timer);
    if (session.peerId === undefined) session.end(unreachable(peer, "it does not answer"));
    if (session.isOver) throw await session.lost;
    return session;
  }

  async bulk(peer: string, header: unknown): Promise<Duplex> {
    this.#assertOpen();
    return this.#connect(peer, "stream", async (stream) => {
      say(stream, { header });
      await hear(stream, streamTaken);
      this.#track(stream, peer);
      return stream;
    });
  }

  drop(peer: string): void {
    const error = failure("ECONNRESET", `the session with node ${peer} is over: the node was declared dead`);
    this.find(peer)?.end(error);
    for (const [stream, to] of this.#streams) if (to === peer) stream.destroy(error);
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    for (const session of this.#sessions.values()) session.end(closed(), "after what was sent");
    for (const stream of [...this.#streams.keys(), ...this.#greeting]) stream.destroy();
    await this.listening.catch(() => {}); // for who asks
    await this.#ways.close();
  }

  // ---- Sessions, for those who meet

  find(peer: string): Session | undefined {
    const session = this.#sessions.get(peer);
    return session?.isOver === true ? undefined : session;
  }

  begin(peer: string): Session {
    const { handlers } = this.#options;
    const session = new Session(peer, `${this.#run}.${++this.#lastSession}`, {
      told: (link, kind, body) => handlers.told(link, kind, body),
      asked: (link, kind, body) => handlers.asked(link, kind, body),
      detached: (reason, wasOfUse) => {
        this.#faults.add("broken", `the connection with node ${peer} broke`, reason);
        void this.#dialer(session).start(wasOfUse);
      },
      fault: (what, error) => this.#faults.add("failed", what, error),
    });
    this.#sessions.set(peer, session);
    void session.lost.then(() => {
      if (this.#sessions.get(peer) === session) this.#sessions.delete(peer);
    });
    return session;
  }

  #dialer(session: Session): Dialer {
    const known = this.#dialers.get(session);
    if (known !== undefined) return known;
    let attempts = 0;
    const dial = async () => {
      try {
        await this.#connect(session.peer, "session", (stream) => meet(stream, this.#name, session.peer, this, session));
      } catch (error) {
        // One that was open once waits for its peer until that is declared dead.
        if (session.peerId !== undefined || isCanceled(error)) return;
        if (++attempts >= LINK_ATTEMPTS) session.end(error instanceof Error ? error : new Error(String(error)));
      }
    };
    const isNeeded = () => !session.isOver && !session.isAttached;
    const dialer = new Dialer({ isNeeded, dial, signal: this.#closing.signal });
    this.#dialers.set(session, dialer);
    return dialer;
  }

  // ---- Connections

  async #addresses(peer: string): Promise<readonly string[]> {
    if (peer === this.#name) throw failure("EINVAL", `node ${peer} is this one: it has no link to itself`);
    const addresses = await this.#options.resolve(peer);
    if (addresses === undefined || addresses.length === 0) throw unreachable(peer, "there is no such node");
    const isDirect = this.#options.engine === undefined || addresses.includes(THROUGH_ENGINE);
    return isDirect ? addresses : [...addresses, THROUGH_ENGINE];
  }

  /** Connects to a peer, by the first of its addresses by which it works, until `use` is done. @throws GodwitError ENONODE. */
  async #connect<T>(peer: string, purpose: Purpose, use: (stream: Duplex) => Promise<T>): Promise<T> {
    const reasons: unknown[] = [];
    for (const address of await this.#addresses(peer)) {
      if (this.#closing.signal.aborted) throw closed();
      const abort = new AbortController();
      try {
        return await this.#within(abort, async () => {
          const stream = await this.#ways.connect(peer, address, abort.signal);
          return this.#greeted(stream, abort.signal, async () => {
            await greet(stream, this.#options.identity, peer, purpose);
            return use(stream);
          });
        });
      } catch (error) {
        reasons.push(error);
      }
    }
    throw reasons.find(isCanceled) ?? unreachable(peer, reasons.map(reasonOf).join("; "), reasons[0]);
  }

  /** Somebody has connected. */
  async #accept(stream: Duplex, certified: string | undefined): Promise<void> {
    if (this.#greeting.size >= LINK_GREETINGS_MAX || this.#closing.signal.aborted) {
      this.#faults.add("refused", "a connection was refused", failure("EAGAIN", "too many are being made"));
      return void stream.on("error", () => {}).destroy();
    }
    const abort = new AbortController();
    try {
      await this.#within(abort, () =>
        this.#greeted(stream, abort.signal, async () => {
          const { peer, purpose } = await receive(stream, this.#options.identity, certified);
          if (purpose === "session") await meet(stream, this.#name, peer, this);
          else await this.#take(stream, peer);
        }),
      );
    } catch (error) {
      if (isCanceled(error)) return;
      this.#faults.add("refused", "a connection was not made", error);
    }
  }

  async #take(stream: Duplex, peer: string): Promise<void> {
    const { header } = await hear(stream, streamHeader);
    if (this.#streams.size >= LINK_STREAMS_MAX) {
      const why = `${LINK_STREAMS_MAX} streams are open: try again`;
      refuse(stream, why);
      throw failure("EAGAIN", `a stream of node ${peer} was refused: ${why}`);
    }
    say(stream, { taken: true });
    this.#track(stream, peer);
    try {
      this.#options.handlers.bulk(peer, stream, header);
    } catch (error) {
      stream.destroy();
      this.#faults.add("failed", `a stream of node ${peer}`, error);
    }
  }

  #track(stream: Duplex, peer: string): void {
    this.#streams.set(stream, peer);
    stream.once("close", () => this.#streams.delete(stream));
  }

  /** What is under way with a stream that is not in use yet: it ends with that, unless it comes into use. */
  async #greeted<T>(stream: Duplex, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    stream.on("error", () => {}); // told by its close
    const end = () => stream.destroy();
    this.#greeting.add(stream);
    signal.addEventListener("abort", end);
    try {
      return await work();
    } catch (error) {
      // A refusal is on its way out; if it does not get there in time, that is the end.
      if (stream.writableEnded) setTimeout(end, LINK_CONNECT_TIMEOUT_MS).unref();
      else end();
      throw error;
    } finally {
      signal.removeEventListener("abort", end);
      this.#greeting.delete(stream);
    }
  }

  async #within<T>(abort: AbortController, work: () => Promise<T>): Promise<T> {
    const end = () => abort.abort();
    const timer = setTimeout(end, LINK_CONNECT_TIMEOUT_MS);
    this.#closing.signal.addEventListener("abort", end);
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      this.#closing.signal.removeEventListener("abort", end);
    }
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw closed();
  }
}

/** Another connection was quicker, or the links were closed. */
function isCanceled(error: unknown): error is GodwitError {
  return error instanceof GodwitError && error.code === "ECANCELED";
}

function closed() {
  return failure("ECANCELED", "this node's links were closed");
}

function unreachable(peer: string, why: string, cause?: unknown) {
  return failure("ENONODE", `node ${peer} cannot be reached: ${why}`, cause);
}
