/**
 * How the two ends of a connection find that they have the same session, or begin one. Of any two nodes the one whose name
 * sorts first is the arbiter: it alone decides which connection a session goes over, so that both agree when each opens
 * one to the other at once. The other joins: it says which sessions it knows, and hears the verdict.
 */

import type { Duplex } from "node:stream";
import * as v from "valibot";
import { failure } from "../errors.ts";
import { hear, say } from "./link-parley.ts";
import type { Session } from "./link-session.ts";

const id = v.pipe(v.string(), v.regex(/^[0-9a-f]{16}\.[0-9]{1,15}$/, "a session's id"));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** `mine` and `yours`: sessions, by whose they are. `received`: up to which message. */
const join = v.strictObject({ mine: id, yours: v.nullable(id), received: count });
const verdict = v.union([
  v.strictObject({ mine: id, yours: id, received: count, generation: count }),
  v.strictObject({ over: v.literal(true) }),
]);

/** The sessions of one node, to those who meet for them. */
export interface SessionBook {
  /** The live one with a peer. */
  find(peer: string): Session | undefined;
  begin(peer: string): Session;
}

/** Ids are of the node's own run and, within that, of when the session began. */
function isEarlier(id: string, than: string): boolean {
  const [run, number] = id.split(".");
  const [otherRun, otherNumber] = than.split(".");
  return run === otherRun && Number(number) < Number(otherNumber);
}

/** `dialled`: the session for which this side has opened the connection. @throws GodwitError EPROTO, ECONNRESET. */
export async function meet(
  stream: Duplex,
  self: string,
  peer: string,
  book: SessionBook,
  dialled?: Session,
): Promise<void> {
  const attend = self < peer ? judge : enter;
  // The second time is after a session that only one of the two still had.
  if (await attend(stream, peer, book, dialled)) return;
  if (await attend(stream, peer, book, self < peer ? dialled : undefined)) return;
  throw failure("EPROTO", `node ${peer} does not come to a session`);
}

/** The arbiter's side. False when the peer's session is over. */
async function judge(stream: Duplex, peer: string, book: SessionBook, dialled?: Session): Promise<boolean> {
  const { mine: theirs, yours, received } = await hear(stream, join);
  let session = book.find(peer);
  // Another connection was quicker, or the session has ended.
  if (dialled !== undefined && (session !== dialled || session.isAttached)) throw late(peer);
  const isSame = session !== undefined && session.peerId === theirs;
  if (yours !== null && (!isSame || session?.id !== yours)) {
    say(stream, { over: true });
    return false;
  }
  if (!isSame && session?.peerId !== undefined) {
    if (isEarlier(theirs, session.peerId)) throw late(peer);
    session.end(restarted(peer));
    session = undefined;
  }
  session ??= book.begin(peer);
  session.peerId = theirs;
  const generation = session.generation + 1;
  say(stream, { mine: session.id, yours: theirs, received: session.received, generation });
  session.attach(stream, generation, received);
  return true;
}

/** The other's side. False when the arbiter no longer has the session. */
async function enter(stream: Duplex, peer: string, book: SessionBook, dialled?: Session): Promise<boolean> {
  if (dialled !== undefined && (dialled.isAttached || dialled.isOver)) throw late(peer);
  const session = dialled ?? book.find(peer) ?? book.begin(peer);
  say(stream, { mine: session.id, yours: session.peerId ?? null, received: session.received });
  const told = await hear(stream, verdict);
  if ("over" in told) {
    session.end(restarted(peer));
    if (dialled !== undefined) throw restarted(peer);
    return false;
  }
  const { mine: theirs, yours, received, generation } = told;
  if (session.isOver || generation <= session.generation) throw late(peer);
  if (yours !== session.id || (session.peerId ?? theirs) !== theirs)
    throw failure("EPROTO", `node ${peer} means another session`);
  session.peerId = theirs;
  session.attach(stream, generation, received);
  return true;
}

function late(peer: string) {
  return failure("ECANCELED", `a connection with node ${peer} is not needed any more`);
}

function restarted(peer: string) {
  return failure("ECONNRESET", `the session with node ${peer} is over: the node was started again, or gave us up`);
}
