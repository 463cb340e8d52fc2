/** A node without an engine, for tests of what lies between a node and its users: processes are driven by the test. */

import type {
  ClusterControl,
  ClusterEvent,
  DrainReport,
  ExposeOptions,
  ExposureInfo,
  Front,
  Inspection,
  MoveReport,
  NodeInfo,
  ProcessInfo,
  RestoreOptions,
  ServiceInfo,
  SpawnOptions,
  Stream,
} from "../../src/abi/control.ts";
import type { ExitStatus, SignalName } from "../../src/abi/records.ts";
import type { Lookup, LookupOptions } from "../../src/abi/lookup.ts";
import type { MovePlan } from "../../src/abi/move-plan.ts";
import { failure } from "../../src/errors.ts";

type Subscriber = (stream: Stream, bytes: Uint8Array) => void | Promise<void>;

class FakeProcess {
  readonly written: { stream: Stream; bytes: Uint8Array }[] = [];
  readonly subscribers = new Set<Subscriber>();
  readonly signals: SignalName[] = [];
  readonly input: (Buffer | null)[] = [];
  readonly options: SpawnOptions | RestoreOptions;
  readonly ended: Promise<ExitStatus>;
  state: ProcessInfo["state"] = "running";
  exit: ExitStatus | undefined;
  end: (status: ExitStatus) => void = () => {};
  waits = 0;

  constructor(options: SpawnOptions | RestoreOptions) {
    this.options = options;
    this.ended = new Promise((resolve) => {
      this.end = (status) => {
        this.state = "ended";
        this.exit = status;
        resolve(status);
      };
    });
  }
}

export class FakeNode implements ClusterControl {
  readonly name = "fake";
  readonly processes = new Map<number, FakeProcess>();
  readonly images: Buffer[] = [];
  readonly forkedTo: (string | undefined)[] = [];
  readonly past: ClusterEvent[] = [];
  readonly listeners = new Set<(event: ClusterEvent) => void>();
  fronts: Front[] = [];
  opened: Lookup[] = [];
  stops = 0;
  /** What `inspect` does in place of answering. */
  inspectFault: (() => never) | undefined;
  image: Uint8Array = Buffer.from("an image");

  get(pid: number): FakeProcess {
    const found = this.processes.get(pid);
    if (found === undefined) throw failure("ESRCH", `there is no process ${pid}`);
    return found;
  }

  add(options: SpawnOptions | RestoreOptions): number {
    const pid = this.processes.size + 1;
    this.processes.set(pid, new FakeProcess(options));
    return pid;
  }

  /** Writes as the process would; resolves when every subscriber has room again. */
  async write(pid: number, stream: Stream, text: string | Uint8Array): Promise<void> {
    const bytes = Buffer.from(text);
    const process = this.get(pid);
    process.written.push({ stream, bytes });
    await Promise.all([...process.subscribers].map(async (on) => on(stream, bytes)));
  }

  async spawn(options: SpawnOptions): Promise<number> {
    return this.add(options);
  }
  async expose({ service, address, policy = "least-loaded", passOn = "auto" }: ExposeOptions): Promise<Front> {
    const front = { service, address, policy, node: this.name, passOn };
    this.fronts.push(front);
    return front;
  }
  async unexpose(service: string, address?: string): Promise<ExposureInfo[]> {
    const gone = this.fronts.filter((one) => one.service === service && (address ?? one.address) === one.address);
    this.fronts = this.fronts.filter((one) => !gone.includes(one));
    return gone.map((one) => this.#exposure(one));
  }
  async openLookup({ address, services }: LookupOptions): Promise<Lookup> {
    const lookup = { address, node: this.name, ...(services === undefined ? {} : { services }) };
    this.opened.push(lookup);
    return lookup;
  }

  async closeLookup(address: string): Promise<Lookup[]> {
    const meant = this.opened.filter((one) => one.address === address);
    this.opened = this.opened.filter((one) => one.address !== address);
    return meant;
  }

  async lookups(): Promise<Lookup[]> {
    return this.opened;
  }

  async services(): Promise<ServiceInfo[]> {
    const members = [{ pid: 1, home: this.name, protocol: "http", open: 3 } as const];
    const exposures = this.fronts.map((one) => this.#exposure(one));
    return [{ name: "web", members, fronts: this.fronts, exposures }];
  }
  #exposure({ address, policy }: Front): ExposureInfo {
    return { address, policy, at: [this.name, "n9"], standBys: [] };
  }
  async restore(image: Uint8Array, options: RestoreOptions = {}): Promise<number> {
    this.images.push(Buffer.from(image));
    return this.add(options);
  }
  async list(): Promise<ProcessInfo[]> {
    return [...this.processes].map(([pid, { state, exit, options }]) => ({
      pid,
      parent: 0,
      name: "name" in options ? options.name : "restored",
      state,
      node: this.name,
      lwp: 0,
      threads: 1,
      memoryBytes: 2 ** 20,
      cpuMs: 10 * pid,
      startedMs: 0,
      mailbox: 0,
      epoch: 0,
      ...(exit === undefined ? {} : { exit }),
    }));
  }
  async inspect(pid: number): Promise<Inspection> {
    this.inspectFault?.();
    const process = (await this.list()).find((info) => info.pid === pid);
    if (process === undefined) throw failure("ESRCH", `there is no process ${pid}`);
    return {
      process,
      quotas: { memoryBytes: 2 ** 28, cpuShare: 100, threadsMax: 256, processesMax: 64, timeoutMs: 0 },
      capabilities: { read: "all", write: [], environment: ["HOME"], run: [], net: [], listen: [] },
      regions: [{ kind: "heap", start: 65536, end: 2 ** 20, grows: "up", limit: 2 ** 28, residentBytes: 4096 }],
      threads: [
        {
          tid: 1,
          name: "main",
          priority: 5,
          state: "blocked",
          blockedIn: "sleep",
          cpuMs: 3,
          stackDepthBytes: 512,
          stack: ["    at wait (wait.ts:3:5)"],
        },
      ],
      resources: [{ handle: 0, kind: "stdin", attachment: "fixed", binding: "type", description: "standard input" }],
      mailbox: { messages: 0, bytes: 0, names: [] },
      image: { pages: 5, templatePages: 72, zeroPages: 300 },
    };
  }
  async signal(pid: number, signal: SignalName): Promise<void> {
    const process = this.get(pid);
    process.signals.push(signal);
    if (signal === "SIGKILL") process.end({ pid, code: 137, signal });
  }
  async program(pid: number): Promise<SpawnOptions> {
    const { options } = this.get(pid);
    return "source" in options ? options : { name: "restored", source: "" };
  }
  async restartAt(pid: number, node: string): Promise<number> {
    return this.add({ ...(await this.program(pid)), node });
  }
  async pause(pid: number): Promise<void> {
    this.get(pid).state = "paused";
  }
  async resume(pid: number): Promise<void> {
    this.get(pid).state = "running";
  }
  async fork(pid: number, options: { readonly node?: string } = {}): Promise<number> {
    this.forkedTo.push(options.node);
    return this.add(this.get(pid).options);
  }
  async nodes(): Promise<NodeInfo[]> {
    const load = { processes: this.processes.size, cpuPercent: 12.5, memoryBytes: 2 ** 26, state: "up" } as const;
    const host = { hostname: "here", hostPid: 1, version: "1", engine: "e", lwps: 2, startedMs: 0 };
    return [{ name: this.name, ...host, ...load, addresses: [], socket: "" }];
  }
  async migrate(pid: number, node: string): Promise<MoveReport> {
    this.get(pid);
    const counts = { rounds: 2, pages: 80, found: 0, bytes: 2 ** 16, downtimeMs: 1.25, totalMs: 20, epoch: 1 };
    const about = { migration: "m", pid, name: "p.ts", from: this.name, to: node };
    if (node === "full") return { ...about, ...counts, outcome: "stayed", reason: "node full has no room" };
    return { ...about, ...counts, outcome: "moved" };
  }
  async cancelMove(pid: number): Promise<MoveReport> {
    if (pid === 2) throw failure("EINVAL", `process ${pid} is not being moved`);
    return this.migrate(pid, pid === 1 ? "full" : "b");
  }
  async planMove(pid: number, node: string): Promise<MovePlan> {
    this.get(pid);
    const about = { kind: "file", attachment: "fastened", binding: "value" } as const;
    const refused = [{ action: "CP", why: "it is too large" }] as const;
    const description = "big\u001b[2J.txt at 7";
    if (node === "full")
      return { rows: [{ handle: 3, ...about, description, why: "GR: gone", refused: [] }], obstacle: "handle 3" };
    return { rows: [{ handle: 3, ...about, description, action: "GR", why: "it stays", refused }] };
  }
  async drain(node: string): Promise<DrainReport> {
    const left = node === "stuck" ? [{ pid: 1, name: "p.ts", reason: "no room" }] : [];
    return { node, plans: [], moves: [await this.migrate(1, "other")], left, homed: 2 };
  }
  events(replay: boolean, on: (event: ClusterEvent) => void): () => void {
    if (replay) for (const event of this.past) on(event);
    this.listeners.add(on);
    return () => void this.listeners.delete(on);
  }
  async checkpoint(pid: number): Promise<Uint8Array> {
    this.get(pid);
    return this.image;
  }
  async kept(pid: number): Promise<Uint8Array> {
    this.get(pid);
    return this.image;
  }
  wait(pid: number): Promise<ExitStatus> {
    const process = this.get(pid);
    process.waits++;
    return process.ended;
  }
  async input(pid: number, bytes: Uint8Array | null): Promise<void> {
    this.get(pid).input.push(bytes === null ? null : Buffer.from(bytes));
  }
  async keptOutput(pid: number, on: Subscriber): Promise<void> {
    this.output(pid, true, on)();
  }
  output(pid: number, replay: boolean, on: Subscriber): () => void {
    const { written, subscribers } = this.get(pid);
    if (replay) for (const { stream, bytes } of written) void on(stream, bytes);
    subscribers.add(on);
    return () => subscribers.delete(on);
  }
  async stop(): Promise<void> {
    this.stops++;
    for (const [pid, process] of this.processes) process.end({ pid, code: 137, signal: "SIGKILL" });
  }
}
