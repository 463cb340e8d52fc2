/** Answers DNS at one address, in datagrams and over TCP (RFC 7766), to whoever asks: nothing that is asked costs much. */

import { createSocket, type RemoteInfo, type Socket as DatagramSocket } from "node:dgram";
import { type AddressInfo, createServer, isIPv6, type Server, type Socket } from "node:net";
import { streamEncode } from "dns-packet";

import {
  LOOKUP_CONNECTIONS_MAX,
  LOOKUP_IDLE_MS,
  LOOKUP_QUESTION_MAX_BYTES,
  LOOKUP_UNTAKEN_MAX_BYTES,
} from "../../limits.ts";
import { addressText, unheard } from "../../resources/address.ts";
import { AnswerRate } from "./answer-rate.ts";
import { type Asker, isLoopback } from "../reach.ts";
import type { Catalogue } from "./catalogue.ts";
import { answerTo, fitted, hostLabels, truncated, type ZoneView } from "./zone.ts";

/** How often a port is looked for that is free for both. */
const PORT_ATTEMPTS = 16;
/** What precedes a message over TCP. */
const LENGTH_BYTES = 2;

export class DnsServer {
  /** `HOST:PORT`. */
  readonly address: string;
  readonly #zone: string;
  readonly #catalogue: Catalogue;
  readonly #datagrams: DatagramSocket;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  readonly #rate: AnswerRate;
  /** Of all services' addresses, as each asker reaches them, until something changes: to look at all for each question costs much. */
  readonly #hosts = new Map<string, ReadonlySet<string>>();
  readonly #endWatch: () => void;

  private constructor(zone: string, catalogue: Catalogue, rate: AnswerRate, sockets: Sockets) {
    this.#zone = zone;
    this.#catalogue = catalogue;
    this.#datagrams = sockets.datagrams;
    this.#server = sockets.server;
    this.#rate = rate;
    this.address = addressText(this.#server.address() as AddressInfo);
    this.#server.maxConnections = LOOKUP_CONNECTIONS_MAX;
    // What the system says of one datagram or connection is its client's loss.
    this.#server.on("connection", (socket) => this.#accept(socket)).on("error", () => {});
    this.#datagrams.on("message", (message, from) => this.#heard(message, from)).on("error", () => {});
    this.#endWatch = catalogue.watch(() => this.#hosts.clear());
  }

  /** @throws GodwitError EADDRINUSE, EADDRNOTAVAIL, EACCES. */
  static async open(
    place: { readonly host: string; readonly port: number },
    zone: string,
    catalogue: Catalogue,
    rate = new AnswerRate(),
  ): Promise<DnsServer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return new DnsServer(zone, catalogue, rate, await listen(place));
      } catch (error) {
        const isTaken = error instanceof Error && Reflect.get(error, "code") === "EADDRINUSE";
        if (place.port === 0 && isTaken && attempt < PORT_ATTEMPTS) continue;
        throw unheard(`${place.host}:${place.port}`, error);
      }
    }
  }

  #view(asker: Asker): ZoneView {
    return {
      zone: this.#zone,
      server: asker.asked,
      hosts: () => this.#hostsOf(asker),
      targets: (service) => this.#catalogue.targets(service, asker),
      processes: (service) => this.#catalogue.processes(service),
    };
  }

  #hostsOf(asker: Asker): ReadonlySet<string> {
    const key = `${asker.isNear} ${asker.asked}`;
    let hosts = this.#hosts.get(key);
    if (hosts === undefined) {
      const names = this.#catalogue.names(asker);
      hosts = new Set(names.flatMap((name) => hostLabels(this.#catalogue.targets(name, asker))));
      // A machine has few addresses at which it can be asked.
      if (this.#hosts.size < LOOKUP_CONNECTIONS_MAX) this.#hosts.set(key, hosts);
    }
    return hosts;
  }

  #heard(message: Buffer, { address, port }: RemoteInfo): void {
    const verdict = this.#rate.next(address, performance.now());
    if (verdict === "drop" || message.length > LOOKUP_QUESTION_MAX_BYTES || port === 0) return;
    const { address: bound } = this.#datagrams.address();
    const asked = bound === "0.0.0.0" || bound === "::" ? undefined : bound;
    const given = answerTo(message, this.#view({ isNear: isLoopback(address), asked }));
    if (given === undefined) return;
    const answer = verdict === "truncate" ? truncated(given.answer) : given.answer;
    this.#datagrams.send(fitted(answer, given.maxBytes), port, address, () => {});
  }

  #accept(socket: Socket): void {
    this.#connections.add(socket);
    socket.on("error", () => {}).on("close", () => this.#connections.delete(socket));
    socket.setNoDelay(true).setTimeout(LOOKUP_IDLE_MS, () => socket.destroy());
    const { remoteAddress = "", localAddress } = socket;
    const view = this.#view({ isNear: isLoopback(remoteAddress), asked: localAddress?.replace(/^::ffff:/, "") });
    let rest: Buffer = Buffer.alloc(0);
    const goOn = () => {
      const left = this.#take(socket, rest, view);
      rest = left ?? rest;
      if (left === undefined) socket.destroy();
      else if (isFull(socket)) socket.pause();
      else socket.resume();
    };
    const heard = (bytes: Buffer) => {
      rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      goOn();
    };
    socket.on("data", heard).on("drain", goOn);
  }

  /**
   * Answers what is whole, as long as the client takes its answers, and returns the rest; undefined for what is not to be
   * listened to any longer.
   */
  #take(socket: Socket, bytes: Buffer, view: ZoneView): Buffer | undefined {
    let rest = bytes;
    while (rest.length >= LENGTH_BYTES && !isFull(socket)) {
      const end = LENGTH_BYTES + rest.readUInt16BE(0);
      if (end > LENGTH_BYTES + LOOKUP_QUESTION_MAX_BYTES) return undefined;
      if (rest.length < end) return rest;
      const given = answerTo(rest.subarray(LENGTH_BYTES, end), view);
      if (given === undefined) return undefined;
      socket.write(streamEncode(given.answer));
      rest = rest.subarray(end);
    }
    return rest;
  }

  close(): void {
    this.#endWatch();
    this.#datagrams.close();
    this.#server.close();
    for (const socket of this.#connections) socket.destroy();
  }
}

/** A client that asks and takes nothing is not heard any more until it does. */
function isFull(socket: Socket): boolean {
  return socket.writableLength > LOOKUP_UNTAKEN_MAX_BYTES;
}

interface Sockets {
  readonly datagrams: DatagramSocket;
  readonly server: Server;
}

/** Both at one port. */
async function listen({ host, port }: { readonly host: string; readonly port: number }): Promise<Sockets> {
  const datagrams = createSocket({ type: isIPv6(host) ? "udp6" : "udp4" });
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      datagrams.once("error", reject).bind(port, host, () => resolve(void datagrams.off("error", reject)));
    });
    const { address, port: own } = datagrams.address();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(own, address, () => resolve(void server.off("error", reject)));
    });
    return { datagrams, server };
  } catch (error) {
    datagrams.close();
    throw error;
  }
}
