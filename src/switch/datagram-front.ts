/** The address of a front for datagrams: who sends some is a client with a session of its own, until it is silent for long. */

import type { RemoteInfo } from "node:dgram";

import type { DatagramHead, Frame } from "../abi/channel.ts";
import { DATAGRAM_IDLE_MS, DATAGRAM_LEAVING_MAX, DATAGRAM_REMOTES_MAX, DATAGRAM_WAITING_MAX_BYTES } from "../limits.ts";
import { addressText } from "../resources/address.ts";
import { datagramOf } from "../resources/datagram.ts";
import { datagramFrame } from "../resources/frame.ts";
import type { Driver, Line } from "../resources/line.ts";
import type { Acceptor } from "../resources/listener.ts";
import { UdpSocket } from "../resources/udp-socket.ts";

interface Surroundings {
  send(payload: Uint8Array, host: string, port: number): Promise<void> | undefined;
  /** It has a process. */
  placed(client: Client): void;
  /** Something went, either way. */
  moved(client: Client): void;
  /** Its session is over. */
  gone(client: Client): void;
}

/** Somebody who has sent datagrams. */
class Client implements Driver {
  readonly remote: string;
  readonly #from: RemoteInfo;
  readonly #around: Surroundings;
  line: Line | undefined;
  /** Of its first datagram, while that waits for a process. */
  waitingBytes: number;
  /** Not before it has a process. */
  #hasRoom = false;
  #lost = 0;
  lastMs = performance.now();

  constructor(remote: string, from: RemoteInfo, waitingBytes: number, around: Surroundings) {
    this.remote = remote;
    this.#from = from;
    this.waitingBytes = waitingBytes;
    this.#around = around;
  }

  /** What finds no room is lost, and counted. */
  arrived(payload: Buffer): void {
    this.#around.moved(this);
    if (!this.#hasRoom) return void this.#lost++;
    const { remote } = this;
    const head: DatagramHead = this.#lost === 0 ? { remote } : { remote, lost: this.#lost };
    this.#lost = 0;
    this.#hasRoom = this.line?.push(datagramFrame(head, payload)) === true;
  }

  /** An answer: it goes to this client, whatever it says. */
  take(frame: Frame): Promise<void> | undefined {
    this.#around.moved(this);
    return this.#around.send(datagramOf(frame).body, this.#from.address, this.#from.port);
  }

  resume(): void {
    this.#hasRoom = true;
    this.#around.placed(this);
  }

  close(): void {
    this.#around.gone(this);
  }
}

export class DatagramFront implements Driver {
  readonly #socket: UdpSocket;
  readonly #accept: Acceptor;
  /** Those with sessions, by their addresses, the one that was silent for longest first. */
  readonly #clients = new Map<string, Client>();
  /** Sessions of clients that were forgotten, and are not over yet. */
  readonly #leaving = new Set<Client>();
  /** Of their first datagrams that wait for a process. */
  #waitingBytes = 0;
  /** Datagrams that were dropped since somebody was told of it. */
  #lost = 0;
  readonly #look: NodeJS.Timeout;

  /** @param idleMs how long a client is remembered that says and hears nothing. */
  constructor(host: string, port: number, accept: Acceptor, idleMs = DATAGRAM_IDLE_MS) {
    this.#accept = accept;
    this.#socket = new UdpSocket(host, port, (payload, from) => this.#arrived(payload, from));
    this.#look = setInterval(() => this.#forgetSilent(idleMs), idleMs / 4).unref();
  }

  /** Resolves to the address that it has. */
  get ready(): Promise<string> {
    return this.#socket.ready;
  }

  #arrived(payload: Buffer, from: RemoteInfo): void {
    const remote = addressText(from);
    const known = this.#clients.get(remote);
    if (known !== undefined) return known.arrived(payload);
    if (!this.#makeRoom(payload.length)) return void this.#lost++;
    const client = new Client(remote, from, payload.length, {
      send: (bytes, host, port) => this.#socket.send(bytes, host, port),
      placed: (one) => this.#placed(one),
      moved: (one) => this.#moved(one),
      gone: (one) => this.#gone(one),
    });
    this.#clients.set(remote, client);
    this.#waitingBytes += payload.length;
    const head: DatagramHead = this.#lost === 0 ? { remote } : { remote, lost: this.#lost };
    this.#lost = 0;
    this.#accept(datagramFrame(head, payload), (line) => {
      client.line = line;
      return client;
    });
  }

  /** Whether there is a place for one more client, whose first datagram is so long. */
  #makeRoom(sizeBytes: number): boolean {
    if (this.#waitingBytes + sizeBytes > DATAGRAM_WAITING_MAX_BYTES) return false;
    const [oldest] = this.#clients.values();
    if (this.#clients.size < DATAGRAM_REMOTES_MAX || oldest === undefined) return true;
    if (this.#leaving.size >= DATAGRAM_LEAVING_MAX) return false;
    this.#forget(oldest);
    return true;
  }

  #placed(client: Client): void {
    this.#waitingBytes -= client.waitingBytes;
    client.waitingBytes = 0;
  }

  #moved(client: Client): void {
    client.lastMs = performance.now();
    if (this.#clients.get(client.remote) !== client) return;
    this.#clients.delete(client.remote);
    this.#clients.set(client.remote, client);
  }

  #forgetSilent(idleMs: number): void {
    const nowMs = performance.now();
    for (const client of this.#clients.values()) {
      if (nowMs - client.lastMs < idleMs) break;
      this.#forget(client);
    }
  }

  /** Its next datagram makes it a new one. */
  #forget(client: Client): void {
    this.#clients.delete(client.remote);
    this.#leaving.add(client);
    client.line?.break("ETIMEDOUT", `nothing came from ${client.remote} for long`);
  }

  #gone(client: Client): void {
    this.#placed(client);
    this.#leaving.delete(client);
    if (this.#clients.get(client.remote) === client) this.#clients.delete(client.remote);
  }

  take(): void {}
  resume(): void {}

  close(): void {
    clearInterval(this.#look);
    for (const client of this.#clients.values()) this.#forget(client);
    this.#socket.close();
  }
}
