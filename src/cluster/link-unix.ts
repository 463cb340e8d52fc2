/** Connections between nodes of one machine: sockets in a folder that only their user may enter. */

import { chmodSync, lstatSync, mkdirSync, statSync, unlinkSync } from "node:fs";
import { type Server, connect, createServer } from "node:net";
import { dirname } from "node:path";
import type { Duplex } from "node:stream";
import { failure } from "../errors.ts";
import { SOCKET_PATH_MAX_BYTES } from "../limits.ts";

/** Takes connections until it is closed. */
export interface UnixDoor {
  close(): Promise<void>;
}

/** @throws GodwitError EPERM when others could put a socket of theirs there; EINVAL; EADDRINUSE. */
export async function listenUnix(path: string, accept: (stream: Duplex) => void): Promise<UnixDoor> {
  checkPath(path);
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  checkOwn(folder);
  await removeStale(path);
  const server = createServer(accept);
  await listening(server, path);
  chmodSync(path, 0o600);
  return {
    // The server takes its socket away when it closes.
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Rejects with the system's error, or an AbortError. */
export async function connectUnix(path: string, signal?: AbortSignal): Promise<Duplex> {
  checkPath(path);
  checkOwn(dirname(path));
  return new Promise((resolve, reject) => {
    const socket = connect({ path, ...(signal === undefined ? {} : { signal }) });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) =>
      reject(failure("EADDRINUSE", `cannot listen to nodes at ${path}: ${error.message}`, error)),
    );
    server.listen(path, resolve);
  });
}

/** The socket of a node that is dead is in the way of the next. */
async function removeStale(path: string): Promise<void> {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined) return;
  if (!status.isSocket()) throw failure("EADDRINUSE", `${path} is there and is no socket: move it away`);
  const isAlive = await connectUnix(path).then(
    (stream) => stream.destroy(),
    (error: unknown) => !(error instanceof Error && Reflect.get(error, "code") === "ECONNREFUSED"),
  );
  if (isAlive !== false) throw failure("EADDRINUSE", `a node listens at ${path} already`);
  unlinkSync(path);
}

function checkPath(path: string): void {
  const sizeBytes = Buffer.byteLength(path);
  if (sizeBytes > 0 && sizeBytes <= SOCKET_PATH_MAX_BYTES) return;
  const advice = "take a shorter one";
  throw failure(
    "EINVAL",
    `the socket's path ${path} has ${sizeBytes} bytes, at most ${SOCKET_PATH_MAX_BYTES}: ${advice}`,
  );
}

function checkOwn(folder: string): void {
  const status = statSync(folder, { throwIfNoEntry: false });
  if (status === undefined) throw failure("ENOENT", `there is no folder ${folder}`);
  const isOwn = process.getuid === undefined || status.uid === process.getuid();
  if (isOwn && (status.mode & 0o022) === 0) return;
  throw failure("EPERM", `others may write in the sockets' folder ${folder}: chmod 700 it, or use another`);
}
