/** Answers DNS at one address, in datagrams and over TCP (RFC 7766), to whoever asks: nothing that is asked costs much. */

import { createSocket, type RemoteInfo, type Socket as DatagramSocket } from "node:dgram";
import { type AddressInfo, createServer, isIPv6, type Server, type Socket } from "node:net";
import { streamEncode } from "dns-packet";

import {
  LOOKUP_CONNECTIONS_MAX,
  LOOKUP_CONNECTIONS_PER_NETWORK_MAX,
  LOOKUP_IDLE_MS,
  LOOKUP_QUESTION_MAX_BYTES,
  LOOKUP_UNTAKEN_MAX_BYTES,
} from "../../limits.ts";
import { addressText, unheard } from "../../resources/address.ts";
import { AnswerRate, networkOf, restMs } from "./answer-rate.ts";
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
  /** How often each way is asked: what is too much for the one is sent to the other. */
  readonly #rates: Rates;
  /** Connections of each client's network. */
  readonly #networks = new Map<string, number>();
  /** Of all services' addresses, as each asker reaches them, until something changes: to look at all for each question costs much. */
  readonly #hosts = new Map<string, ReadonlySet<string>>();
  readonly #endWatch: () => void;

  private constructor(zone: string, catalogue: Catalogue, rates: Rates, sockets: Sockets) {
    this.#zone = zone;
    this.#catalogue = catalogue;
    this.#datagrams = sockets.datagrams;
    this.#server = sockets.server;
    this.#rates = rates;
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
    rates: Rates = { datagrams: new AnswerRate(), streams: new AnswerRate() },
  ): Promise<DnsServer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return new DnsServer(zone, catalogue, rates, await listen(place));
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
    const verdict = this.#rates.datagrams.next(address, performance.now());
    if (verdict === "drop" || message.length > LOOKUP_QUESTION_MAX_BYTES || port === 0) return;
    const { address: bound } = this.#datagrams.address();
    const asked = bound === "0.0.0.0" || bound === "::" ? undefined : bound;
    const given = answerTo(message, this.#view({ isNear: isLoopback(address), asked }));
    if (given === undefined) return;
    const answer = verdict === "truncate" ? truncated(given.answer) : given.answer;
    this.#datagrams.send(fitted(answer, given.maxBytes), port, address, () => {});
  }

  #accept(socket: Socket): void {
    const { remoteAddress = "", localAddress } = socket;
    if (!this.#admit(socket, networkOf(remoteAddress))) return void socket.destroy();
    socket.setNoDelay(true).setTimeout(LOOKUP_IDLE_MS, () => socket.destroy());
    const view = this.#view({ isNear: isLoopback(remoteAddress), asked: localAddress?.replace(/^::ffff:/, "") });
    let rest: Buffer = Buffer.alloc(0);
    /** Runs while its network has asked too much. */
    let resting: NodeJS.Timeout | undefined;
    const mayAsk = () => {
      const nowMs = performance.now();
      if (this.#rates.streams.next(remoteAddress, nowMs) === "answer") return true;
      resting = setTimeout(() => {
        resting = undefined;
        goOn();
      }, restMs(nowMs));
      return false;
    };
    const goOn = () => {
      if (resting !== undefined) return;
      const left = this.#take(socket, rest, view, mayAsk);
      rest = left ?? rest;
      if (left === undefined) socket.destroy();
      else if (resting !== undefined || isFull(socket)) socket.pause();
      else socket.resume();
    };
    const heard = (bytes: Buffer) => {
      rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      goOn();
    };
    socket.on("data", heard).on("drain", goOn);
    socket.once("close", () => clearTimeout(resting));
  }

  /** Whether a connection is served: of one network there are so many. */
  #admit(socket: Socket, network: string): boolean {
    socket.on("error", () => {});
    const open = this.#networks.get(network) ?? 0;
    if (open >= LOOKUP_CONNECTIONS_PER_NETWORK_MAX) return false;
    this.#networks.set(network, open + 1);
    this.#connections.add(socket);
    socket.once("close", () => {
      this.#connections.delete(socket);
      const left = (this.#networks.get(network) ?? 1) - 1;
      if (left > 0) this.#networks.set(network, left);
      else this.#networks.delete(network);
    });
    return true;
  }

  /**
   * Answers what is whole, as long as the client takes its answers and its network may ask, and returns the rest, which is at most
   * one piece and a question; undefined for what is not to be listened to any longer.
   */
  #take(socket: Socket, bytes: Buffer, view: ZoneView, mayAsk: () => boolean): Buffer | undefined {
    let rest = bytes;
    while (rest.length >= LENGTH_BYTES && !isFull(socket)) {
      const end = LENGTH_BYTES + rest.readUInt16BE(0);
      if (end > LENGTH_BYTES + LOOKUP_QUESTION_MAX_BYTES) return undefined;
      if (rest.length < end || !mayAsk()) return rest;
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

/** For each way of asking. */
interface Rates {
  readonly datagrams: AnswerRate;
  readonly streams: AnswerRate;
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
