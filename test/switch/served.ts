/** Programs that serve a service of a test's cluster, and clients of it. */

import assert from "node:assert/strict";
import type { ServiceStart } from "../../src/abi/control.ts";
import type { ClusterMember } from "../../src/node/cluster-member.ts";
import { until } from "../cluster/condition.ts";

export const PRELUDE = "const { serve, sleep, self, Thread } = globalThis.__godwit.exports;\n";

/** Sends back what comes over connections of a service. */
export const echoOf = (service: string): string => `
const { listen } = globalThis.__godwit.exports;
for (const connection of listen({ name: "${service}" }))
  Thread.create(() => {
    for (const bytes of connection) connection.write(bytes);
    connection.close();
  });`;

/** Starts a program at a node, and waits until it is known at all of these to serve. Returns its pid. */
export async function startServer(
  at: ClusterMember,
  source: string,
  { service = "web", seenBy = [at] }: { service?: string; seenBy?: readonly ClusterMember[] } = {},
): Promise<number> {
  const pid = await at.own.spawn({
    name: "server.js",
    source: PRELUDE + source,
    capabilities: { listen: [`service:${service}`] },
  });
  at.own.output(pid, true, (stream, bytes) => {
    if (stream === "stderr") process.stderr.write(`process ${pid}: ${Buffer.from(bytes).toString()}`);
  });
  for (const member of seenBy)
    await until(`process ${pid} serves ${service}`, () => knows(member, service, pid), 20_000);
  return pid;
}

async function knows(member: ClusterMember, service: string, pid: number): Promise<boolean> {
  const all = await member.own.services();
  return all.some((one) => one.name === service && one.members.some((known) => known.pid === pid));
}

/** A front of a service at a node, as a URL without a slash at its end. */
export async function front(
  at: ClusterMember,
  options: { service?: string; address?: string; policy?: string; start?: ServiceStart } = {},
): Promise<string> {
  const { service = "web", address = "http://127.0.0.1:0", ...rest } = options;
  const exposed = await at.own.expose({ service, address, ...rest });
  assert.match(exposed.address, /:[1-9]\d*$/);
  return exposed.address;
}

/** The text of a response with status 200. */
export async function textOf(url: string, options?: RequestInit): Promise<string> {
  const response = await fetch(url, options);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return text;
}
