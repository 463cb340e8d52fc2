/** Messages between the clients of an embedded engine: requests to who serves them, events to who listens. */

import { CLUSTER_CALLS_MAX } from "../../../limits.ts";
import { PatternIndex } from "../../pattern-index.ts";
import { noResponder } from "../../service.ts";
import type { Peer } from "./peer.ts";

interface Interest {
  readonly peer: Peer;
  readonly id: number;
}

/** A request that was passed on and not answered yet. */
interface Asked {
  readonly requester: Peer;
  readonly id: number;
  readonly server: Peer;
  readonly subject: string;
}

export class Router {
  /** Who serves a subject, whose turn it is first. */
  readonly #services = new Map<string, Interest[]>();
  readonly #subscriptions = new PatternIndex<Interest>();
  /** At most `CLUSTER_CALLS_MAX` for each requester. */
  readonly #asked = new Map<number, Asked>();
  #lastAsk = 0;

  serve(peer: Peer, id: number, subject: string): void {
    const interest = { peer, id };
    const others = this.#services.get(subject) ?? [];
    this.#services.set(subject, [...others, interest]);
    peer.endings.set(id, () => {
      const left = (this.#services.get(subject) ?? []).filter((each) => each !== interest);
      if (left.length === 0) this.#services.delete(subject);
      else this.#services.set(subject, left);
    });
  }

  subscribe(peer: Peer, id: number, pattern: string): void {
    const interest = { peer, id };
    this.#subscriptions.add(pattern, interest);
    peer.endings.set(id, () => this.#subscriptions.delete(pattern, interest));
  }

  publish(subject: string, body: Uint8Array): void {
    for (const { peer, id } of this.#subscriptions.matching(subject)) {
      if (!peer.isFull) peer.send({ type: "event", id, subject, body });
    }
  }

  request(requester: Peer, id: number, subject: string, body: Uint8Array): void {
    const services = this.#services.get(subject) ?? [];
    const chosen = services.shift();
    if (chosen === undefined) {
      const { code, message } = noResponder(subject);
      return requester.send({ type: "failed", id, code, message });
    }
    services.push(chosen);
    if (chosen.peer.isFull || requester.underWay >= CLUSTER_CALLS_MAX) {
      return requester.send({
        type: "failed",
        id,
        code: "EAGAIN",
        message: `too many requests to ${subject}: try again`,
      });
    }
    const ask = ++this.#lastAsk;
    requester.underWay++;
    this.#asked.set(ask, { requester, id, server: chosen.peer, subject });
    requester.endings.set(id, () => this.#take(ask));
    chosen.peer.send({ type: "ask", id: ask, service: chosen.id, subject, body });
  }

  reply(server: Peer, ask: number, body: Uint8Array): void {
    const asked = this.#answered(server, ask);
    asked?.requester.send({ type: "reply", id: asked.id, body });
  }

  refuse(server: Peer, ask: number, code: string, message: string): void {
    const asked = this.#answered(server, ask);
    asked?.requester.send({ type: "failed", id: asked.id, code, message });
  }

  /** The client is gone, and its endings have been called. */
  closed(peer: Peer): void {
    for (const [ask, { server, requester, id, subject }] of this.#asked) {
      if (server !== peer) continue;
      this.#take(ask);
      requester.endings.delete(id);
      const message = `the node that served ${subject} went away: it may have carried out the request`;
      requester.send({ type: "failed", id, code: "ECONNRESET", message });
    }
  }

  /** Nothing when the requester has lost interest, or it was another who was asked. */
  #answered(server: Peer, ask: number): Asked | undefined {
    const asked = this.#asked.get(ask);
    if (asked?.server !== server) return undefined;
    this.#take(ask);
    asked.requester.endings.delete(asked.id);
    return asked;
  }

  #take(ask: number): void {
    const asked = this.#asked.get(ask);
    if (asked !== undefined && this.#asked.delete(ask)) asked.requester.underWay--;
  }
}
