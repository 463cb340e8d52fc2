/** What processes ask of their node by system call: other processes, signals, messages, names. */

import type { Quotas, SpawnRequest } from "../abi/records.ts";
import { unreachable } from "../assert.ts";
import { failure, GodwitError } from "../errors.ts";
import { ANSWERED_WAITS_MAX, HOST_TIMER_MAX_MS } from "../limits.ts";
import { narrow } from "../kernel/capability.ts";
import { allowed } from "../kernel/file-access.ts";
import type { Birth, Completion, NodeRequest } from "../kernel/protocol.ts";
import { narrowQuotas } from "../kernel/quota.ts";
import { hostFiles } from "../resources/file.ts";
import type { Node } from "./node.ts";
import { descendsFrom, type Entry, type ParentWait } from "./process-table.ts";
import { compileProgram, guestExports } from "./program.ts";

/** Calls by which processes move themselves, the last of each. */
const moveCalls = new WeakMap<Entry, number>();

/** Carries out one request and completes its call. */
export function serve(node: Node, entry: Entry, call: number, request: NodeRequest): void {
  if (entry.exit !== undefined) return;
  const { life } = entry;
  const complete = (outcome: Completion) => {
    if (entry.life === life) node.complete(entry, call, outcome);
  };
  const failed = (error: unknown) => {
    if (!(error instanceof GodwitError)) throw error;
    complete({ ok: false, code: error.code, message: error.message });
  };
  if (request.kind === "wait") return wait(node, entry, call, request.pid, request.timeoutMs);
  if (request.kind === "migrate") {
    // Made again on another LWP while the move goes on.
    if (moveCalls.get(entry) === call) return;
    moveCalls.set(entry, call);
  }
  if (request.kind === "fork") {
    try {
      return node.forkFor(entry, call, request.gives);
    } catch (error) {
      return failed(error);
    }
  }
  answer(node, entry, request).then((value) => complete({ ok: true, value }), failed);
}

/** A process goes on from its image: the calls that it makes from now on are others than those that had their numbers. */
export function beginAnew(entry: Entry): void {
  entry.life++;
  moveCalls.delete(entry);
  entry.answeredWaits.clear();
  for (const { timer } of entry.waits.splice(0)) clearTimeout(timer);
}

async function answer(
  node: Node,
  entry: Entry,
  request: Exclude<NodeRequest, { kind: "wait" | "fork" }>,
): Promise<unknown> {
  const { table } = node;
  switch (request.kind) {
    case "spawn":
      return spawn(node, entry, request);
    case "exec": {
      const birth = await birthOf(entry, request.path, request.request, entry.quotas);
      entry.name = birth.program.name;
      return { program: birth.program, arguments: birth.arguments, environment: birth.environment };
    }
    case "kill": {
      const target = table.living(request.pid);
      if (!descendsFrom(target, entry))
        throw failure(
          "EPERM",
          `process ${request.pid} is not below process ${entry.pid}: only itself and its descendants can be signalled`,
        );
      return node.tell(target, { op: "signal", pid: target.pid, signal: request.signal });
    }
    case "send": {
      const { to, payload } = request;
      if (typeof to === "string" && table.named(to) === undefined && table.far !== undefined)
        return table.far.send(to, entry.pid, payload);
      const target = recipient(node, entry, to);
      await node.ask(target, { kind: "deliver", from: entry.pid, payload });
      return undefined;
    }
    case "migrate":
      return migrate(node, entry, request.to);
    case "register":
      return register(node, entry, request.name);
    case "lookup":
      return table.named(request.name)?.pid ?? table.far?.find(request.name) ?? -1;
    default:
      return unreachable(request, "request");
  }
}

/** The call ends at the target, where it is made again; here it ends only if the process stays. */
async function migrate(node: Node, entry: Entry, to: string): Promise<unknown> {
  if (node.mover === undefined) throw failure("ENONODE", `this node is alone: there is no node ${to}`);
  const { outcome, reason } = await node.mover(entry.pid, to);
  if (outcome !== "moved") throw failure("EAGAIN", `process ${entry.pid} stayed where it was: ${reason ?? outcome}`);
  return { node: to, epoch: 0 };
}

/** Here at once, so that nobody here comes between; then in the cluster, where it may be another's. */
async function register({ table }: Node, entry: Entry, name: string): Promise<void> {
  const isNew = !entry.names.has(name);
  table.register(entry, name);
  try {
    await table.far?.register(name, entry.pid);
  } catch (error) {
    if (isNew) table.unregister(entry, name);
    throw error;
  }
}

/** By name a message reaches whoever took that name; by pid only the sender's own family. */
function recipient(node: Node, sender: Entry, to: number | string): Entry {
  if (typeof to === "string") {
    const named = node.table.named(to);
    if (named === undefined) throw failure("ENOENT", `no process has registered the name ${to}`);
    return named;
  }
  const target = node.table.living(to);
  if (target.family !== sender.family)
    throw failure("EPERM", `process ${to} is of another family: it can be sent to by a name that it registers`);
  return target;
}

async function spawn(
  node: Node,
  entry: Entry,
  { path, request, lifeLeftMs }: Extract<NodeRequest, { kind: "spawn" }>,
): Promise<number> {
  const birth = await birthOf(entry, path, request, { ...entry.quotas, timeoutMs: lifeLeftMs });
  if (entry.exit !== undefined) throw failure("ECANCELED", `process ${entry.pid} has ended`);
  return node.start(entry, birth);
}

/** A program is made of what its starter may run or read: to compile a file is to read it. */
async function mayRead(entry: Entry, path: string): Promise<boolean> {
  for (const access of ["run", "read"] as const) {
    try {
      await allowed(hostFiles, entry, access, path);
      return true;
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
    }
  }
  return false;
}

async function birthOf(
  entry: Entry,
  path: string,
  request: SpawnRequest,
  held: Quotas,
): Promise<Omit<Birth, "pid" | "parent">> {
  const file = await allowed(hostFiles, entry, "run", path);
  const { workingDirectory } = entry;
  const { name, source, sourceMap } = await compileProgram(file, {
    guestExports: await guestExports(),
    workingDirectory,
    mayRead: (path) => mayRead(entry, path),
  });
  return {
    program: { name, source, sourceMap },
    arguments: request.arguments ?? [],
    environment: request.environment ?? {},
    quotas: narrowQuotas(held, request.quotas ?? {}),
    capabilities: narrow(entry.capabilities, request.capabilities ?? {}, entry.workingDirectory),
    workingDirectory: entry.workingDirectory,
    stress: undefined,
  };
}

/**
 * A child's end is told once, to a parent that is there to hear it. Between two LWPs nothing is answered: a parent that
 * arrives at another makes its waits again there, one that stays is answered then.
 */
function wait(node: Node, parent: Entry, call: number, pid: number, timeoutMs: number): void {
  if (parent.answeredWaits.has(call)) return;
  forgetWait(parent, call);
  goOnWaiting(node, parent, { call, pid, leftMs: timeoutMs < 0 ? undefined : timeoutMs });
  answerWaits(node, parent);
}

/** What is left of a wait: here, or at the home that the parent had before. */
export interface WaitLeft {
  readonly call: number;
  readonly pid: number;
  /** Absent for a wait without end. */
  readonly leftMs?: number | undefined;
}

export function goOnWaiting(node: Node, parent: Entry, { call, pid, leftMs }: WaitLeft): void {
  const atMs = leftMs === undefined ? undefined : performance.now() + leftMs;
  const one: ParentWait = { call, pid, atMs, timer: undefined };
  parent.waits.push(one);
  if (atMs !== undefined) expireWait(node, parent, one, atMs);
}

/** Waits that another home goes on with. */
export function waitsLeft(parent: Entry): WaitLeft[] {
  return parent.waits.splice(0).map(({ call, pid, atMs, timer }) => {
    clearTimeout(timer);
    return { call, pid, leftMs: atMs === undefined ? undefined : Math.max(0, atMs - performance.now()) };
  });
}

/** Ends the wait at its time, which may be further off than the host's timers reach. */
function expireWait(node: Node, parent: Entry, one: ParentWait, atMs: number): void {
  if (!parent.waits.includes(one) || parent.exit !== undefined) return;
  const leftMs = Math.max(0, atMs - performance.now());
  one.timer = setTimeout(
    () => {
      if (leftMs > HOST_TIMER_MAX_MS) return expireWait(node, parent, one, atMs);
      if (parent.held !== undefined) return void parent.held.over.then(() => expireWait(node, parent, one, atMs));
      forgetWait(parent, one.call);
      completeWait(node, parent, one.call, { ok: true, value: null });
    },
    Math.min(leftMs, HOST_TIMER_MAX_MS),
  );
}

function forgetWait(parent: Entry, call: number): void {
  const index = parent.waits.findIndex((one) => one.call === call);
  if (index >= 0) clearTimeout(parent.waits.splice(index, 1)[0]?.timer);
}

function completeWait(node: Node, parent: Entry, call: number, outcome: Completion): void {
  const { answeredWaits } = parent;
  answeredWaits.add(call);
  for (const oldest of answeredWaits) {
    if (answeredWaits.size <= ANSWERED_WAITS_MAX) break;
    answeredWaits.delete(oldest);
  }
  node.complete(parent, call, outcome);
}

/** Gives ended children to the waits that want them; a wait for a child that there is not is an error. */
export function answerWaits(node: Node, parent: Entry): void {
  if (parent.held !== undefined || parent.exit !== undefined) return;
  for (const { call, pid } of parent.waits.slice()) {
    const index = parent.zombies.findIndex((status) => pid === -1 || status.pid === pid);
    const [status] = index < 0 ? [] : parent.zombies.splice(index, 1);
    const hasChild = [...parent.heirs].some((child) => child.parent === parent && (pid === -1 || child.pid === pid));
    if (status === undefined && hasChild) continue;
    const none =
      pid === -1 ? `process ${parent.pid} has no children` : `process ${pid} is no child of process ${parent.pid}`;
    forgetWait(parent, call);
    completeWait(
      node,
      parent,
      call,
      status === undefined ? { ok: false, code: "ECHILD", message: none } : { ok: true, value: status },
    );
  }
}
