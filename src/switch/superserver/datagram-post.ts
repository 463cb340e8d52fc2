/** A datagram service that is read here: one inside, or a program of godwit's. */

import { type RemoteInfo, type Socket, createSocket } from "node:dgram";
import ipaddr from "ipaddr.js";
import { assert } from "../../assert.ts";
import { Allowance } from "./allowance.ts";
import { GuestReader, answerDatagram } from "./guest-process.ts";
import { type Log, type Post, reasonOf } from "./post.ts";
import { type Place, type ReadyServer, type Service, addressOf, titleOf } from "./service.ts";
import { cannotListen, tooOften } from "./stream-post.ts";
import { trivialAnswers } from "./trivial-service.ts";

/** Of NFS, which answers datagrams that are no requests of its own. */
const NFS_PORT = 2049;
const RESERVED_PORTS = 1024;
/** First octet of the addresses of IPv4 that are no host's: RFC 1112, 4. */
const EXPERIMENTAL_FROM = 240;

/**
 * Whether a trivial service may answer: not to a server's port, or the two would talk to one another for ever, and not to many
 * hosts at once.
 */
export function mayAnswer({ address, port }: Pick<RemoteInfo, "address" | "port">): boolean {
  if (port < RESERVED_PORTS || port === NFS_PORT) return false;
  const source = ipaddr.process(address.replace(/%.*$/, ""));
  if (source instanceof ipaddr.IPv4 && (source.octets[0] ?? 0) >= EXPERIMENTAL_FROM) return false;
  return !["multicast", "broadcast", "unspecified"].includes(source.range());
}

export class DatagramPost implements Post {
  readonly address: string;
  service: Service;
  readonly #socket: Socket;
  readonly #log: Log;
  readonly #allowance: Allowance;
  #trivial: ((data: Buffer) => Buffer | undefined) | undefined;
  /** The one process that reads all datagrams: `dgram wait`. */
  #reader: GuestReader | undefined;

  private constructor(service: Service, socket: Socket, log: Log) {
    this.service = service;
    this.#socket = socket;
    this.#log = log;
    this.#allowance = new Allowance(service.bounds);
    this.address = addressOf(service.place, socket.address().port);
    this.#serve(service.server);
    socket.on("message", (data, remote) => this.#take(data, remote));
    socket.on("error", (error) => log(`${titleOf(this.service)}: ${reasonOf(error)}`));
  }

  /** @throws GodwitError EADDRINUSE, EADDRNOTAVAIL, EACCES or EIO. */
  static async open(service: Service, log: Log): Promise<DatagramPost> {
    const { place, entry } = service;
    assert(place.transport === "udp", "datagrams are served over UDP");
    const socket = createSocket({
      type: place.family === "ipv6" ? "udp6" : "udp4",
      ipv6Only: place.family === "ipv6" && !place.isMapped,
      ...(entry.sendBufferBytes === undefined ? {} : { sendBufferSize: entry.sendBufferBytes }),
      ...(entry.receiveBufferBytes === undefined ? {} : { recvBufferSize: entry.receiveBufferBytes }),
    });
    await bound(socket, place);
    return new DatagramPost(service, socket, log);
  }

  update(service: Service): void {
    this.service = service;
    this.#allowance.rebound(service.bounds);
    this.#serve(service.server);
  }

  /** The next datagram is for another server, if it is another; what runs reads to the end of what it was given. */
  #serve(server: ReadyServer): void {
    this.#trivial = server.kind === "internal" ? trivialAnswers(server.service) : undefined;
    this.#reader?.end();
    this.#reader = undefined;
  }

  close(): Promise<void> {
    this.#reader?.end();
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }

  abandon(): void {
    this.#reader?.kill();
  }

  #take(data: Buffer, remote: RemoteInfo): void {
    if (this.#trivial !== undefined) {
      if (mayAnswer(remote)) this.#send(this.#trivial(data), remote);
      return;
    }
    if (this.#reader?.give(data) === true) return;
    const { server, entry } = this.service;
    const verdict = this.#allowance.take(performance.now());
    if (verdict.kind === "refused" && verdict.isFirst) this.#log(tooOften(this.service));
    if (verdict.kind !== "granted" || server.kind !== "godwit") return; // lost, as datagrams may be
    const { control, program } = server;
    const answering = entry.isWaiting
      ? this.#start((this.#reader = new GuestReader(control, program)), data)
      : answerDatagram(control, program, data).then((answer) => this.#send(answer, remote));
    answering
      .catch((error: unknown) => this.#log(`${titleOf(this.service)}: ${reasonOf(error)}`))
      .finally(() => this.#allowance.end());
  }

  async #start(reader: GuestReader, data: Buffer): Promise<void> {
    reader.give(data);
    await reader.ended;
  }

  #send(answer: Buffer | undefined, { address, port }: RemoteInfo): void {
    if (answer === undefined) return;
    // It may be closed by now, or have no way to there: then the answer is lost.
    try {
      this.#socket.send(answer, port, address, () => {});
    } catch {
      return;
    }
  }
}

function bound(socket: Socket, place: Exclude<Place, { transport: "unix" }>): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error) => reject(cannotListen(place, error));
    socket.once("error", onError);
    socket.bind({ address: place.address, port: place.port, exclusive: true }, () => {
      socket.off("error", onError);
      resolve();
    });
  });
}
