/** Servers on loopback for tests: well-behaved by `node:http`, ill-behaved by the bare socket. Closed with the test. */

import { once } from "node:events";
import { createServer as createHttp, type RequestListener, type Server as HttpServer } from "node:http";
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from "node:net";
import type { TestContext } from "node:test";

export interface LocalServer {
  readonly port: number;
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Connections that were made to it, in all. */
  readonly made: number;
  /** Connections that are open. */
  readonly open: ReadonlySet<Socket>;
}

export function httpServer(
  context: TestContext,
  listener: RequestListener,
): Promise<LocalServer & { http: HttpServer }> {
  const http = createHttp(listener);
  return listen(context, http).then((server) => Object.assign(server, { http }));
}

/** `serve` gets each connection, and what came first over it. */
export function rawServer(context: TestContext, serve: (socket: Socket, start: string) => void): Promise<LocalServer> {
  const tcp = createTcp((socket) => {
    socket.on("error", () => {});
    socket.once("data", (bytes) => serve(socket, bytes.toString("latin1")));
  });
  return listen(context, tcp);
}

async function listen(context: TestContext, server: Server): Promise<LocalServer> {
  const open = new Set<Socket>();
  let made = 0;
  server.on("connection", (socket: Socket) => {
    made++;
    open.add(socket);
    socket.once("close", () => open.delete(socket));
  });
  context.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    host: `127.0.0.1:${port}`,
    open,
    get made() {
      return made;
    },
  };
}

/** Until `holds`, looked at again as the event loop turns. */
export async function eventually(holds: () => boolean, what: string): Promise<void> {
  const untilMs = performance.now() + 20_000;
  while (!holds()) {
    if (performance.now() > untilMs) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A port of loopback where nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createTcp();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
