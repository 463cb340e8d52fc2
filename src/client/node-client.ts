/** A running node, controlled over its socket. */

import type {
  ClusterControl,
  ClusterEvent,
  DrainOptions,
  DrainReport,
  ExposeOptions,
  ExposureInfo,
  Front,
  Inspection,
  MoveReport,
  NodeInfo,
  ProcessInfo,
  Replay,
  RestoreOptions,
  ServiceInfo,
  SpawnOptions,
  Stream,
} from "../abi/control.ts";
import type { ExitStatus, SignalName } from "../abi/records.ts";
import type { Lookup, LookupOptions } from "../abi/lookup.ts";
import type { MovePlan } from "../abi/move-plan.ts";
import { failure } from "../errors.ts";
import { CONTROL_TIMEOUT_MS, IMAGE_MAX_BYTES, IO_MAX_BYTES, KEPT_MAX_BYTES } from "../limits.ts";
import { FrameReader, type NodeFacts, encodeRestoreHead, errorOf } from "./protocol.ts";
import { socketPath } from "./socket.ts";
import { Transport } from "./transport.ts";

/** What is done with a process's output. A promise holds the process's further writes back, if it is asked to. */
export type OutputHandler = (stream: Stream, bytes: Uint8Array) => void | Promise<void>;

export interface FollowOptions {
  /** What is kept of earlier output comes first. */
  readonly replay?: Replay;
  /** End after what is kept, without waiting for more. */
  readonly keptOnly?: boolean;
  /**
   * Whether a slow reader holds the process back. If not, it loses output, and `onSkipped` tells how much.
   * Default: true.
   */
  readonly hold?: boolean;
  readonly onSkipped?: (bytes: number) => void;
  /** Told how far the output is read, for a later `replay` to go on from there. */
  readonly marked?: (mark: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * The client's side of a node: the same interface as the node has in its own process. Every method throws the
 * `GodwitError` that the node threw, with its code; ENONODE when no node is there; ENODE when it failed or went away.
 */
export class NodeClient implements ClusterControl {
  readonly name: string;
  /** The version of godwit that the node runs. */
  readonly version: string;
  /** The operating system's process id of the node's daemon. */
  readonly hostPid: number;
  readonly #transport: Transport;
  /** Output streams that are open, by pid: `wait` answers after them. */
  readonly #following = new Map<number, Set<Promise<unknown>>>();
  /** The last `input` of each pid that is under way: pieces arrive in the order they were given. */
  readonly #input = new Map<number, Promise<void>>();

  /** @internal Use {@link connect}. */
  constructor(transport: Transport, facts: NodeFacts) {
    this.#transport = transport;
    this.name = facts.name;
    this.version = facts.version;
    this.hostPid = facts.hostPid;
  }

  /** The socket's path. */
  get socket(): string {
    return this.#transport.socket;
  }

  /** Starts a program that was compiled already. Resolves to its pid. */
  async spawn(options: SpawnOptions): Promise<number> {
    const { kept, ...rest } = options;
    const request = kept === undefined ? rest : { ...rest, kept: Buffer.from(kept).toString("base64") };
    return (await this.#transport.send<{ pid: number }>("/processes", request)).pid;
  }

  /** Starts a process from an image. Resolves to its pid. */
  async restore(image: Uint8Array, options: RestoreOptions = {}): Promise<number> {
    const request = { body: [...encodeRestoreHead(options), image], contentType: "application/octet-stream" } as const;
    return (await this.#transport.json<{ pid: number }>("POST", "/images", request)).pid;
  }

  /** All processes, with the ended ones that are remembered. */
  list(): Promise<ProcessInfo[]> {
    return this.#transport.ask("/processes");
  }

  inspect(pid: number): Promise<Inspection> {
    return this.#transport.ask(`/processes/${pid}`);
  }

  async signal(pid: number, signal: SignalName, message = ""): Promise<void> {
    await this.#transport.send(`/processes/${pid}/signal`, { signal, message }, CONTROL_TIMEOUT_MS);
  }

  /**
   * Tells a process something out of band, before all else that it has to do: its `onUrgent` is called.
   * @throws GodwitError ESRCH when there is no such process.
   */
  interrupt(pid: number, message = ""): Promise<void> {
    return this.signal(pid, "SIGURG", message);
  }

  async pause(pid: number): Promise<void> {
    await this.#transport.send(`/processes/${pid}/pause`, {}, CONTROL_TIMEOUT_MS);
  }

  async resume(pid: number): Promise<void> {
    await this.#transport.send(`/processes/${pid}/resume`, {}, CONTROL_TIMEOUT_MS);
  }

  /** Copies a process. Resolves to the child's pid. */
  async fork(pid: number, options: { readonly node?: string } = {}): Promise<number> {
    return (await this.#transport.send<{ pid: number }>(`/processes/${pid}/fork`, options)).pid;
  }

  nodes(): Promise<NodeInfo[]> {
    return this.#transport.ask("/nodes");
  }

  migrate(pid: number, node: string): Promise<MoveReport> {
    return this.#transport.send(`/processes/${pid}/migrate`, { node });
  }

  cancelMove(pid: number): Promise<MoveReport> {
    return this.#transport.send(`/processes/${pid}/cancel-move`, {});
  }

  planMove(pid: number, node: string): Promise<MovePlan> {
    return this.#transport.send(`/processes/${pid}/plan`, { node });
  }

  drain(node: string, options: DrainOptions = {}): Promise<DrainReport> {
    return this.#transport.send("/drain", { node, ...options });
  }

  expose(options: ExposeOptions): Promise<Front> {
    return this.#transport.send("/fronts", options);
  }

  unexpose(service: string, address?: string): Promise<ExposureInfo[]> {
    return this.#transport.send("/fronts/close", address === undefined ? { service } : { service, address });
  }

  services(): Promise<ServiceInfo[]> {
    return this.#transport.ask("/services");
  }

  openLookup(options: LookupOptions): Promise<Lookup> {
    return this.#transport.send("/lookups", options);
  }

  closeLookup(address: string): Promise<Lookup[]> {
    return this.#transport.send("/lookups/close", { address });
  }

  lookups(): Promise<Lookup[]> {
    return this.#transport.ask("/lookups");
  }

  events(replay: boolean, on: (event: ClusterEvent) => void): () => void {
    const stopped = new AbortController();
    const { signal } = stopped;
    this.watch(on, { replay, signal }).catch(() => {});
    return () => stopped.abort();
  }

  /**
   * Hands what happens in the cluster to `on`; first what is remembered, if that is asked for. Resolves when all that is
   * remembered was told, unless it follows.
   * @throws GodwitError ECANCELED when `signal` aborts; ENODE when the node went away.
   */
  async watch(
    on: (event: ClusterEvent) => void,
    options: { readonly replay?: boolean; readonly keptOnly?: boolean; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const query = new URLSearchParams({
      replay: options.replay === true ? "1" : "0",
      follow: options.keptOnly === true ? "0" : "1",
    });
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    try {
      const response = await this.#transport.stream("GET", `/events?${query.toString()}`, signal);
      let rest = "";
      for await (const text of response.setEncoding("utf8") as AsyncIterable<string>) {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) on(JSON.parse(line) as ClusterEvent);
      }
    } catch (error) {
      if (options.signal?.aborted === true) throw failure("ECANCELED", "the events are no longer followed", error);
      throw error;
    }
    if (options.keptOnly !== true)
      throw failure("ENODE", `the node at ${this.socket} ended its events: it has stopped`);
  }

  /** Captures a process, which goes on. Resolves to the image's bytes. */
  checkpoint(pid: number): Promise<Uint8Array> {
    return this.#transport.bytes("POST", `/processes/${pid}/checkpoint`, IMAGE_MAX_BYTES);
  }

  /** Takes the state that a program declares by `keep`, and pauses it. */
  kept(pid: number): Promise<Uint8Array> {
    return this.#transport.bytes("POST", `/processes/${pid}/kept`, KEPT_MAX_BYTES);
  }

  async restartAt(pid: number, node: string): Promise<number> {
    return (await this.#transport.send<{ pid: number }>(`/processes/${pid}/restart`, { node })).pid;
  }

  async wait(pid: number): Promise<ExitStatus> {
    try {
      return await this.#transport.json<ExitStatus>("GET", `/processes/${pid}/wait`);
    } finally {
      // The two came over different connections: output first, as in the node itself.
      for (const following of this.#following.get(pid) ?? []) await following.catch(() => {});
    }
  }

  input(pid: number, bytes: Uint8Array | null): Promise<void> {
    const before = this.#input.get(pid) ?? Promise.resolve();
    const own = before.then(
      () => this.#sendInput(pid, bytes),
      () => this.#sendInput(pid, bytes),
    );
    this.#input.set(pid, own);
    const forget = () => {
      if (this.#input.get(pid) === own) this.#input.delete(pid);
    };
    own.then(forget, forget);
    return own;
  }

  async #sendInput(pid: number, bytes: Uint8Array | null): Promise<void> {
    const path = `/processes/${pid}/input`;
    if (bytes === null) await this.#transport.json("DELETE", path);
    for (let start = 0; start < (bytes?.length ?? 0); start += IO_MAX_BYTES) {
      const piece = bytes?.subarray(start, start + IO_MAX_BYTES) ?? new Uint8Array();
      await this.#transport.json("POST", path, { body: [piece], contentType: "application/octet-stream" });
    }
  }

  /** As {@link follow}, for callers that learn of errors and of the end by `wait`. */
  output(pid: number, replay: Replay, on: OutputHandler, marked?: (mark: string) => void): () => void {
    const stopped = new AbortController();
    const marks = marked === undefined ? {} : { marked };
    this.follow(pid, on, { replay, signal: stopped.signal, ...marks }).catch(() => {});
    return () => stopped.abort();
  }

  async keptOutput(pid: number, on: OutputHandler): Promise<void> {
    await this.follow(pid, on, { replay: true, keptOnly: true });
  }

  /**
   * Hands a process's output to `on` as it comes, until the process ends. Resolves to its exit status, or to undefined
   * when it had not ended and only what was kept was asked for.
   * @throws GodwitError ECANCELED when `signal` aborts; ESRCH when there is no such process.
   */
  follow(pid: number, on: OutputHandler, options: FollowOptions = {}): Promise<ExitStatus | undefined> {
    const own = this.#follow(pid, on, options);
    const open = this.#following.get(pid) ?? new Set();
    this.#following.set(pid, open.add(own));
    const forget = () => {
      open.delete(own);
      if (open.size === 0) this.#following.delete(pid);
    };
    own.then(forget, forget);
    return own;
  }

  async #follow(pid: number, on: OutputHandler, options: FollowOptions): Promise<ExitStatus | undefined> {
    const { replay = false, marked } = options;
    const query = new URLSearchParams({
      ...(typeof replay === "boolean" ? { replay: replay ? "1" : "0" } : { after: replay.after }),
      follow: options.keptOnly === true ? "0" : "1",
      hold: options.hold === false ? "0" : "1",
      marks: marked === undefined ? "0" : "1",
    });
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    const response = await this.#transport.stream("GET", `/processes/${pid}/output?${query.toString()}`, signal);
    const frames = new FrameReader();
    let mark = "";
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        for (const { kind, payload } of frames.read(chunk)) {
          if (kind === "stdout" || kind === "stderr") {
            // In one turn: what is given up in between is neither lost nor told twice.
            if (mark !== "") marked?.(mark);
            mark = "";
            if (payload.length > 0) await on(kind, payload);
          } else if (kind === "mark") mark = payload.toString();
          else if (kind === "skipped") options.onSkipped?.(JSON.parse(payload.toString()).bytes);
          else if (kind === "error") throw errorOf(JSON.parse(payload.toString()));
          else return JSON.parse(payload.toString()) as ExitStatus;
        }
      }
    } catch (error) {
      if (options.signal?.aborted === true) throw failure("ECANCELED", "the output is no longer followed", error);
      if (error instanceof Error && Reflect.get(error, "code") === "ECONNRESET") {
        throw failure("ENODE", `the node at ${this.socket} ended the connection: it may have stopped`, error);
      }
      throw error;
    }
    if (options.keptOnly === true) return undefined;
    throw failure("ENODE", `the node at ${this.socket} ended the output of process ${pid} before its end`);
  }

  /** Stops the node: its processes are ended, the socket is gone when this resolves. */
  async stop(): Promise<void> {
    await this.#transport.send("/stop", {});
  }
}

/**
 * Connects to a node: the one at `path`, or at the default place ({@link socketPath}).
 * @throws GodwitError ENONODE when no node is running there; EPERM when the socket or its folder is another user's.
 */
export async function connect(path: string = socketPath()): Promise<NodeClient> {
  const transport = new Transport(path);
  return new NodeClient(transport, await transport.ask<NodeFacts>("/node"));
}
