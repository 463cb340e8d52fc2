/**
 * Three machines in miniature: network namespaces with addresses of their own, joined by a switch in a fourth, each with a
 * NATS server of one cluster and a node of godwit. What is set up is taken down; nothing is left on the machine.
 */

import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type NodeClient, connect } from "../../src/client/node-client.ts";
import { Child } from "./child.ts";
import { until } from "./condition.ts";
import { findNatsServer } from "./nats-server.ts";

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
const COMMAND_TIMEOUT_MS = 60_000;
/** Three servers elect their leaders, and three nodes compile the engine. */
const START_MAX_MS = 60_000;
const NATS_PORT = 4222;
const ROUTE_PORT = 6222;
/** Where a server says how it is, on its own machine only. */
const MONITOR_PORT = 8222;

export const MACHINES = ["a", "b", "c"] as const;
export type Machine = (typeof MACHINES)[number];

async function ip(...args: string[]): Promise<void> {
  await run("ip", args, { timeout: COMMAND_TIMEOUT_MS });
}

/** The NATS server's path, where namespaces can be made; or why not. */
export async function findMeans(): Promise<{ nats: string } | { missing: string }> {
  if (process.platform !== "linux") return { missing: "network namespaces are Linux's" };
  if (process.getuid?.() !== 0) return { missing: "only root may make network namespaces" };
  const name = `gw${process.pid}-try`;
  try {
    await ip("netns", "add", name);
    await ip("netns", "exec", name, "true");
    await ip("netns", "del", name);
  } catch (error) {
    await ip("netns", "del", name).catch(() => {}); // it was not made
    const why = error instanceof Error ? (error.message.split("\n")[1] ?? error.message) : String(error);
    return { missing: `network namespaces cannot be made here: ${why}` };
  }
  const found = await findNatsServer();
  return "missing" in found ? found : { nats: found.path };
}

export class NamespaceWorld {
  readonly folder = mkdtempSync(join(tmpdir(), "godwit-net-"));
  readonly #nats: string;
  /** Of this run: names of interfaces have at most 15 characters. */
  readonly #id = `gw${process.pid}`;
  readonly #children: Child[] = [];
  readonly #nodes = new Map<Machine, Child>();

  private constructor(nats: string) {
    this.#nats = nats;
  }

  /** Resolves when all three nodes are in one cluster. `nodeFlags`: more for `godwit up`. */
  static async start(nats: string, nodeFlags: readonly string[] = []): Promise<NamespaceWorld> {
    const world = new NamespaceWorld(nats);
    try {
      await world.#connect();
      await Promise.all(MACHINES.map((machine) => world.#startServer(machine)));
      await world.up("a", nodeFlags);
      for (const machine of ["b", "c"] as const) await world.up(machine, ["--join", await world.token(), ...nodeFlags]);
      return world;
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  #namespace(machine: Machine | "switch"): string {
    return `${this.#id}-${machine}`;
  }

  #port(machine: Machine): string {
    return `${this.#id}${machine}1`;
  }

  address(machine: Machine): string {
    return `10.213.${process.pid % 250}.${MACHINES.indexOf(machine) + 1}`;
  }

  socket(machine: Machine): string {
    return join(this.folder, `${machine}.sock`);
  }

  // ---- The network

  async #connect(): Promise<void> {
    const middle = this.#namespace("switch");
    await ip("netns", "add", middle);
    await ip("-n", middle, "link", "add", "br0", "type", "bridge");
    await ip("-n", middle, "link", "set", "br0", "up");
    for (const machine of MACHINES) {
      const [namespace, own] = [this.#namespace(machine), `${this.#id}${machine}0`];
      await ip("netns", "add", namespace);
      await ip("link", "add", own, "netns", namespace, "type", "veth", "peer", this.#port(machine), "netns", middle);
      await ip("-n", middle, "link", "set", this.#port(machine), "master", "br0", "up");
      await ip("-n", namespace, "addr", "add", `${this.address(machine)}/24`, "dev", own);
      await ip("-n", namespace, "link", "set", own, "up");
      await ip("-n", namespace, "link", "set", "lo", "up");
    }
  }

  /** Nothing comes through between these two any more, and neither is told; both still reach the third. */
  async part(one: Machine, other: Machine): Promise<void> {
    for (const machine of [one, other]) await this.#setPort(machine, "type", "bridge_slave", "isolated", "on");
  }

  async join(one: Machine, other: Machine): Promise<void> {
    for (const machine of [one, other]) await this.#setPort(machine, "type", "bridge_slave", "isolated", "off");
  }

  /** Pulls a machine's plug. */
  async cutOff(machine: Machine): Promise<void> {
    await this.#setPort(machine, "down");
  }

  async plugIn(machine: Machine): Promise<void> {
    await this.#setPort(machine, "up");
  }

  async #setPort(machine: Machine, ...what: string[]): Promise<void> {
    await ip("-n", this.#namespace("switch"), "link", "set", this.#port(machine), ...what);
  }

  /** What a machine sends goes no faster than this. */
  async slow(machine: Machine, megabits: number): Promise<void> {
    const shape = ["tbf", "rate", `${megabits}mbit`, "burst", "64kb", "latency", "400ms"];
    const on = ["netns", "exec", this.#namespace(machine), "tc", "qdisc", "replace", "dev", `${this.#id}${machine}0`];
    await ip(...on, "root", ...shape);
  }

  // ---- What runs there

  #begin(machine: Machine, command: string, args: readonly string[]): Child {
    const environment = [`GODWIT_SOCKET=${this.socket(machine)}`, "NO_COLOR=1"];
    const within = ["netns", "exec", this.#namespace(machine), "env", ...environment];
    const child = new Child("ip", [...within, command, ...args]); // which becomes the command: there is no shell between
    this.#children.push(child);
    return child;
  }

  get #engine(): string {
    return MACHINES.map((machine) => `nats://${this.address(machine)}:${NATS_PORT}`).join(",");
  }

  async #startServer(machine: Machine): Promise<void> {
    const address = this.address(machine);
    const routes = MACHINES.map((each) => `nats://${this.address(each)}:${ROUTE_PORT}`).join(", ");
    const config = join(this.folder, `nats-${machine}.conf`);
    const lines = [
      `server_name: ${machine}`,
      `listen: "${address}:${NATS_PORT}"`,
      `jetstream { store_dir: "${join(this.folder, `store-${machine}`)}", max_file_store: 4294967296 }`,
      `http: "127.0.0.1:${MONITOR_PORT}"`,
      `cluster { name: machines, listen: "${address}:${ROUTE_PORT}", routes: [${routes}] }`,
    ];
    writeFileSync(config, `${lines.join("\n")}\n`);
    const server = this.#begin(machine, this.#nats, ["-c", config]);
    await until(`the NATS server of ${machine}`, () => server.output.includes("Server is ready"), START_MAX_MS);
  }

  /** The machine whose server leads the store's directory. */
  async leader(): Promise<Machine> {
    const url = `http://127.0.0.1:${MONITOR_PORT}/jsz?accounts=true&streams=true`;
    const ask = `console.log(await (await fetch(${JSON.stringify(url)})).text())`;
    const command = ["exec", this.#namespace("a"), process.execPath, "--input-type=module", "-e", ask];
    const { stdout } = await run("ip", ["netns", ...command], { timeout: COMMAND_TIMEOUT_MS });
    const { account_details: accounts } = JSON.parse(stdout) as {
      account_details: { stream_detail: { name: string; cluster: { leader: string } }[] }[];
    };
    const streams = accounts.flatMap(({ stream_detail }) => stream_detail);
    const found = streams.find(({ name }) => name === "KV_godwit_default_directory")?.cluster.leader;
    const machine = MACHINES.find((each) => each === found);
    if (machine === undefined) throw new Error(`the store is led by ${found}`);
    return machine;
  }

  /** Starts a machine's node; resolves when it is in the cluster. */
  async up(machine: Machine, flags: readonly string[] = []): Promise<void> {
    const state = join(this.folder, `node-${machine}`);
    const who = ["--name", machine, "--address", this.address(machine), "--state", state];
    const child = this.#begin(machine, process.execPath, [MAIN, "up", "--engine", this.#engine, ...who, ...flags]);
    this.#nodes.set(machine, child);
    await until(
      `node ${machine}`,
      () => {
        if (child.isEnded) return true;
        return child.output.includes(" is up at ");
      },
      START_MAX_MS,
    );
    if (child.isEnded) throw new Error(`node ${machine} did not start: ${child.output}`);
  }

  /** Lets one more node in. */
  async token(): Promise<string> {
    return (await this.godwit("a", "join-token", "--state", join(this.folder, "node-a"))).trim();
  }

  /** A command of godwit on a machine; what it printed. Rejects when it fails. */
  async godwit(machine: Machine, ...args: string[]): Promise<string> {
    const environment = { ...process.env, NO_COLOR: "1", GODWIT_SOCKET: this.socket(machine) };
    const within = ["netns", "exec", this.#namespace(machine), process.execPath, MAIN, ...args];
    const { stdout } = await run("ip", within, { env: environment, timeout: COMMAND_TIMEOUT_MS });
    return stdout;
  }

  control(machine: Machine): Promise<NodeClient> {
    return connect(this.socket(machine));
  }

  /** What a node has said. */
  said(machine: Machine): string {
    return this.#nodes.get(machine)?.output ?? "";
  }

  isUp(machine: Machine): boolean {
    return this.#nodes.get(machine)?.isEnded === false;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map(async (child) => child.end("SIGKILL")));
    for (const name of [...MACHINES, "switch"] as const)
      if (existsSync(join("/run/netns", this.#namespace(name)))) await ip("netns", "del", this.#namespace(name));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
