/** Calls of JetStream that are tried again while a leader is being elected or the connection is down. */

import { setTimeout as delay } from "node:timers/promises";
import { JetStreamApiCodes, JetStreamApiError, JetStreamError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import { type GodwitError, failure } from "../../../errors.ts";
import { closedError } from "../../wait.ts";

const RETRY_MS = 100;
/** One try waits no longer than this: what was asked of a leader that is dead is never answered. */
const TRY_MS = 2_000;

/**
 * Tries until it succeeds, fails for a reason that stays, or the time is over. `what` is tried with the time it has; it must
 * be such that it may be done twice.
 * @throws GodwitError ETIMEDOUT, ENOSPC or ECLUSTER; or what {@link isConflict} is true of.
 */
export async function attempt<T>(name: string, timeoutMs: number, what: (timeoutMs: number) => Promise<T>): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await what(Math.max(1, Math.min(TRY_MS, endMs - performance.now())));
    } catch (error) {
      if (!isPassing(error)) throw isConflict(error) ? error : natsError(name, error);
      if (performance.now() + RETRY_MS > endMs) {
        const unknown = "what it was to do may have been done";
        throw failure(
          "ETIMEDOUT",
          `${name} was not answered within ${timeoutMs} ms; ${unknown}: ${String(error)}`,
          error,
        );
      }
      await delay(RETRY_MS);
    }
  }
}

/** Whether a write expected another last revision of its key. */
export function isConflict(error: unknown): boolean {
  if (!(error instanceof JetStreamApiError)) return false;
  const { StreamWrongLastSequence, StreamWrongLastSequenceUnknown } = JetStreamApiCodes;
  return error.code === StreamWrongLastSequence || error.code === StreamWrongLastSequenceUnknown;
}

/** Whether it failed because the connection was closed on purpose: the library says so in several ways. */
function isClosed(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof errors.ClosedConnectionError || cause instanceof errors.DrainingConnectionError) return true;
    if (cause.message === "connection closed") return true;
  }
  return false;
}

/** No server has room for a copy: while servers of a cluster start, they are not known yet. */
const NO_PEERS_CODE = 10005;

/** Whether trying again may help. */
function isPassing(error: unknown): boolean {
  if (isClosed(error)) return false;
  // 503: no leader now.
  if (error instanceof JetStreamApiError)
    return error.code === NO_PEERS_CODE || (error.status === 503 && !isFull(error));
  if (error instanceof errors.TimeoutError || error instanceof errors.RequestError) return true;
  // Nobody answers for JetStream: while its servers elect a leader.
  return error instanceof JetStreamError || (error instanceof Error && error.name === "JetStreamNotEnabled");
}

/** The codes of a server, an account or a stream that has no more room. */
const FULL_CODES = [10023, 10047, 10077, 10028, 10002];

function isFull(error: JetStreamApiError): boolean {
  return FULL_CODES.includes(error.code);
}

/** What NATS says, as an error of ours. */
export function natsError(name: string, error: unknown): GodwitError {
  if (isClosed(error)) return closedError();
  if (error instanceof errors.TimeoutError) return failure("ETIMEDOUT", `${name} was not answered in time`, error);
  if (error instanceof JetStreamApiError && isFull(error)) {
    return failure(
      "ENOSPC",
      `${name}: NATS has no room: ${error.message}; raise its limits, or delete something`,
      error,
    );
  }
  return failure("ECLUSTER", `${name} failed: ${String(error)}`, error);
}
