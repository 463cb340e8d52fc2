/** Bounds of what serves clients. They belong to the page `limits.ts`, which has no more room, and are imported from there. */

/** A stream's process has closed it: what its client still sends is let by for so long, and no more than this. */
export const STREAM_LINGER_MS = 20_000;
export const STREAM_LINGER_MAX_BYTES = 16 * 2 ** 20;
/** What UDP carries at most in one datagram. */
export const DATAGRAM_MAX_BYTES = 65_507;
/** Addresses that a datagram socket has heard from lately, and may answer. */
export const DATAGRAM_REMOTES_MAX = 4096;
/** A WebSocket's client from which nothing came for so long is asked whether it is there, and must tell within as long again. */
export const SOCKET_PING_MS = 30_000;
/** WebSockets that a process has granted and that are open: each has a call in flight, of `CALLS_IN_FLIGHT_MAX`. */
export const SOCKETS_SERVED_MAX = 512;
