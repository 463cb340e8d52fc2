/**
 * Parts of the library that a process loads when it first needs them, so that one that does not is spared their memory.
 * A part is a script of its own, built from `parts/NAME.ts`, evaluated at most once in a process. It reaches the rest of
 * the library through `core.ts` only.
 */

import type * as blob from "./parts/blob.ts";
import type * as crypto from "./parts/crypto.ts";
import type * as event from "./parts/event.ts";
import type * as fetch from "./parts/fetch.ts";
import type * as fetching from "./parts/fetching.ts";
import type * as form from "./parts/form.ts";
import type * as net from "./parts/net.ts";
import type * as ports from "./parts/ports.ts";
import type * as serve from "./parts/serve.ts";
import type * as session from "./parts/session.ts";
import type * as store from "./parts/store.ts";
import type * as streams from "./parts/streams.ts";
import type * as subtle from "./parts/subtle.ts";
import type * as synchronise from "./parts/synchronise.ts";
import type * as text from "./parts/text.ts";
import type * as urgent from "./parts/urgent.ts";
import type * as upgrade from "./parts/upgrade.ts";
import type * as url from "./parts/url.ts";
import type * as websocket from "./parts/websocket.ts";
import { syscall } from "./machine.ts";
import { Mutex } from "./mutex.ts";
import { nameClass, refuseClone, shapeInterface } from "./class.ts";

/** What the rest of the library uses of each part; programs see their full types, from `index.ts`. */
export interface Parts {
  readonly atomics: object;
  readonly blob: typeof blob;
  readonly clone: {
    structuredClone(value: unknown, options?: unknown): unknown;
    encodeMessage(value: unknown, transfer: readonly ArrayBuffer[]): Uint8Array;
    decodeMessage(bytes: Uint8Array): unknown;
  };
  readonly compression: object;
  readonly console: Record<ConsoleMethod, (...args: never[]) => void>;
  readonly crypto: typeof crypto;
  readonly event: typeof event;
  readonly fetch: typeof fetch;
  readonly fetching: typeof fetching;
  readonly form: typeof form;
  readonly inspect: {
    inspect(value: unknown, options?: object): string;
    format(args: readonly unknown[]): string;
    table(data: unknown, columns?: readonly string[]): string | undefined;
  };
  readonly io: object;
  readonly keep: { giveKept(): void };
  readonly net: typeof net;
  readonly performance: object;
  readonly ports: typeof ports;
  readonly serve: typeof serve;
  readonly session: typeof session;
  readonly store: typeof store;
  readonly streams: typeof streams;
  readonly subtle: typeof subtle;
  readonly synchronise: typeof synchronise;
  readonly text: typeof text;
  readonly urgent: typeof urgent;
  readonly upgrade: typeof upgrade;
  readonly url: typeof url;
  readonly websocket: typeof websocket;
}
export const CONSOLE_METHODS = [
  "dir",
  "trace",
  "assert",
  "count",
  "countReset",
  "time",
  "timeLog",
  "timeEnd",
  "group",
  "groupCollapsed",
  "groupEnd",
  "table",
] as const;
type ConsoleMethod = (typeof CONSOLE_METHODS)[number];
export type PartName = keyof Parts;

/** Parts whose classes are the web's. */
const WEB: readonly PartName[] = [
  "blob",
  "compression",
  "crypto",
  "event",
  "fetch",
  "form",
  "performance",
  "ports",
  "streams",
  "subtle",
  "text",
  "url",
  "websocket",
];

/** Parts whose classes extend another's, which must be there when they are evaluated: no call can be made then. */
const FOUNDATIONS: Partial<Record<PartName, readonly PartName[]>> = {
  fetching: ["fetch"],
  ports: ["event"],
  serve: ["fetch"],
  websocket: ["fetch", "ports"],
};

const loaded = new Map<string, object>();
const loading = new Mutex();

/** The exports of a part. */
export function part<N extends PartName>(name: N): Parts[N] {
  return (loaded.get(name) ?? load(name)) as Parts[N];
}

/** The exports of a part, if something has needed them. What is made of its classes is there only then. */
export function loadedPart<N extends PartName>(name: N): Parts[N] | undefined {
  return loaded.get(name) as Parts[N] | undefined;
}

function load(name: PartName): object {
  // A part that needs another while it is evaluated has the lock already.
  if (loading.isHeld) return loadOnce(name);
  return loading.withLock(() => loadOnce(name));
}

function loadOnce(name: PartName): object {
  const present = loaded.get(name);
  if (present !== undefined) return present;
  for (const foundation of FOUNDATIONS[name] ?? []) loadOnce(foundation);
  const exports = syscall("libraryPart", name) as Record<string, unknown>;
  for (const [key, value] of Object.entries(exports)) {
    if (typeof value !== "function") continue;
    nameClass(key, value);
    if (!/^[A-Z]/.test(key)) continue;
    refuseClone(value.prototype as object);
    if (WEB.includes(name)) shapeInterface(key, value as Parameters<typeof shapeInterface>[1]);
  }
  loaded.set(name, exports);
  return exports;
}
