/** A stream service with a server for each connection: `stream nowait`. */

import { lstatSync, unlinkSync } from "node:fs";
import { type Server, type Socket, createServer } from "node:net";
import { assert } from "../../assert.ts";
import { failure } from "../../errors.ts";
import { SUPERSERVER_BACKLOG_MAX, SUPERSERVER_QUEUE_MAX } from "../../limits.ts";
import { Allowance } from "./allowance.ts";
import { serveStream } from "./guest-process.ts";
import { runCommand } from "./host-command.ts";
import { type Log, type Post, reasonOf } from "./post.ts";
import { type Place, type ReadyServer, type Service, addressOf, titleOf } from "./service.ts";
import { serveTrivial } from "./trivial-service.ts";

export class StreamPost implements Post {
  readonly address: string;
  service: Service;
  readonly #server: Server;
  readonly #log: Log;
  readonly #allowance: Allowance;
  /** Accepted, and not served yet: as many as there may be at once are. At most SUPERSERVER_QUEUE_MAX. */
  readonly #queue: Socket[] = [];
  readonly #served = new Set<Socket>();

  private constructor(service: Service, server: Server, log: Log) {
    this.service = service;
    this.#server = server;
    this.#log = log;
    this.#allowance = new Allowance(service.bounds);
    const at = server.address();
    this.address = addressOf(service.place, typeof at === "object" && at !== null ? at.port : undefined);
    server.on("connection", (socket) => this.#take(socket));
  }

  /** @throws GodwitError EADDRINUSE, EADDRNOTAVAIL, EACCES or EIO. */
  static async open(service: Service, log: Log): Promise<StreamPost> {
    // A program that a connection is for finds all that the client has sent: nothing is read before.
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    await listening(server, service.place);
    return new StreamPost(service, server, log);
  }

  update(service: Service): void {
    this.service = service;
    this.#allowance.rebound(service.bounds);
    this.#next();
  }

  async close(): Promise<void> {
    // Its promise is of all connections' end; the address is free at once.
    this.#server.close();
    for (const socket of this.#queue.splice(0)) socket.destroy();
  }

  abandon(): void {
    for (const socket of this.#served) socket.destroy();
  }

  #take(socket: Socket): void {
    socket.on("error", () => {}); // its close tells the same
    if (this.#queue.length === 0 && this.#start(socket)) return;
    if (this.#queue.length >= SUPERSERVER_QUEUE_MAX) {
      socket.destroy();
      return;
    }
    this.#queue.push(socket);
    socket.once("close", () => {
      const at = this.#queue.indexOf(socket);
      if (at >= 0) this.#queue.splice(at, 1);
    });
  }

  /** False when it has to wait: too many are served. */
  #start(socket: Socket): boolean {
    const verdict = this.#allowance.take(performance.now());
    if (verdict.kind === "busy") return false;
    if (verdict.kind === "refused") {
      socket.destroy();
      if (verdict.isFirst) this.#log(tooOften(this.service));
      return true;
    }
    this.#served.add(socket);
    serveConnection(this.service.server, socket)
      .catch((error: unknown) => this.#log(`${titleOf(this.service)}: ${reasonOf(error)}`))
      .finally(() => {
        this.#served.delete(socket);
        this.#allowance.end();
        this.#next();
      });
    return true;
  }

  #next(): void {
    for (;;) {
      const [socket] = this.#queue;
      if (socket === undefined || !this.#start(socket)) return;
      this.#queue.shift();
    }
  }
}

/** Said once a minute. */
export function tooOften(service: Service): string {
  const { perMinute } = service.bounds;
  return `${titleOf(service)}: ${perMinute} starts within a minute, which is the most: none until the minute is over`;
}

function serveConnection(server: ReadyServer, socket: Socket): Promise<void> {
  if (server.kind === "internal") return serveTrivial(server.service, socket);
  if (server.kind === "command") return runCommand(server, socket);
  return serveStream(server.control, server.program, socket);
}

async function listening(server: Server, place: Place): Promise<void> {
  assert(place.transport !== "udp", "a stream is served over TCP or in the file system");
  const where =
    place.transport === "unix"
      ? { path: place.path }
      : { host: place.address, port: place.port, ipv6Only: place.family === "ipv6" && !place.isMapped };
  if (place.transport === "unix") removeStale(place.path);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(cannotListen(place, error)));
    server.listen({ ...where, backlog: SUPERSERVER_BACKLOG_MAX }, resolve);
  });
}

/** A socket in the file system outlives a server that was killed. */
function removeStale(path: string): void {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status?.isSocket() === true) unlinkSync(path);
}

/** What the system says of an address that one cannot have. */
export function cannotListen(place: Place, error: unknown): Error {
  const code: unknown = error instanceof Error ? Reflect.get(error, "code") : undefined;
  const known = code === "EADDRINUSE" || code === "EADDRNOTAVAIL" || code === "EACCES" ? code : "EIO";
  return failure(known, `cannot listen on ${addressOf(place)} (${place.transport}): ${reasonOf(error)}`, error);
}
