/**
 * The thread of a `LentSocket`. Node.js reads every socket that it has: so its event loop never turns here, from when the
 * socket is bound. The thread waits for orders, or for the socket, by the one call of Node's that waits for a
 * descriptor and takes nothing from it: `poll_oneoff` of WASI.
 */

import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { WASI } from "node:wasi";
import { assert } from "../../assert.ts";
import { LENT_SOCKET_POLL_MS, SUPERSERVER_BACKLOG_MAX } from "../../limits.ts";
import { type FromLentSocket, type LentSocketData, ORDERS } from "./lent-socket.ts";

const { request, order } = workerData as LentSocketData;
const { transport, family, isMapped, address, port } = request;

function tell(message: FromLentSocket): void {
  parentPort?.postMessage(message);
}

function fail(error: Error): never {
  tell({ kind: "fault", code: String(Reflect.get(error, "code")), message: error.message });
  process.exit();
}

/** The descriptor of one of Node's handles, which have it under no documented name. */
function descriptorOf(handle: unknown): number {
  const descriptor: unknown = typeof handle === "object" && handle !== null ? Reflect.get(handle, "fd") : undefined;
  if (typeof descriptor === "number" && descriptor >= 0) return descriptor;
  return fail(new Error(`this version of Node.js (${process.version}) does not tell a socket's descriptor`));
}

// https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#-subscription-record
const SUBSCRIPTION_BYTES = 48;
const EVENT_BYTES = 32;
const CLOCK = 0;
const FD_READ = 1;
const MONOTONIC = 1;
const EVENTS_AT = 2 * SUBSCRIPTION_BYTES;
const COUNT_AT = EVENTS_AT + 2 * EVENT_BYTES;

/** Waits until a descriptor can be read, and tells whether it can; not for ever, so that orders are heard. */
function reader(descriptor: number): () => boolean {
  const wasi = new WASI({ version: "preview1", stdin: descriptor });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: false });
  wasi.initialize({ exports: { memory } });
  const view = new DataView(memory.buffer);
  view.setBigUint64(0, BigInt(FD_READ), true);
  view.setUint8(8, FD_READ);
  view.setUint32(16, 0, true); // its standard input
  view.setBigUint64(SUBSCRIPTION_BYTES, BigInt(CLOCK), true);
  view.setUint8(SUBSCRIPTION_BYTES + 8, CLOCK);
  view.setUint32(SUBSCRIPTION_BYTES + 16, MONOTONIC, true);
  view.setBigUint64(SUBSCRIPTION_BYTES + 24, BigInt(LENT_SOCKET_POLL_MS) * 1_000_000n, true);
  const poll = wasi.wasiImport["poll_oneoff"] as (at: number, events: number, count: number, told: number) => number;
  return () => {
    const fault = poll(0, EVENTS_AT, 2, COUNT_AT);
    assert(fault === 0, `poll_oneoff waits for a socket (${fault})`);
    const events = Array.from(
      { length: view.getUint32(COUNT_AT, true) },
      (_, index) => EVENTS_AT + index * EVENT_BYTES,
    );
    return events.some((at) => view.getBigUint64(at, true) === BigInt(FD_READ));
  };
}

/** Does what it is ordered, until that is to close. The socket is closed with the thread. */
function serve(descriptor: number, boundPort: number): never {
  const isReadable = reader(descriptor);
  tell({ kind: "bound", descriptor, port: boundPort });
  for (;;) {
    const now = Atomics.load(order, 0);
    if (now === ORDERS.close) process.exit();
    if (now === ORDERS.rest) Atomics.wait(order, 0, ORDERS.rest);
    else if (isReadable() && Atomics.compareExchange(order, 0, ORDERS.watch, ORDERS.rest) === ORDERS.watch)
      tell({ kind: "ready" });
  }
}

const version = family === "ipv4" ? 4 : 6;
const ipv6Only = family === "ipv6" && !isMapped;
if (transport === "tcp") {
  const server = createServer();
  server.on("error", fail);
  server.listen({ host: address, port, ipv6Only, backlog: SUPERSERVER_BACKLOG_MAX }, () => {
    const at = server.address();
    assert(typeof at === "object" && at !== null, "a bound server has an address");
    serve(descriptorOf(Reflect.get(server, "_handle")), at.port);
  });
} else {
  const socket = createSocket({
    type: `udp${version}`,
    ipv6Only,
    // The address is one already; the usual way would take a turn of the loop.
    lookup: (host, _options, callback) => callback(null, host, version),
    ...(request.sendBufferBytes === undefined ? {} : { sendBufferSize: request.sendBufferBytes }),
    ...(request.receiveBufferBytes === undefined ? {} : { recvBufferSize: request.receiveBufferBytes }),
  });
  socket.on("error", fail);
  socket.on("listening", () => {
    const state = Object.getOwnPropertySymbols(socket).find(({ description }) => description === "state symbol");
    const own: unknown = state === undefined ? undefined : Reflect.get(socket, state);
    const handle = typeof own === "object" && own !== null ? (Reflect.get(own, "handle") as unknown) : undefined;
    serve(descriptorOf(handle), socket.address().port);
  });
  socket.bind({ address, port, exclusive: true });
}
