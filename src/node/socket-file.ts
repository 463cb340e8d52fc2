/** The daemon's place in the file system: one live node at a path, and nobody else's. */

import { chmodSync, linkSync, lstatSync, mkdirSync, renameSync, statSync, unlinkSync } from "node:fs";
import { type Server, connect } from "node:net";
import { dirname } from "node:path";
import { failure } from "../errors.ts";
import { assertPrivateFolder, assertSocketPath } from "../client/socket.ts";

function codeOf(error: unknown): unknown {
  return error instanceof Error ? Reflect.get(error, "code") : undefined;
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

/** Whether something listens at `path`. A listener that is too busy to accept counts. @throws GodwitError EEXIST. */
function isAlive(path: string): Promise<boolean> {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined) return Promise.resolve(false);
  // Connecting to a plain file is "refused" too: it must not pass for a dead node's socket, which is removed.
  if (!status.isSocket()) {
    return Promise.reject(failure("EEXIST", `${path} is there and is no socket: move it away, or set GODWIT_SOCKET`));
  }
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", (error) => {
      const code = codeOf(error);
      if (code === "ENOENT" || code === "ECONNREFUSED") resolve(false);
      else if (code === "EAGAIN") resolve(true);
      else reject(failure("EIO", `cannot tell whether a node is running at ${path}: ${error.message}`, error));
    });
  });
}

/** @throws GodwitError EEXIST when a node listens at `path`. */
export async function assertNoNode(path: string): Promise<void> {
  if (!(await isAlive(path))) return;
  throw failure("EEXIST", `a node is already running at ${path}: use it, or stop it with \`godwit stop\``);
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function busy(path: string) {
  return failure("EAGAIN", `other nodes are starting at ${path} at the same time: try again`);
}

/**
 * Takes a dead node's socket away. Between the look and the removal another node may have come to `path`: so what is
 * removed is first given a name of our own and looked at again.
 */
async function removeStale(path: string): Promise<void> {
  const aside = `${path}.${process.pid}.old`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  try {
    if (await isAlive(aside)) linkSync(aside, path);
  } catch (error) {
    throw codeOf(error) === "EEXIST" ? busy(path) : error;
  } finally {
    unlinkSync(aside);
  }
}

/** Gives the socket at `own` the name `path`, unless a live node has it. A link, unlike a rename, never replaces. */
async function publish(own: string, path: string): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      linkSync(own, path);
      return;
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
    await assertNoNode(path);
    await removeStale(path);
  }
  throw busy(path);
}

/** @throws GodwitError EACCES; EPERM or ENOTDIR when the folder cannot be trusted. */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw failure("EACCES", `cannot make the socket's folder ${folder}: set GODWIT_SOCKET to another path`, error);
  }
  assertPrivateFolder(folder);
}

/**
 * Lets `server` listen at `path`, for this user alone. Returns what takes the socket away again.
 * @throws GodwitError EEXIST when a node runs there; EPERM or ENOTDIR when the folder cannot be trusted.
 */
export async function claimSocket(server: Server, path: string): Promise<() => void> {
  const own = `${path}.${process.pid}`;
  assertSocketPath(`${own}.old`);
  makeFolder(dirname(path));
  await assertNoNode(path);
  unlinkIfThere(own); // of an earlier process with our number, which is dead
  await listen(server, own);
  try {
    chmodSync(own, 0o600);
    await publish(own, path);
  } catch (error) {
    server.close();
    throw error;
  } finally {
    unlinkIfThere(own);
  }
  const { ino, dev } = statSync(path);
  return () => {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status?.ino === ino && status.dev === dev) unlinkIfThere(path);
  };
}
