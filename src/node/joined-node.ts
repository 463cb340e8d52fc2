/** A node that takes part in a cluster of several machines: its engine, who it is, and where others reach it. */

import { statSync } from "node:fs";
import { join as joinPath } from "node:path";

import type { Engine } from "../cluster/engine.ts";
import { type NatsOptions, connectNatsEngine } from "../cluster/engines/nats.ts";
import { type Identity, authorityIn, hasAuthority, readIdentity, writeIdentity } from "../cluster/identity.ts";
import { identify } from "../cluster/identity-authority.ts";
import { join, serveJoins } from "../cluster/join.ts";
import { GodwitError, failure } from "../errors.ts";
import { ClusterMember } from "./cluster-member.ts";
import type { NodeOptions } from "./node.ts";

export interface JoinedNodeOptions extends Omit<NodeOptions, "firstPid"> {
  readonly nats: NatsOptions;
  /** Where it keeps who it is: for itself alone. */
  readonly state: string;
  /** `HOST` or `HOST:PORT` at which other machines reach it; without it, they do through the engine. */
  readonly address?: string;
  /** With it a new node joins a cluster that there is; without it, it founds one. */
  readonly token?: string;
  /** Its control socket. */
  readonly socket: string;
  readonly version: string;
  readonly log: (line: string) => void;
}

/** In the directory: the id of the cluster that was founded there. */
const FOUNDED = "cluster";

/**
 * Starts it in this OS process.
 * @throws GodwitError ECLUSTER; EEXIST when a living node has its name; EACCES when its token is refused; EPERM when there
 * is a cluster already that it does not belong to.
 */
export async function startJoinedNode(options: JoinedNodeOptions): Promise<ClusterMember> {
  const { nats, address, log } = options;
  const engine = await connectNatsEngine(nats);
  try {
    const identity = await identityOf(engine, options);
    if (hasAuthority(options.state)) await serveJoins(engine, options.state, log);
    const place = address === undefined ? "engine:" : `tls:${hasPort(address) ? address : `${address}:0`}`;
    return await ClusterMember.join({ ...options, engine, identity, address: place });
  } catch (error) {
    await engine.close();
    throw error;
  }
}

function hasPort(address: string): boolean {
  return /:\d+$/.test(address.replace(/^\[.*\]/, ""));
}

/** Who it is: as it was before, as the token makes it, or the founder. */
async function identityOf(engine: Engine, { name, state, token }: JoinedNodeOptions): Promise<Identity> {
  const path = joinPath(state, "identity.json");
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) {
    const identity = readIdentity(path);
    if (identity.name !== name)
      throw failure("EINVAL", `${state} is the state of node ${identity.name}, not ${name}: give each its own --state`);
    await assertFounded(engine, identity.cluster);
    return identity;
  }
  const identity = token === undefined ? await founded(engine, name, state) : await join(engine, token, name);
  writeIdentity(path, identity);
  return identity;
}

async function founded(engine: Engine, name: string, state: string): Promise<Identity> {
  const authority = await authorityIn(state);
  await assertFounded(engine, authority.cluster);
  return identify(authority, name);
}

/** One engine has one cluster: nodes of two would not speak to each other. */
async function assertFounded(engine: Engine, cluster: string): Promise<void> {
  const id = new Uint8Array(Buffer.from(cluster));
  try {
    await engine.directory.create(FOUNDED, id);
  } catch (error) {
    if (!(error instanceof GodwitError) || error.code !== "EEXIST") throw error;
    const present = await engine.directory.get(FOUNDED);
    if (present !== undefined && Buffer.from(present.value).equals(id)) return;
    const advice =
      "join it with --join and what `godwit join-token` printed on the machine of the node that founded it";
    throw failure("EPERM", `there is a cluster already on this engine: ${advice}`, error);
  }
}
