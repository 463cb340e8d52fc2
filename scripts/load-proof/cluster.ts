/** Nodes of one cluster, each an OS process, started by one that is not the load's: neither waits for the other. */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type NodeClient, connect } from "../../src/client/node-client.ts";
import type { FromCluster, ToCluster } from "./cluster-process.ts";

const PROCESS = fileURLToPath(new URL("./cluster-process.js", import.meta.url));

interface Member {
  readonly client: NodeClient;
  /** The most memory that it was seen to have. */
  peakBytes: number;
}

export class Cluster {
  readonly #child: ChildProcess;
  readonly #members = new Map<string, Member>();
  readonly #watch: NodeJS.Timeout;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#watch = setInterval(() => this.#measure(), 100);
  }

  static async start(names: readonly string[]): Promise<Cluster> {
    const cluster = new Cluster(fork(PROCESS, { stdio: ["ignore", "inherit", "inherit", "ipc"] }));
    for (const name of names) await cluster.add(name);
    return cluster;
  }

  /** One more node; resolves when it has joined. */
  async add(name: string): Promise<void> {
    this.#child.send({ add: name } satisfies ToCluster);
    const [{ socket }] = (await once(this.#child, "message")) as [FromCluster];
    this.#members.set(name, { client: await connect(socket), peakBytes: 0 });
  }

  at(name: string): NodeClient {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`there is no node ${name}`);
    return member.client;
  }

  /** The nodes that live, as the cluster knows them. */
  async names(): Promise<string[]> {
    const all = await this.at("n1").nodes();
    return all.filter(({ state }) => state === "up").map(({ name }) => name);
  }

  /** The most that each had since it was asked last, and now. */
  peaks(): Map<string, number> {
    this.#measure();
    const peaks = new Map([...this.#members].map(([name, { peakBytes }]) => [name, peakBytes]));
    for (const member of this.#members.values()) member.peakBytes = 0;
    return peaks;
  }

  /** Processor time that the nodes have had, in milliseconds. */
  cpuMs(): number {
    return [...this.#members.values()].reduce((sum, { client }) => sum + cpuMsOf(client.hostPid), 0);
  }

  #measure(): void {
    for (const member of this.#members.values())
      member.peakBytes = Math.max(member.peakBytes, residentOf(member.client.hostPid));
  }

  async stop(): Promise<void> {
    clearInterval(this.#watch);
    if (this.#child.exitCode !== null) return;
    this.#child.disconnect();
    await once(this.#child, "exit");
  }
}

function residentOf(hostPid: number): number {
  try {
    const status = readFileSync(`/proc/${hostPid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** proc_pid_stat(5): user and system time, in ticks of 10 ms, are the 14th and 15th field; the second may have spaces. */
function cpuMsOf(hostPid: number): number {
  try {
    const fields = readFileSync(`/proc/${hostPid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return 0;
  }
}
