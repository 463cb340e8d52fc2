/**
 * One class for each condition that the world (a user, a file, a guest, a peer) can cause, each with a stable code.
 * A message says what happened, to what, and what to do next.
 */

/** The base of all of godwit's coded errors. `code` is stable across versions; `message` is for people. */
export class GodwitError extends Error {
  override readonly name: string = "GodwitError";
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Every code a {@link GodwitError} can carry, with its meaning. The names follow POSIX where POSIX has one. */
export const ERROR_CODES = {
  EACCES: "a capability that the process was not given",
  EADDRINUSE: "an address that somebody listens on already",
  EADDRNOTAVAIL: "an address that this machine does not have",
  EAGAIN: "the operation cannot be done now; try again",
  EBADF: "a handle that is not open",
  ECANCELED: "the operation was cancelled",
  ECHILD: "no such child to wait for",
  ECONNREFUSED: "nobody listens at that address",
  ECONNRESET: "the connection was broken",
  ECRYPTO: "a cryptographic operation that was refused; the message begins with the standard's name for the error",
  EDEADLK: "every thread waits for another",
  EEXIST: "the name is taken",
  EHOSTUNREACH: "no way to that host, or no such host",
  EINVAL: "an argument that makes no sense",
  EIO: "the host could not read or write",
  EISDIR: "a directory where a file was expected",
  EMFILE: "too many open handles in this process",
  EMSGSIZE: "a message larger than the mailbox takes",
  ENOENT: "no such file or name",
  ENOEXEC: "a program that cannot be compiled",
  ENOMEM: "the memory quota is used up",
  ENOSPC: "the bounded queue or store is full",
  ENOSYS: "no such system call",
  ENOTDIR: "a file where a directory was expected",
  ENOTEMPTY: "the directory is not empty",
  EPERM: "the operation is not permitted",
  EPIPE: "the other end is closed",
  EREMOTE: "the process is at home at another node now",
  EPROTO: "the other side does not keep to the protocol",
  EPROCLIM: "the quota of processes or threads is used up",
  ESRCH: "no such process or thread",
  ESTALE: "not the current revision: someone else wrote since",
  ETIMEDOUT: "the time given ran out",
  EIMAGE_CORRUPT: "an image that is truncated, altered or not an image",
  EIMAGE_VERSION: "an image of a version this build cannot read",
  EIMAGE_ENGINE: "an image for another engine",
  EIMAGE_LIMIT: "an image that declares more than the limits allow",
  EENGINE: "the engine could not be built or loaded",
  ECLUSTER: "the cluster's engine cannot be reached, or is not fit for use",
  ECORRUPT: "stored bytes that are truncated or altered",
  ENONODE: "no node is running at that address",
  ENODE: "the node failed while answering",
} as const satisfies Record<string, string>;

/** A stable error code. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Whether `value` is one of godwit's codes. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(ERROR_CODES, value);
}

/** An error to throw for `code`; the short form for call sites. */
export function failure(code: ErrorCode, message: string, cause?: unknown): GodwitError {
  return new GodwitError(code, message, cause === undefined ? undefined : { cause });
}
