/** What went wrong on a connection, as one of our codes: from Node's, OpenSSL's and the HTTP client's own. */

import { type ErrorCode, failure, GodwitError } from "../errors.ts";

const CODES: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: "ECONNREFUSED",
  ECONNRESET: "ECONNRESET",
  EPIPE: "ECONNRESET",
  ECONNABORTED: "ECONNRESET",
  UND_ERR_SOCKET: "ECONNRESET",
  ENOTFOUND: "EHOSTUNREACH",
  EAI_AGAIN: "EHOSTUNREACH",
  EAI_FAIL: "EHOSTUNREACH",
  EAI_NODATA: "EHOSTUNREACH",
  EHOSTUNREACH: "EHOSTUNREACH",
  EHOSTDOWN: "EHOSTUNREACH",
  ENETUNREACH: "EHOSTUNREACH",
  ENETDOWN: "EHOSTUNREACH",
  EADDRNOTAVAIL: "EHOSTUNREACH",
  EACCES: "EHOSTUNREACH", // the system's, of an address for many
  EPERM: "EHOSTUNREACH", // the system's firewall
  EINVAL: "EHOSTUNREACH", // an address that no connection can be made to
  EMFILE: "EAGAIN",
  ENFILE: "EAGAIN",
  ENOBUFS: "EAGAIN",
  ETIMEDOUT: "ETIMEDOUT",
  UND_ERR_CONNECT_TIMEOUT: "ETIMEDOUT",
  UND_ERR_HEADERS_TIMEOUT: "ETIMEDOUT",
  UND_ERR_BODY_TIMEOUT: "ETIMEDOUT",
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: "EMSGSIZE",
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: "EMSGSIZE",
  UND_ERR_INVALID_ARG: "EINVAL",
  UND_ERR_NOT_SUPPORTED: "EINVAL",
};

/** What the HTTP client says in a socket's error that the other side's answer was the reason for. */
const BAD_ANSWERS: Readonly<Record<string, string>> = {
  "bad response": "an answer that nobody asked for",
  "bad upgrade": "a change to a protocol that nobody asked for",
};

/** `place` is what was connected to, for people. */
export function connectionFault(error: unknown, place: string): GodwitError {
  const cause = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  if (cause instanceof GodwitError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "";
  if (Object.hasOwn(BAD_ANSWERS, message)) return failure("EPROTO", `${place} sent ${BAD_ANSWERS[message]}`, error);
  const own = Object.hasOwn(CODES, code) ? CODES[code] : undefined;
  // What is left are the parsers' and TLS's many: the other side's answer, or certificate, is not what it must be.
  return failure(
    own ?? "EPROTO",
    `the connection to ${place} failed: ${message}${code === "" ? "" : ` (${code})`}`,
    error,
  );
}
