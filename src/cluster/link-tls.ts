/**
 * Connections between machines: TLS 1.3, with certificates of the cluster's own authority on both sides. Whose connection
 * it is, its certificate says: the subject's common name is the node's, its organisation the cluster's id.
 */

import type { Duplex } from "node:stream";
import {
  type ConnectionOptions,
  type PeerCertificate,
  type Server,
  type TLSSocket,
  connect,
  createServer,
} from "node:tls";
import { failure } from "../errors.ts";
import { LINK_CONNECT_TIMEOUT_MS, LINK_GREETINGS_MAX } from "../limits.ts";
import type { Identity } from "./identity.ts";

/** Takes connections, of TCP and of whatever else carries bytes. */
export class TlsDoor {
  readonly #server: Server;
  readonly #identity: Identity;
  readonly #accept: (stream: Duplex, certified: string) => void;
  readonly #refused: (error: Error) => void;
  /** Connections that have not proved who they are: each comes to be secure, or to an error. */
  #securing = 0;

  constructor(
    identity: Identity,
    accept: (stream: Duplex, certified: string) => void,
    refused: (error: Error) => void,
  ) {
    this.#identity = identity;
    this.#accept = accept;
    this.#refused = refused;
    this.#server = createServer({
      ...proofs(identity),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: LINK_CONNECT_TIMEOUT_MS,
      noDelay: true,
      keepAlive: true,
    });
    this.#server.on("connection", (stream: Duplex) => this.#arrived(stream));
    this.#server.on("secureConnection", (socket) => this.#secured(socket));
    this.#server.on("tlsClientError", (error, socket) => {
      this.#securing--;
      socket.destroy();
      // Whose certificate is not accepted is hung up on, and the reason is kept there.
      const why: unknown = socket.authorizationError;
      refused(typeof why === "string" ? failure("EACCES", `the certificate was not accepted: ${why}`, error) : error);
    });
  }

  /** `place`: HOST:PORT. The port that it has, in the end. @throws GodwitError EADDRINUSE, EADDRNOTAVAIL. */
  async listen(place: string): Promise<string> {
    const { host, port } = placeOf(place);
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error) => {
        const code = Reflect.get(error, "code") === "EADDRNOTAVAIL" ? "EADDRNOTAVAIL" : "EADDRINUSE";
        reject(failure(code, `cannot listen to nodes at ${place}: ${error.message}`, error));
      });
      this.#server.listen({ host, port }, resolve);
    });
    const bound = this.#server.address();
    const boundPort = typeof bound === "object" && bound !== null ? bound.port : port;
    return `${host.includes(":") ? `[${host}]` : host}:${boundPort}`;
  }

  /** Takes a connection of another kind. */
  take(stream: Duplex): void {
    stream.on("error", () => {}); // told by its close
    this.#server.emit("connection", stream);
  }

  async close(): Promise<void> {
    if (this.#server.listening) await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #arrived(stream: Duplex): void {
    if (++this.#securing > LINK_GREETINGS_MAX) stream.destroy();
  }

  #secured(socket: TLSSocket): void {
    this.#securing--;
    try {
      this.#accept(socket, nameIn(socket.getPeerCertificate(), this.#identity));
    } catch (error) {
      socket.on("error", () => {}).destroy();
      this.#refused(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

/** Rejects with TLS's or the system's error, or an AbortError; EACCES when it is another node. */
export function connectTls(identity: Identity, peer: string, place: string, signal: AbortSignal): Promise<Duplex> {
  return secured(identity, peer, { ...placeOf(place), noDelay: true, keepAlive: true } as ConnectionOptions, signal);
}

/** The same over a connection of another kind. */
export function secureOver(stream: Duplex, identity: Identity, peer: string, signal: AbortSignal): Promise<Duplex> {
  return secured(identity, peer, { socket: stream }, signal);
}

function secured(identity: Identity, peer: string, to: ConnectionOptions, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...proofs(identity),
      ...to,
      rejectUnauthorized: true,
      checkServerIdentity: (_host, certificate) => objection(certificate, identity, peer),
    });
    const abort = () => socket.destroy(failure("ETIMEDOUT", `node ${peer} did not answer in time`));
    const done = () => {
      signal.removeEventListener("abort", abort);
      socket.off("error", failed).off("close", ended);
    };
    const failed = (error: Error) => {
      done();
      reject(error);
    };
    const ended = () => failed(failure("ECONNRESET", `node ${peer} hung up while the connection was being secured`));
    socket.on("error", failed).on("close", ended);
    socket.once("secureConnect", () => {
      done();
      resolve(socket);
    });
    signal.addEventListener("abort", abort);
  });
}

function proofs({ ca, certificate: cert, key }: Identity) {
  return { ca, cert, key, minVersion: "TLSv1.3" } as const;
}

/** @throws GodwitError EACCES. */
function nameIn({ subject }: PeerCertificate, { cluster }: Identity): string {
  const { CN: name, O: organisation }: { CN?: unknown; O?: unknown } = subject;
  if (organisation === cluster && typeof name === "string") return name;
  throw failure("EACCES", "a certificate is not of a node of this cluster");
}

function objection(certificate: PeerCertificate, identity: Identity, peer: string): Error | undefined {
  try {
    const name = nameIn(certificate, identity);
    return name === peer ? undefined : failure("EACCES", `node ${name} is where node ${peer} should be`);
  } catch (error) {
    return error as Error;
  }
}

/** @throws GodwitError EINVAL for what is not HOST:PORT. */
function placeOf(place: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]/]+)):(\d{1,5})$/.exec(place) ?? [];
  const [host, port] = [bracketed ?? plain, Number(digits)];
  if (host !== undefined && port < 65_536) return { host, port };
  throw failure("EINVAL", `${place} is no place in a network: it is HOST:PORT, or [IPV6]:PORT`);
}
