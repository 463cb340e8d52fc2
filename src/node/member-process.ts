/**
 * One node of several that `godwit up --nodes` starts: an OS process of its own, which joins, serves a control socket, and ends
 * with the one that started it.
 */

import { rmSync } from "node:fs";

import { connectEmbedded } from "../cluster/engines/embedded.ts";
import type { Identity } from "../cluster/identity.ts";
import { type ErrorCode, GodwitError } from "../errors.ts";
import { ClusterMember } from "./cluster-member.ts";
import { startDaemon } from "./daemon.ts";
import { ParentChannel } from "./parent-channel.ts";
import type { Parcel } from "../switch/handoff.ts";
import { SharedSockets } from "./shared-sockets.ts";

/** What the process that started it says. */
export type ToMember =
  | { readonly op: "join"; readonly launch: Launch }
  | { readonly op: "stop" }
  /** With the descriptor of a connection that another node gives to this one. */
  | { readonly op: "passed"; readonly from: string; readonly parcel: Parcel }
  /** One that was passed stays with that node. */
  | { readonly op: "kept"; readonly from: string; readonly id: string }
  /** All others that were passed by that node so far are this one's. */
  | { readonly op: "settled"; readonly from: string }
  /** A connection could not be passed on. */
  | { readonly op: "returned"; readonly id: string }
  /** The OS process of another node has ended. */
  | { readonly op: "dead"; readonly name: string }
  /** Another node is being started. */
  | { readonly op: "sibling"; readonly name: string }
  /** With a listening socket; without one, when nobody has it. */
  | { readonly op: "lent"; readonly id: number };

export interface Launch {
  readonly identity: Identity;
  /** The engine's socket. */
  readonly engine: string;
  /** Where links of peers are taken. */
  readonly address: string;
  /** Its control socket. */
  readonly socket: string;
  /** Where sockets are, of no use to anyone without the process that started this one. */
  readonly folder: string;
  readonly version: string;
  readonly lwps: number;
  readonly swapAfterMs: number | undefined;
  /** The other nodes that the same process has started by now. */
  readonly siblings: readonly string[];
}

/** What it answers, and what it says of listening sockets: whether others have one, that they can have its own, and so on. */
export type FromMember =
  | { readonly op: "joined" }
  | { readonly op: "failed"; readonly code: ErrorCode; readonly message: string }
  /** With the descriptor of a connection that is for another node. */
  | { readonly op: "pass"; readonly to: string; readonly parcel: Parcel }
  /** One that was passed stays here. */
  | { readonly op: "keep"; readonly to: string; readonly id: string }
  /** All others that were passed to that node so far are its own. */
  | { readonly op: "settle"; readonly to: string }
  | { readonly op: "borrow"; readonly id: number; readonly name: string }
  | { readonly op: "share" | "release"; readonly name: string };

function say(message: FromMember): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, () => resolve());
  });
}

async function join(launch: Launch): Promise<() => Promise<void>> {
  const { identity, address, socket, version, lwps, swapAfterMs } = launch;
  siblings = new ParentChannel(launch.siblings);
  const { name } = identity;
  const log = (line: string) => void process.stderr.write(`godwit: node ${name}: ${line}\n`);
  const engine = await connectEmbedded({ socket: launch.engine });
  const swap = swapAfterMs === undefined ? {} : { swapAfterMs };
  const settings = { name, engine, identity, address, socket, version, log, lwps, siblings, sockets, ...swap };
  const member = await ClusterMember.join(settings);
  const daemon = await startDaemon(member.control, { socket, version, log });
  member.onEmpty = () => void daemon.stop();
  member.onDeposed = (reason) => {
    log(`${reason.message}: others have its processes, and it ends`);
    process.exit(1);
  };
  void daemon.ended.then(() => process.exit(0));
  return () => daemon.stop();
}

const sockets = new SharedSockets();
let stop: () => Promise<void> = async () => process.exit(0);
let folder: string | undefined;
let siblings: ParentChannel | undefined;

async function obey(message: ToMember, handle: unknown): Promise<void> {
  switch (message.op) {
    case "join":
      ({ folder } = message.launch);
      stop = await join(message.launch);
      return say({ op: "joined" });
    case "stop":
      return stop();
    case "lent":
      return sockets.lent(message.id, handle);
    default:
      return siblings?.heard(message, handle);
  }
}

process.on("message", (message: ToMember, handle: unknown) => void obey(message, handle).catch(fail));
// Nobody is left who would stop it, and the engine is gone: with it all that moves could be agreed by.
process.on("disconnect", () => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  process.exit(1);
});
// A terminal tells all processes in it: the one that started this one decides.
process.on("SIGINT", () => {}).on("SIGHUP", () => {});
process.on("SIGTERM", () => void stop().catch(fail));

async function fail(error: unknown): Promise<void> {
  const { code, message } = error instanceof GodwitError ? error : { code: "ENODE" as const, message: describe(error) };
  await say({ op: "failed", code, message });
  process.exit(1);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
