/** Sessions with soft state: what a server remembers of a client, and can do without. */

import {
  SESSION_EXPIRY_DEFAULT_MS,
  SESSION_EXPIRY_MAX_MS,
  SESSIONS_KEPT_DEFAULT_MAX,
  SESSIONS_KEPT_MAX,
} from "../../limits.ts";
import { coded, Mutex, nowMs, randomBytes } from "../core.ts";
import type { WebRequest } from "./serve.ts";

/** What a server remembers of one client. */
export interface Session<T extends object> {
  /** As the client's cookie has it. */
  readonly id: string;
  /** Whether the state was made for this request: the client is new, or what was remembered of it is lost. */
  readonly isNew: boolean;
  /** Whatever `rebuild` gave; changes to it are there at the client's next request, unless it is lost. */
  readonly state: T;
  /** The same state under another id, which nobody else can know: when the client logs in. */
  renew(): void;
  /** Forgets the state, and has the client forget its id. */
  end(): void;
}

export interface SessionOptions {
  /** The state is forgotten this long after the client's last request, in ms; half an hour, when nothing is said. */
  readonly expiryMs?: number;
  /** Sessions that are remembered; of more, those not used for longest are forgotten. 10,000, when nothing is said. */
  readonly sessionsMax?: number;
  /** `session`, when nothing is said. */
  readonly cookie?: string;
}

interface Kept {
  readonly state: object;
  expiresMs: number;
}

const ID_BYTES = 16;
const ID = /^[\da-f]{32}$/;
/** RFC 6265, 4.1.1. */
const COOKIE_NAME = /^[\w!#$%&'*+.^`|~-]{1,64}$/;
const DEFAULT_COOKIE = "session";
const MS_PER_S = 1000;

/** Of each cookie, what is remembered by id; used longest ago first. */
const stores = new Map<string, Map<string, Kept>>();
const tables = new Mutex();
/** Set-Cookie fields for the answers to requests. */
const fields = new WeakMap<object, Map<string, string>>();

/**
 * The session of the client that sent `request`, known by a cookie, which goes out with the answer by itself. Its state is soft:
 * it is bounded, expires, and is another process's own where several serve; whenever there is none, `rebuild` makes it.
 *
 * An id that a client brings and nobody knows is kept on, so that its state can be rebuilt: call `renew` when the client logs in.
 *
 * @throws `EINVAL` for options that make no sense.
 * @example
 * const { state } = session(request, () => ({ visits: 0 }));
 * return new Response(`visit ${++state.visits}`);
 */
export function session<T extends object>(
  request: WebRequest,
  rebuild: (id: string) => T,
  options: SessionOptions = {},
): Session<T> {
  const { expiryMs, sessionsMax, cookie } = checked(options);
  const brought = idOf((request as unknown as { headers: { get(name: string): string | null } }).headers, cookie);
  const store = storeOf(cookie);
  let id = brought ?? newId();
  let kept = tables.withLock(() => use(store, id, expiryMs));
  const isNew = kept === undefined;
  if (kept === undefined) {
    const made: Kept = { state: rebuild(id), expiresMs: nowMs() + expiryMs };
    // Another thread may have been sooner.
    kept = tables.withLock(() => use(store, id, expiryMs) ?? put(store, id, made, sessionsMax));
  }
  const { state } = kept;
  const secure = (request as unknown as { url: string }).url.startsWith("https:") ? "; Secure" : "";
  const answerWith = (value: string, maxAgeMs: number): void => {
    const maxAge = Math.ceil(maxAgeMs / MS_PER_S);
    const own = fields.get(request) ?? new Map<string, string>();
    fields.set(request, own);
    own.set(cookie, `${cookie}=${value}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Lax${secure}`);
  };
  const keep = kept;
  answerWith(id, expiryMs);
  return {
    get id() {
      return id;
    },
    isNew,
    state: state as T,
    renew() {
      tables.withLock(() => {
        store.delete(id);
        id = newId();
        put(store, id, keep, sessionsMax);
      });
      answerWith(id, expiryMs);
    },
    end() {
      tables.withLock(() => store.delete(id));
      answerWith("", 0);
    },
  };
}

/** The Set-Cookie fields that the answer to a request is to have. */
export function cookiesOf(request: object): readonly string[] {
  return [...(fields.get(request)?.values() ?? [])];
}

function checked({
  expiryMs = SESSION_EXPIRY_DEFAULT_MS,
  sessionsMax = SESSIONS_KEPT_DEFAULT_MAX,
  cookie = DEFAULT_COOKIE,
}: SessionOptions): Required<SessionOptions> {
  if (!(expiryMs > 0 && expiryMs <= SESSION_EXPIRY_MAX_MS))
    throw coded("EINVAL", `expiryMs is ${String(expiryMs)}: give milliseconds, up to ${SESSION_EXPIRY_MAX_MS}`);
  if (!Number.isInteger(sessionsMax) || sessionsMax < 1 || sessionsMax > SESSIONS_KEPT_MAX)
    throw coded("EINVAL", `sessionsMax is ${String(sessionsMax)}: give a whole number from 1 to ${SESSIONS_KEPT_MAX}`);
  if (!COOKIE_NAME.test(cookie)) throw coded("EINVAL", `"${cookie}" is no name for a cookie`);
  return { expiryMs, sessionsMax, cookie };
}

function storeOf(cookie: string): Map<string, Kept> {
  return tables.withLock(() => {
    const store = stores.get(cookie) ?? new Map<string, Kept>();
    stores.set(cookie, store);
    return store;
  });
}

function newId(): string {
  return Array.from(randomBytes(ID_BYTES), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** RFC 6265, 5.4; the first of that name, when it is an id of ours. */
function idOf(headers: { get(name: string): string | null }, cookie: string): string | undefined {
  for (const pair of (headers.get("cookie") ?? "").split(";")) {
    const at = pair.indexOf("=");
    if (at < 0 || pair.slice(0, at).trim() !== cookie) continue;
    const value = pair.slice(at + 1).trim();
    return ID.test(value) ? value : undefined;
  }
  return undefined;
}

/** What is remembered, used now. */
function use(store: Map<string, Kept>, id: string, expiryMs: number): Kept | undefined {
  const now = nowMs();
  const kept = store.get(id);
  if (kept === undefined) return undefined;
  store.delete(id);
  if (kept.expiresMs <= now) return undefined;
  kept.expiresMs = now + expiryMs;
  store.set(id, kept);
  return kept;
}

function put(store: Map<string, Kept>, id: string, kept: Kept, sessionsMax: number): Kept {
  store.set(id, kept);
  const now = nowMs();
  for (const [oldest, { expiresMs }] of store) {
    if (store.size <= sessionsMax && expiresMs > now) break;
    store.delete(oldest);
  }
  return kept;
}
