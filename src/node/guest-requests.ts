/** What processes ask of their node by system call: other processes, signals, messages, names. */

import type { SpawnRequest } from "../abi/records.ts";
import { unreachable } from "../assert.ts";
import { failure, GodwitError } from "../errors.ts";
import { narrow } from "../kernel/capability.ts";
import { allowed } from "../kernel/file-access.ts";
import type { Birth, Completion, NodeRequest } from "../kernel/protocol.ts";
import { narrowQuotas } from "../kernel/quota.ts";
import { hostFiles } from "../resources/file.ts";
import type { Node } from "./node.ts";
import { descendsFrom, type Entry, familyOf } from "./process-table.ts";
import { compileProgram, guestExports } from "./program.ts";

/** Answered waits that are remembered for each process. */
const ANSWERED_WAITS_MAX = 64;

/** Carries out one request and completes its call. */
export function serve(node: Node, entry: Entry, call: number, request: NodeRequest): void {
  const complete = (outcome: Completion) => node.complete(entry, call, outcome);
  if (request.kind === "wait") return wait(node, entry, call, request.pid, request.timeoutMs);
  answer(node, entry, request).then(
    (value) => complete({ ok: true, value }),
    (error: unknown) => {
      if (!(error instanceof GodwitError)) throw error;
      complete({ ok: false, code: error.code, message: error.message });
    },
  );
}

async function answer(node: Node, entry: Entry, request: Exclude<NodeRequest, { kind: "wait" }>): Promise<unknown> {
  const { table } = node;
  switch (request.kind) {
    case "fork":
      return node.reserveFork(entry).pid;
    case "spawn":
      return node.start(entry, await birthOf(entry, request.path, request.request));
    case "exec": {
      const birth = await birthOf(entry, request.path, request.request);
      entry.name = birth.program.name;
      return { program: birth.program, arguments: birth.arguments, environment: birth.environment };
    }
    case "kill": {
      const target = table.living(request.pid);
      if (!descendsFrom(target, entry)) throw failure("EPERM", `process ${request.pid} is not below process ${entry.pid}: only itself and its descendants can be signalled`);
      return node.tell(target, { op: "signal", pid: target.pid, signal: request.signal });
    }
    case "send": {
      const target = recipient(node, entry, request.to);
      await node.ask(target, { kind: "deliver", from: entry.pid, payload: request.payload });
      return undefined;
    }
    case "register":
      return table.register(entry, request.name);
    case "lookup":
      return table.named(request.name)?.pid ?? -1;
    default:
      return unreachable(request, "request");
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
  if (familyOf(target) !== familyOf(sender)) throw failure("EPERM", `process ${to} is of another family: it can be sent to by a name that it registers`);
  return target;
}

async function birthOf(entry: Entry, path: string, request: SpawnRequest): Promise<Omit<Birth, "pid" | "parent">> {
  const file = await allowed(hostFiles, entry, "run", path);
  const { name, source, sourceMap } = await compileProgram(file, { guestExports: await guestExports(), workingDirectory: entry.workingDirectory });
  return {
    program: { name, source, sourceMap },
    arguments: request.arguments ?? [],
    environment: request.environment ?? {},
    quotas: narrowQuotas(entry.quotas, request.quotas ?? {}),
    capabilities: narrow(entry.capabilities, request.capabilities ?? {}, entry.workingDirectory),
    workingDirectory: entry.workingDirectory,
    stress: undefined,
  };
}

function wait(node: Node, entry: Entry, call: number, pid: number, timeoutMs: number): void {
  if (entry.answeredWaits.has(call)) return;
  const complete = (outcome: Completion) => {
    entry.answeredWaits.add(call);
    if (entry.answeredWaits.size > ANSWERED_WAITS_MAX) entry.answeredWaits.delete(Math.min(...entry.answeredWaits));
    node.complete(entry, call, outcome);
  };
  const again = entry.waits.findIndex((one) => one.call === call);
  if (again >= 0) clearTimeout(entry.waits.splice(again, 1)[0]?.timer);
  const children = node.table.all().filter((one) => one.parent === entry && one.exit === undefined && (pid === -1 || one.pid === pid));
  const zombie = entry.zombies.findIndex((status) => pid === -1 || status.pid === pid);
  if (zombie < 0 && children.length === 0) {
    return complete({ ok: false, code: "ECHILD", message: pid === -1 ? `process ${entry.pid} has no children` : `process ${pid} is no child of process ${entry.pid}` });
  }
  const expire = () => {
    entry.waits.splice(entry.waits.findIndex((one) => one.call === call), 1);
    complete({ ok: true, value: null });
  };
  const timer = timeoutMs >= 0 && zombie < 0 ? setTimeout(expire, timeoutMs) : undefined;
  entry.waits.push({ call, pid, timer });
  answerWaits(node, entry);
}

/** Gives ended children to the waits that want them. Nothing is given while the parent is between two LWPs. */
export function answerWaits(node: Node, parent: Entry): void {
  if (parent.held !== undefined || parent.exit !== undefined) return;
  for (const one of [...parent.waits]) {
    const index = parent.zombies.findIndex((status) => one.pid === -1 || status.pid === one.pid);
    const status = parent.zombies[index];
    if (status === undefined) continue;
    parent.zombies.splice(index, 1);
    parent.waits.splice(parent.waits.indexOf(one), 1);
    clearTimeout(one.timer);
    parent.answeredWaits.add(one.call);
    node.complete(parent, one.call, { ok: true, value: status });
  }
}
