/** A process's end of the datagrams of a service: its one channel, and the sessions of all its clients with fronts. */

import * as v from "valibot";

import type { DatagramHead, Frame } from "../abi/channel.ts";
import { failure } from "../errors.ts";
import { DATAGRAM_WINDOW_BYTES, HOST_MAX_CHARS, RECORD_CHANNELS_MAX } from "../limits.ts";
import { datagramOf } from "../resources/datagram.ts";
import { datagramFrame } from "../resources/frame.ts";
import type { Line } from "../resources/line.ts";
import type { Acceptor } from "../resources/listener.ts";
import { type HomeSession, homeSessionRecordOf } from "./home-session.ts";
import type { Homes, Portable } from "./homes.ts";

/** Somebody who has sent datagrams to some front. */
class Client implements Line {
  readonly remote: string;
  readonly #service: DatagramService;
  session: Portable | undefined;
  /** The front has not taken what it was sent: what else there is for it is lost. */
  isFull = false;

  constructor(remote: string, service: DatagramService) {
    this.remote = remote;
    this.#service = service;
  }

  /** There is always room: what the process has none for is lost here. */
  push(frame: Frame): boolean {
    this.#service.arrived(this, frame);
    return true;
  }

  break(): void {
    this.#service.left(this);
  }
}

const record = v.object({
  lost: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  clients: v.pipe(
    v.array(v.object({ remote: v.pipe(v.string(), v.maxLength(HOST_MAX_CHARS)), session: v.unknown() })),
    v.maxLength(RECORD_CHANNELS_MAX),
  ),
});

/** What another home had. @throws GodwitError EPROTO for what is none. */
export function datagramServiceRecordOf(state: unknown) {
  const checked = v.safeParse(record, state);
  if (!checked.success) throw failure("EPROTO", `a service's record is malformed: ${checked.issues[0].message}`);
  const { lost, clients } = checked.output;
  return { lost, clients: clients.map(({ remote, session }) => ({ remote, session: homeSessionRecordOf(session) })) };
}

export class DatagramService implements Portable {
  readonly #line: Line;
  /** By their addresses: one for each front to which somebody sends. The last is that to which was sent last; it answers. */
  readonly #clients = new Map<string, Client[]>();
  #listener: Portable | undefined;
  #hasRoom = true;
  /** Lost since the last one that was passed on. */
  #lost = 0;

  constructor(line: Line) {
    this.#line = line;
  }

  /** What brings the clients here. */
  set listener(listener: Portable) {
    this.#listener = listener;
  }

  /** A client's first datagram. */
  readonly accept: Acceptor = (frame, drive) => {
    const client = new Client(datagramOf(frame).remote, this);
    this.#add(client, drive(client) as Portable);
    this.arrived(client, frame);
  };

  #add(client: Client, session: Portable): void {
    client.session = session;
    this.#clients.set(client.remote, [...(this.#clients.get(client.remote) ?? []), client]);
  }

  get #all(): Client[] {
    return [...this.#clients.values()].flat();
  }

  /** What a client's front says; the address is the one that it began with. */
  arrived(client: Client, frame: Frame): void {
    const { remote } = client;
    const own = this.#clients.get(remote) ?? [];
    if (own.at(-1) !== client && own.includes(client))
      this.#clients.set(remote, [...own.filter((one) => one !== client), client]);
    const { lost, body } = datagramOf(frame);
    this.#lost += lost;
    if (!this.#hasRoom) return void this.#lost++;
    const head: DatagramHead = this.#lost === 0 ? { remote } : { remote, lost: this.#lost };
    this.#lost = 0;
    this.#hasRoom = this.#line.push(datagramFrame(head, body));
  }

  /** Its session is over. */
  left(client: Client): void {
    const others = this.#clients.get(client.remote)?.filter((one) => one !== client) ?? [];
    if (others.length > 0) this.#clients.set(client.remote, others);
    else this.#clients.delete(client.remote);
  }

  // ---- From the process

  /** An answer, of which its client's front is to be able to take more; what is for nobody goes nowhere. */
  take(frame: Frame): void {
    const client = this.#clients.get(datagramOf(frame).remote)?.at(-1);
    if (client?.session === undefined || client.isFull) return;
    const sending = client.session.take(frame);
    if (sending === undefined) return;
    client.isFull = true;
    void sending.finally(() => (client.isFull = false));
  }

  resume(): void {
    this.#hasRoom = true;
  }

  close(): void {
    this.#listener?.close();
    for (const { session } of this.#all) session?.close();
    this.#clients.clear();
  }

  // ---- Homes that move

  leave(): unknown {
    this.#listener?.leave();
    const clients = this.#all.map(({ remote, session }) => ({ remote, session: session?.leave() }));
    this.#clients.clear();
    return { lost: this.#lost, clients };
  }

  /** Goes on with the clients that it had at another home. @throws GodwitError EPROTO. */
  async restore(state: unknown, pid: number, homes: Homes): Promise<void> {
    const { lost, clients } = datagramServiceRecordOf(state);
    this.#lost += lost;
    const sessions: HomeSession[] = [];
    for (const { remote, session: saved } of clients) {
      const client = new Client(remote, this);
      const session = homes.resume(saved, pid, client, DATAGRAM_WINDOW_BYTES);
      this.#add(client, session);
      sessions.push(session);
    }
    await homes.attach(sessions);
  }
}
