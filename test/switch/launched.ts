/** Nodes that are OS processes of one launcher, as `godwit up --nodes` starts them, and what tests want of them. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { ExposeOptions, Front } from "../../src/abi/control.ts";
import { Launcher } from "../../src/node/launcher.ts";
import { until } from "../cluster/condition.ts";
import { PRELUDE } from "./served.ts";

export class Launched {
  readonly launcher: Launcher;

  private constructor(launcher: Launcher) {
    this.launcher = launcher;
  }

  static async start(names: readonly string[], respawn = false): Promise<Launched> {
    const log = (line: string) => void process.stderr.write(`${line}\n`);
    return new Launched(await Launcher.start({ name: "test", names, version: "0", respawn, log, lwps: 1 }));
  }

  get control(): Launcher["control"] {
    return this.launcher.control;
  }

  stop(): Promise<void> {
    return this.launcher.stop();
  }

  async hostPid(node: string): Promise<number> {
    const found = (await this.control.nodes()).find(({ name }) => name === node);
    assert.ok(found !== undefined, `there is no node ${node}`);
    return found.hostPid;
  }

  /** Starts a program at a node; resolves to its pid when all nodes know that it serves. */
  async serve(node: string, source: string, service = "web"): Promise<number> {
    const pid = await this.control.spawn({
      name: "server.js",
      source: PRELUDE + source,
      capabilities: { listen: [`service:${service}`] },
      node,
    });
    this.control.output(pid, true, (stream, bytes) => {
      if (stream === "stderr") process.stderr.write(`process ${pid}: ${Buffer.from(bytes).toString()}`);
    });
    await until(`process ${pid} serves`, () => this.#serves(service, pid), 30_000);
    return pid;
  }

  async #serves(service: string, pid: number): Promise<boolean> {
    const all = await this.control.services();
    return all.some(({ name, members }) => name === service && members.some((one) => one.pid === pid));
  }

  async front(node: string, options: Partial<ExposeOptions> = {}): Promise<Front> {
    return this.control.expose({ service: "web", address: "http://127.0.0.1:0", node, ...options });
  }

  /** What a front tells of its connections now. */
  async passed({ address }: Front): Promise<NonNullable<Front["connections"]>> {
    const fronts = (await this.control.services()).flatMap((one) => one.fronts);
    const connections = fronts.find((one) => one.address === address)?.connections;
    assert.ok(connections !== undefined, `${address} tells nothing of its connections`);
    return connections;
  }
}

interface Connection {
  readonly inode: string;
  /** Bytes that came and were not read. */
  readonly unread: number;
}

/** Connections of which this side is at a port, as the system of an OS process tells them. */
function connectionsAt(hostPid: number, port: number): Connection[] {
  const found: Connection[] = [];
  for (const table of ["tcp", "tcp6"])
    for (const line of readFileSync(`/proc/${hostPid}/net/${table}`, "utf8").split("\n").slice(1)) {
      const [, local = "", , state, queues = "", , , , , inode = ""] = line.trim().split(/\s+/);
      const ownPort = Number.parseInt(local.slice(local.lastIndexOf(":") + 1), 16);
      const unread = Number.parseInt(queues.slice(queues.indexOf(":") + 1), 16);
      if (state !== "0A" && ownPort === port) found.push({ inode, unread });
    }
  return found;
}

/** How many descriptors an OS process has of connections at a port (of its own side). */
export function connectionsOf(hostPid: number, port: number): number {
  const inodes = new Set(connectionsAt(hostPid, port).map(({ inode }) => inode));
  inodes.delete("0");
  return readdirSync(`/proc/${hostPid}/fd`).filter((fd) => {
    try {
      return inodes.has(/^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${hostPid}/fd/${fd}`))?.[1] ?? "");
    } catch {
      return false; // it was closed meanwhile
    }
  }).length;
}

/** Bytes that have come on this machine's connections at a port, and that nobody has read. */
export function unreadAt(port: number): number {
  return connectionsAt(process.pid, port).reduce((sum, { unread }) => sum + unread, 0);
}

export function isRunning(hostPid: number): boolean {
  try {
    return process.kill(hostPid, 0);
  } catch {
    return false;
  }
}
