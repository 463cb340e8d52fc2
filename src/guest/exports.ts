/** What `import { ... } from "godwit"` gives in a process: what every process has, and the rest when it is first read. */

import type * as library from "./index.ts";
import { nameClass, refuseClone } from "./class.ts";
import { monotonic, now } from "./clock.ts";
import { lookup, onMessage, receive, register, send } from "./mailbox.ts";
import { Mutex } from "./mutex.ts";
import { part, type PartName } from "./part.ts";
import { checkpoint, exec, exit, fork, kill, migrate, self, spawn, wait } from "./process.ts";
import { randomBytes } from "./random.ts";
import { onSignal } from "./signal.ts";
import { sleep, Thread, ThreadLocal } from "./thread.ts";

const present = {
  Thread,
  ThreadLocal,
  sleep,
  Mutex,
  checkpoint,
  migrate,
  exec,
  exit,
  fork,
  kill,
  self,
  spawn,
  wait,
  onSignal,
  lookup,
  onMessage,
  receive,
  register,
  send,
  monotonic,
  now,
  randomBytes,
};

const later = {
  Condition: "synchronise",
  RwLock: "synchronise",
  Semaphore: "synchronise",
  inspect: "inspect",
  Connection: "net",
  DatagramSocket: "net",
  listen: "net",
  Listener: "net",
  upgradeWebSocket: "upgrade",
  exists: "io",
  File: "io",
  InputStream: "io",
  makeDirectory: "io",
  open: "io",
  OutputStream: "io",
  promises: "io",
  readDirectory: "io",
  readFile: "io",
  remove: "io",
  rename: "io",
  serve: "serve",
  stat: "io",
  stderr: "io",
  stdin: "io",
  stdout: "io",
  writeFile: "io",
  keep: "keep",
  session: "session",
  onUrgent: "urgent",
  KeyCache: "store",
  openCache: "store",
  Scratch: "store",
  scratch: "store",
} as const satisfies Record<string, PartName>;

type Offered = keyof typeof present | keyof typeof later;
type Declared = keyof typeof library;
/** Of what is read later, the part where it is: a proxy takes less room in every process than a getter for each. */
const offered: Record<PropertyKey, unknown> = { ...present, ...later };
/** The compiler sees to it that the names offered here are those that `index.ts` declares, no fewer and no more. */
export const exports = new Proxy(offered, {
  get: (_target, name) => {
    const value = offered[name];
    return typeof value === "string" ? (part(value as PartName) as unknown as typeof offered)[name] : value;
  },
}) as Record<Declared, unknown> & Record<Exclude<Offered, Declared>, never>;

for (const [name, value] of Object.entries(present)) {
  if (typeof value !== "function") continue;
  nameClass(name, value);
  if (/^[A-Z]/.test(name)) refuseClone(value.prototype as object);
}
