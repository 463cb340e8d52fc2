/**
 * The channel kind `datagram`: UDP. What comes for a process that has no room is dropped, and it is told how many were.
 * A process may answer who has sent it something; to send to others it needs the `net` capability.
 */

import type { RemoteInfo } from "node:dgram";
import { isIPv4, isIPv6 } from "node:net";

import { type DatagramHead, type Frame, FRAME_KINDS } from "../abi/channel.ts";
import { failure } from "../errors.ts";
import { coversHost } from "../kernel/host-pattern.ts";
import { DATAGRAM_MAX_BYTES, DATAGRAM_REMOTES_MAX } from "../limits.ts";
import { addressText, hostAndPort } from "./address.ts";
import { datagramFrame, headAndBody } from "./frame.ts";
import type { Driver, Line } from "./line.ts";
import { type Opening, SharedAddresses } from "./shared-address.ts";
import { UdpSocket } from "./udp-socket.ts";

/** Somebody who has sent datagrams. */
interface Client {
  /** Whose client it is. */
  readonly end: DatagramEnd;
  readonly host: string;
  readonly port: number;
}

/** A socket, for one process or for several, each of which has its clients. */
class DatagramSocket implements Opening<DatagramEnd> {
  readonly #socket: UdpSocket;
  readonly #members = new Set<DatagramEnd>();
  /** Who was heard lately, the latest last. */
  readonly #clients = new Map<string, Client>();

  constructor(host: string, port: number) {
    this.#socket = new UdpSocket(host, port, (payload, from) => this.#arrived(payload, from));
  }

  get ready(): Promise<string> {
    return this.#socket.ready;
  }

  get size(): number {
    return this.#members.size;
  }

  add(end: DatagramEnd): void {
    this.#members.add(end);
  }

  remove(end: DatagramEnd): void {
    this.#members.delete(end);
  }

  #arrived(payload: Buffer, from: RemoteInfo): void {
    const remote = addressText(from);
    const known = this.#clients.get(remote)?.end;
    const end = known !== undefined && this.#members.has(known) ? known : this.#next();
    if (end === undefined) return;
    this.#clients.delete(remote);
    this.#clients.set(remote, { end, host: from.address, port: from.port });
    for (const oldest of this.#clients.keys()) {
      if (this.#clients.size <= DATAGRAM_REMOTES_MAX) break;
      this.#clients.delete(oldest);
    }
    end.arrived(remote, payload);
  }

  /** Those that share the socket get new clients in turn. */
  #next(): DatagramEnd | undefined {
    const [first] = this.#members;
    if (first === undefined) return undefined;
    this.#members.delete(first);
    this.#members.add(first);
    return first;
  }

  client(remote: string): Client | undefined {
    return this.#clients.get(remote);
  }

  /** Settles when the system has it, or would not have it; a promise only when that is to be waited for. */
  send(payload: Uint8Array, host: string, port: number): Promise<void> | undefined {
    return this.#socket.send(payload, host, port);
  }

  /** What is being sent goes out. */
  stop(): void {
    this.#socket.close();
  }
}

/** A process's end of a socket. */
class DatagramEnd implements Driver {
  readonly #line: Line;
  readonly #net: readonly string[] | "all";
  /** Where it is opened; set before anything arrives. */
  socket: DatagramSocket | undefined;
  leave: () => void = () => {};
  #hasRoom = true;
  /** Dropped since the last one that was passed on. */
  #lost = 0;

  constructor(line: Line, net: readonly string[] | "all") {
    this.#line = line;
    this.#net = net;
  }

  arrived(remote: string, payload: Buffer): void {
    if (!this.#hasRoom) return void this.#lost++;
    const head: DatagramHead = this.#lost === 0 ? { remote } : { remote, lost: this.#lost };
    this.#lost = 0;
    this.#hasRoom = this.#line.push(datagramFrame(head, payload));
  }

  resume(): void {
    this.#hasRoom = true;
  }

  /** One that may not be sent, or cannot be, is dropped: as any datagram may be on its way. */
  take(frame: Frame): Promise<void> | undefined {
    const { remote, body } = datagramOf(frame);
    const client = this.socket?.client(remote);
    if (client?.end === this) return this.socket?.send(body, client.host, client.port);
    const { host, port } = hostAndPort(remote);
    if (port === 0 || !(isIPv4(host) || isIPv6(host)))
      throw failure("EINVAL", `"${remote}" is no address to send a datagram to: write IP-ADDRESS:PORT`);
    return coversHost(this.#net, host, port) ? this.socket?.send(body, host, port) : undefined;
  }

  close(): void {
    this.leave();
  }
}

/** A datagram as a process gives it, or another node. @throws GodwitError EPROTO, EMSGSIZE. */
export function datagramOf(frame: Frame): {
  readonly remote: string;
  readonly lost: number;
  readonly body: Uint8Array;
} {
  if (frame.kind !== FRAME_KINDS.datagram)
    throw failure("EPROTO", "a datagram socket's channel takes datagrams, and nothing else");
  const { head, body } = headAndBody(frame);
  if (body.length > DATAGRAM_MAX_BYTES)
    throw failure("EMSGSIZE", `a datagram of ${body.length} bytes; at most ${DATAGRAM_MAX_BYTES} are sent`);
  const { remote, lost = 0 } = (typeof head === "object" && head !== null ? head : {}) as Partial<DatagramHead>;
  if (typeof remote !== "string") throw failure("EPROTO", "a datagram's head says where it goes");
  return { remote, lost: Number.isSafeInteger(lost) ? lost : 0, body };
}

/** The addresses at which a node takes datagrams for its processes. */
export class DatagramSockets {
  readonly #addresses = new SharedAddresses<DatagramEnd, DatagramSocket>();

  /** @param net what the process may send to beside its clients. Throws EADDRINUSE, EADDRNOTAVAIL, EACCES, EINVAL. */
  async join(address: string, line: Line, net: readonly string[] | "all"): Promise<Driver> {
    const end = new DatagramEnd(line, net);
    const { opening, close } = await this.#addresses.join(
      address,
      line,
      end,
      (host, port) => new DatagramSocket(host, port),
    );
    end.socket = opening;
    end.leave = close;
    return end;
  }
}
