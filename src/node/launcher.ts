/**
 * Several nodes on one machine: each an OS process, with the cluster's engine in the one that starts them. A node that dies is
 * told of, and started again only if that was asked for; when this process ends, so do they.
 */

import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { ClusterControl } from "../abi/control.ts";
import { type EmbeddedServer, connectEmbedded, startEmbeddedServer } from "../cluster/engines/embedded.ts";
import { authorityIn } from "../cluster/identity.ts";
import { type Authority, identify } from "../cluster/identity-authority.ts";
import { failure } from "../errors.ts";
import { NODE_START_MAX_MS, NODE_STOP_MAX_MS } from "../limits.ts";
import { WholeControl } from "./cluster-control.ts";
import { ClusterView } from "./cluster-view.ts";
import { Courier } from "./courier.ts";
import { Respawns } from "./respawn.ts";
import type { FromMember, Launch, ToMember } from "./member-process.ts";
import { SocketPool } from "./socket-pool.ts";

export interface LaunchOptions {
  /** Of the place from which all are controlled; none of theirs. */
  readonly name: string;
  readonly names: readonly string[];
  /** Where the cluster's durable state is kept; without it, it goes with this process. */
  readonly state?: string;
  readonly version: string;
  /** Of each node. */
  readonly lwps?: number;
  readonly swapAfterMs?: number;
  /** Whether a node that died is started again. */
  readonly respawn: boolean;
  /** Takes a line about what happened to a node. */
  readonly log: (line: string) => void;
}

const MEMBER = fileURLToPath(new URL("./member-process.js", import.meta.url));

export class Launcher {
  /** Of the whole cluster; its `stop` ends all nodes. */
  readonly control: ClusterControl;
  readonly #options: LaunchOptions;
  readonly #folder: string;
  readonly #server: EmbeddedServer;
  readonly #view: ClusterView;
  readonly #authority: Authority;
  readonly #children = new Map<string, ChildProcess>();
  readonly #respawns = new Respawns();
  /** Nodes that are started again, each after its pause. */
  readonly #pauses = new Map<string, NodeJS.Timeout>();
  readonly #courier = new Courier(this.#children);
  readonly #sockets = new SocketPool();
  #stopping: Promise<void> | undefined;

  private constructor(
    options: LaunchOptions,
    folder: string,
    server: EmbeddedServer,
    view: ClusterView,
    authority: Authority,
  ) {
    this.#options = options;
    this.#folder = folder;
    this.#server = server;
    this.#view = view;
    this.#authority = authority;
    this.control = new WholeControl({ view, stop: () => this.stop() });
  }

  /** Resolves when all nodes have joined. @throws GodwitError what the first that could not said. */
  static async start(options: LaunchOptions): Promise<Launcher> {
    const folder = mkdtempSync(join(tmpdir(), "godwit-nodes-"));
    const { name, log, state = join(folder, "state") } = options;
    try {
      const lasting = options.state !== undefined; // a temporary folder is of no use after the machine's next start
      const server = await startEmbeddedServer({ folder: state, socket: join(folder, "engine"), lasting });
      const engine = await connectEmbedded({ socket: server.socket });
      const authority = await authorityIn(state);
      const identity = await identify(authority, name);
      const view = await ClusterView.open({ engine, identity, address: `unix:${join(folder, "control.link")}`, log });
      const launcher = new Launcher(options, folder, server, view, authority);
      try {
        await Promise.all(options.names.map((each) => launcher.add(each)));
      } catch (error) {
        await launcher.stop();
        throw error;
      }
      return launcher;
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** The control socket of a node, by which all that there are can be reached. */
  socketOf(name: string): string {
    return join(this.#folder, `${name}.sock`);
  }

  /** Starts one node; resolves when it has joined. @throws GodwitError what it said when it could not. */
  async add(name: string): Promise<void> {
    const identity = await identify(this.#authority, name);
    if (this.#stopping !== undefined) throw failure("ECANCELED", `node ${name} is not started: all are being stopped`);
    const startedMs = performance.now();
    const child = fork(MEMBER, { serialization: "advanced", stdio: ["ignore", "ignore", "inherit", "ipc"] });
    child.on("error", () => {}); // of one that could not be started, or has ended: its `close` follows
    const siblings = [...this.#children.keys()].filter((one) => one !== name);
    // One that has just ended needs to know of nobody.
    for (const one of siblings) this.#children.get(one)?.send({ op: "sibling", name } satisfies ToMember, () => {});
    this.#children.set(name, child);
    const { version, lwps, swapAfterMs, names } = this.#options;
    const launch: Launch = {
      identity,
      engine: this.#server.socket,
      address: `unix:${join(this.#folder, `${name}.link`)}`,
      socket: this.socketOf(name),
      folder: this.#folder,
      version,
      lwps: lwps ?? Math.max(1, Math.ceil(availableParallelism() / Math.max(1, names.length))),
      swapAfterMs,
      siblings,
    };
    this.#courier.serve(name, child);
    this.#sockets.serve(child);
    // Not at its `exit`: the others know by then that it is dead, before there is another of its name.
    child.once("close", (code, signal) => this.#exited(name, child, performance.now() - startedMs, signal ?? code));
    child.send({ op: "join", launch } satisfies ToMember);
    await joined(name, child);
  }

  #exited(name: string, child: ChildProcess, livedMs: number, by: NodeJS.Signals | number | null): void {
    if (this.#children.get(name) !== child) return;
    this.#children.delete(name);
    if (this.#stopping !== undefined || by === 0) return;
    const how = typeof by === "string" ? `by ${by}` : `with code ${by}`;
    const ended = `node ${name} (process ${child.pid}) ended ${how}`;
    if (!this.#options.respawn) return this.#options.log(ended);
    const pauseMs = this.#respawns.pauseMs(name, livedMs);
    this.#options.log(`${ended}, and is started again in ${pauseMs / 1000} s`);
    this.#pauses.set(
      name,
      setTimeout(() => this.#startAgain(name), pauseMs),
    );
  }

  #startAgain(name: string): void {
    this.#pauses.delete(name);
    this.add(name).then(
      () => this.#options.log(`node ${name} was started again`),
      (error: unknown) => this.#options.log(`node ${name} could not be started again: ${String(error)}`),
    );
  }

  /** Ends all nodes, and the cluster. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    for (const pause of this.#pauses.values()) clearTimeout(pause);
    await Promise.all([...this.#children.values()].map(ended));
    this.#sockets.close();
    await this.#view.close();
    await this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function joined(name: string, child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(failure("ETIMEDOUT", `node ${name} did not start within ${NODE_START_MAX_MS} ms`));
    }, NODE_START_MAX_MS);
    child.on("message", (message: FromMember) => {
      if (message.op !== "joined" && message.op !== "failed") return;
      clearTimeout(timer);
      if (message.op === "joined") resolve();
      else if (message.op === "failed")
        reject(failure(message.code, `node ${name} could not start: ${message.message}`));
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      reject(failure("ENODE", `node ${name} ended while it was starting (${signal ?? `code ${code}`})`));
    });
  });
}

/** Asks a node to stop, and ends it when it does not. */
function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), NODE_STOP_MAX_MS);
    child.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
    if (child.connected) child.send({ op: "stop" } satisfies ToMember, () => {});
    else child.kill("SIGKILL");
  });
}
