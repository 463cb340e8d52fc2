/** The real nats-server: one or several of them on free ports, with stores of their own. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { Child } from "./child.ts";
import { until } from "./condition.ts";
import { findProgram, NATS } from "./debian.ts";

/** The server's path, or why there is none. */
export function findNatsServer(): Promise<{ path: string } | { missing: string }> {
  return findProgram(NATS);
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  const ports: number[] = [];
  for (const server of servers) {
    if (!server.listening) await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    if (typeof address === "object" && address !== null) ports.push(address.port);
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("data", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  });
}

export class NatsServers {
  readonly urls: readonly string[];
  readonly folder: string;
  readonly #path: string;
  readonly #ports: readonly number[];
  readonly #configs: readonly string[];
  readonly #children: (Child | undefined)[] = [];

  private constructor(path: string, folder: string, ports: readonly number[], configs: readonly string[]) {
    this.#path = path;
    this.folder = folder;
    this.#ports = ports;
    this.#configs = configs;
    this.urls = ports.map((port) => `nats://127.0.0.1:${port}`);
  }

  /** `extra`: more lines of configuration, given the servers' folder; `jetstream`: what is in that block, or no block. */
  static async start(
    path: string,
    count: number,
    extra: (folder: string) => string = () => "",
    jetstream: string | undefined = "max_memory_store: 67108864, max_file_store: 4294967296",
  ): Promise<NatsServers> {
    const folder = mkdtempSync(join(tmpdir(), "godwit-nats-"));
    const ports = await freePorts(2 * count);
    const [clients, routes] = [ports.slice(0, count), ports.slice(count)];
    const configs = clients.map((port, index) => {
      const config = join(folder, `server-${index}.conf`);
      const peers = routes.map((route) => `nats://127.0.0.1:${route}`).join(", ");
      const cluster = `cluster { name: test, listen: "127.0.0.1:${routes[index]}", routes: [${peers}] }\n`;
      const store = join(folder, `store-${index}`);
      const lines = [
        `server_name: server-${index}`,
        `listen: "127.0.0.1:${port}"`,
        jetstream === undefined ? "" : `jetstream { store_dir: "${store}", ${jetstream} }`,
        extra(folder),
      ];
      writeFileSync(config, `${lines.join("\n")}\n${count > 1 ? cluster : ""}`);
      return config;
    });
    const servers = new NatsServers(path, folder, clients, configs);
    await Promise.all(clients.map((_, index) => servers.begin(index)));
    return servers;
  }

  async begin(index: number): Promise<void> {
    const [config, port] = [this.#configs[index], this.#ports[index]];
    if (config === undefined || port === undefined) throw new Error(`there is no server ${index}`);
    const child = new Child(this.#path, ["-c", config]);
    this.#children[index] = child;
    try {
      await until(`nats-server at ${port}`, () => {
        if (child.isEnded) throw new Error("it ended");
        return answers(port);
      });
    } catch (error) {
      throw new Error(child.output, { cause: error });
    }
  }

  /** As `server-INDEX` names it. */
  async kill(index: number): Promise<void> {
    await this.#children[index]?.end("SIGKILL");
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map(async (child) => child?.end("SIGKILL")));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
