/** Where a node's control socket is, and who may be trusted to have put it there. */

import { type Stats, statSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";
import { failure } from "../errors.ts";
import { SOCKET_PATH_MAX_BYTES } from "../limits.ts";

/** The node that is meant when none is named. */
export const DEFAULT_NODE_NAME = "local";

/** A node's name: letters, digits, `-` and `_`, at most 63. It names the socket's file. */
export function assertNodeName(name: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/.test(name)) return;
  throw failure("EINVAL", `"${name}" cannot be a node's name: take letters, digits, "-" and "_", at most 63`);
}

/** The folder for sockets: in the user's own runtime folder, or one of the user's own under the temporary folder. */
function socketFolder(environment: NodeJS.ProcessEnv): string {
  const runtime = environment["XDG_RUNTIME_DIR"];
  if (runtime !== undefined && runtime !== "") return join(runtime, "godwit");
  return join(tmpdir(), `godwit-${userInfo().uid}`);
}

/**
 * The socket's path: `$GODWIT_SOCKET`, or NAME.sock in `$XDG_RUNTIME_DIR/godwit`, or in a folder of this user under
 * the temporary folder.
 * @throws GodwitError EINVAL for a path longer than a socket's may be.
 */
export function socketPath(name: string = DEFAULT_NODE_NAME, environment: NodeJS.ProcessEnv = process.env): string {
  const given = environment["GODWIT_SOCKET"];
  const path = given !== undefined && given !== "" ? resolve(given) : join(socketFolder(environment), `${name}.sock`);
  assertSocketPath(path);
  return path;
}

/** @throws GodwitError EINVAL for a path longer than a socket's may be. */
export function assertSocketPath(path: string): void {
  const sizeBytes = Buffer.byteLength(path);
  if (sizeBytes <= SOCKET_PATH_MAX_BYTES) return;
  const advice = "set GODWIT_SOCKET to a shorter path";
  throw failure(
    "EINVAL",
    `the socket's path ${path} has ${sizeBytes} bytes, at most ${SOCKET_PATH_MAX_BYTES}: ${advice}`,
  );
}

function assertOwn(status: Stats, what: string, advice: string): void {
  const uid = process.getuid?.();
  if (uid === undefined || status.uid === uid) return;
  throw failure("EPERM", `${what} belongs to user ${status.uid}, not to you (${uid}): ${advice}`);
}

/**
 * Whoever can write in the folder can put a socket of their own there and be given this user's programs and images.
 * @throws GodwitError EPERM when the folder belongs to another user or others may write in it, ENOTDIR when it is no
 * folder. A folder that is not there is left to the caller (ENOENT from the system).
 */
export function assertPrivateFolder(folder: string): void {
  const status = statSync(folder);
  const advice = "set GODWIT_SOCKET to a path in a folder of your own, with mode 0700";
  if (!status.isDirectory()) throw failure("ENOTDIR", `the socket's folder ${folder} is no folder: ${advice}`);
  assertOwn(status, `the socket's folder ${folder}`, advice);
  if ((status.mode & 0o022) === 0) return;
  const mode = (status.mode & 0o7777).toString(8).padStart(4, "0");
  throw failure(
    "EPERM",
    `others may write in the socket's folder ${folder} (mode ${mode}): chmod 700 it, or ${advice}`,
  );
}

/** The client's check before it connects: the folder is private, the socket this user's. Absence is not its concern. */
export function assertPrivateSocket(path: string): void {
  try {
    assertPrivateFolder(dirname(path));
    assertOwn(statSync(path), `the socket ${path}`, "start a node of your own with `godwit up`");
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, "code") === "ENOENT") return;
    throw error;
  }
}
