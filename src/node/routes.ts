/** What a node answers on its control socket: one entry for each method and path. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { ClusterControl, Stream } from "../abi/control.ts";
import {
  type ErrorRecord,
  type NodeFacts,
  decodeRestore,
  encodeFrame,
  encodeOutput,
  errorRecord,
} from "../client/protocol.ts";
import { failure } from "../errors.ts";
import {
  CONTROL_REQUEST_MAX_BYTES,
  IMAGE_MAX_BYTES,
  IO_MAX_BYTES,
  OUTPUT_IN_FLIGHT_MAX_BYTES,
  SPAWN_REQUEST_MAX_BYTES,
} from "../limits.ts";
import type { ExitWatch } from "./exit-watch.ts";
import {
  checkAddress,
  checkDrain,
  checkExpose,
  checkFork,
  checkLookup,
  checkNode,
  checkNothing,
  checkRestore,
  checkSignal,
  checkSpawn,
  checkUnexpose,
  parseJson,
} from "./request.ts";

/** The node behind the socket. */
export interface Service {
  readonly control: ClusterControl;
  readonly exits: ExitWatch;
  readonly facts: NodeFacts;
  stop(): Promise<void>;
}

/** A request whose body has arrived. */
export interface Call {
  readonly pid: number;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  /** Aborts when the client goes away. */
  readonly gone: AbortSignal;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** A `Uint8Array` is answered as it is, `undefined` was answered already, all else as JSON. */
type Handler = (service: Service, call: Call) => Promise<unknown>;

export interface Route {
  readonly method: string;
  /** Path below the protocol's prefix; `PID` stands for a process. */
  readonly path: string;
  /** Longest body; 0 where none is expected. */
  readonly bodyMaxBytes: number;
  readonly handle: Handler;
}

/** Resolves when the client has taken what was written, or has gone. One promise for all writes that wait. */
function drains(response: ServerResponse): () => Promise<void> {
  let waiting: Promise<void> | undefined;
  return () =>
    (waiting ??= new Promise((resolve) => {
      const done = () => {
        waiting = undefined;
        response.off("drain", done).off("close", done);
        resolve();
      };
      response.on("drain", done).on("close", done);
    }));
}

/** Writes output as frames: held back by a slow client if it asked for that, else left out when it is too slow. */
class OutputWriter {
  readonly #response: ServerResponse;
  readonly #hold: boolean;
  readonly #drained: () => Promise<void>;
  #skippedBytes = 0;
  /** Where the next piece ends, for who asks for marks. */
  #mark = "";

  constructor(response: ServerResponse, hold: boolean) {
    this.#response = response;
    this.#hold = hold;
    this.#drained = drains(response);
  }

  write(stream: Stream, bytes: Uint8Array): void | Promise<void> {
    if (this.#response.destroyed) return undefined;
    if (!this.#hold && this.#response.writableLength > OUTPUT_IN_FLIGHT_MAX_BYTES) {
      this.#skippedBytes += bytes.length;
      return undefined;
    }
    this.#tellSkipped();
    this.#tellMark();
    const hasRoom = this.#response.write(encodeOutput(stream, bytes));
    return hasRoom || !this.#hold ? undefined : this.#drained();
  }

  mark(mark: string): void {
    this.#mark = mark;
  }

  /** The first mark is told before there is a piece. */
  begin(): void {
    if (this.#mark === "" || this.#response.destroyed) return;
    this.#tellMark();
    this.#response.write(encodeFrame("stdout", new Uint8Array()));
  }

  #tellMark(): void {
    if (this.#mark !== "") this.#response.write(encodeFrame("mark", Buffer.from(this.#mark)));
    this.#mark = "";
  }

  end(kind: "exit" | "error", value: unknown): void {
    this.#tellSkipped();
    this.#response.end(encodeFrame(kind, Buffer.from(JSON.stringify(value))));
  }

  #tellSkipped(): void {
    if (this.#skippedBytes === 0) return;
    this.#response.write(encodeFrame("skipped", Buffer.from(JSON.stringify({ bytes: this.#skippedBytes }))));
    this.#skippedBytes = 0;
  }
}

function flag(query: URLSearchParams, name: string, otherwise: boolean): boolean {
  const value = query.get(name);
  if (value === null) return otherwise;
  if (value === "0" || value === "1") return value === "1";
  throw failure("EINVAL", `the query's ${name} is 0 or 1, not "${value}"`);
}

async function streamOutput({ control, exits }: Service, call: Call): Promise<undefined> {
  const { response, query, pid, gone } = call;
  const after = query.get("after");
  const replay = after === null ? flag(query, "replay", false) : { after };
  const writer = new OutputWriter(response, flag(query, "hold", true));
  response.setHeader("content-type", "application/octet-stream");
  if (!flag(query, "follow", true)) {
    if (replay === true) await control.keptOutput(pid, (stream, bytes) => writer.write(stream, bytes));
    response.end();
    return undefined;
  }
  const marked = flag(query, "marks", false) ? (mark: string) => writer.mark(mark) : undefined;
  const unsubscribe = control.output(pid, replay, (stream, bytes) => writer.write(stream, bytes), marked);
  try {
    writer.begin();
    response.flushHeaders();
    writer.end("exit", await exits.wait(pid, gone));
  } catch (error) {
    if (!gone.aborted) writer.end("error", errorRecord(error) satisfies ErrorRecord);
  } finally {
    unsubscribe();
  }
  return undefined;
}

/** Events as lines of JSON, until the reader goes away; one that is too slow is left. */
async function streamEvents({ control }: Service, { response, query, gone }: Call): Promise<undefined> {
  const follow = flag(query, "follow", true);
  response.setHeader("content-type", "application/x-ndjson");
  response.flushHeaders();
  const unsubscribe = control.events(flag(query, "replay", false), (event) => {
    if (response.writableLength > OUTPUT_IN_FLIGHT_MAX_BYTES) response.destroy();
    else response.write(`${JSON.stringify(event)}\n`);
  });
  if (follow && !gone.aborted) await new Promise((resolve) => gone.addEventListener("abort", resolve, { once: true }));
  unsubscribe();
  response.end();
  return undefined;
}

const REQUEST = CONTROL_REQUEST_MAX_BYTES;

/** A request without arguments: `{}` or nothing. Where there is nothing to tell, that is answered. */
function order(path: string, handle: Handler): Route {
  const checked: Handler = async (service, call) => {
    if (call.body.length > 0) checkNothing(parseJson(call.body));
    return (await handle(service, call)) ?? {};
  };
  return { method: "POST", path, bodyMaxBytes: REQUEST, handle: checked };
}

export const ROUTES: readonly Route[] = [
  { method: "GET", path: "/node", bodyMaxBytes: 0, handle: async ({ facts }) => facts },
  order("/stop", (service) => service.stop()),
  { method: "GET", path: "/nodes", bodyMaxBytes: 0, handle: ({ control }) => control.nodes() },
  {
    method: "POST",
    path: "/drain",
    bodyMaxBytes: REQUEST,
    handle: ({ control }, { body }) => {
      const { node, force = false, dryRun = false } = checkDrain(parseJson(body));
      return control.drain(node, { force, dryRun });
    },
  },
  { method: "GET", path: "/services", bodyMaxBytes: 0, handle: ({ control }) => control.services() },
  {
    method: "POST",
    path: "/fronts",
    bodyMaxBytes: SPAWN_REQUEST_MAX_BYTES,
    handle: ({ control }, { body }) => control.expose(checkExpose(parseJson(body))),
  },
  {
    method: "POST",
    path: "/fronts/close",
    bodyMaxBytes: REQUEST,
    handle: ({ control }, { body }) => {
      const { service, address } = checkUnexpose(parseJson(body));
      return control.unexpose(service, address);
    },
  },
  { method: "GET", path: "/lookups", bodyMaxBytes: 0, handle: ({ control }) => control.lookups() },
  {
    method: "POST",
    path: "/lookups",
    bodyMaxBytes: REQUEST,
    handle: ({ control }, { body }) => control.openLookup(checkLookup(parseJson(body))),
  },
  {
    method: "POST",
    path: "/lookups/close",
    bodyMaxBytes: REQUEST,
    handle: ({ control }, { body }) => control.closeLookup(checkAddress(parseJson(body)).address),
  },
  { method: "GET", path: "/events", bodyMaxBytes: 0, handle: streamEvents },
  { method: "GET", path: "/processes", bodyMaxBytes: 0, handle: ({ control }) => control.list() },
  {
    method: "POST",
    path: "/processes",
    bodyMaxBytes: SPAWN_REQUEST_MAX_BYTES,
    handle: async ({ control }, call) => ({ pid: await control.spawn(checkSpawn(parseJson(call.body))) }),
  },
  {
    method: "POST",
    path: "/images",
    bodyMaxBytes: IMAGE_MAX_BYTES,
    handle: async ({ control }, call) => {
      const { options, image } = decodeRestore(call.body);
      return { pid: await control.restore(image, checkRestore(options)) };
    },
  },
  { method: "GET", path: "/processes/PID", bodyMaxBytes: 0, handle: ({ control }, { pid }) => control.inspect(pid) },
  {
    method: "POST",
    path: "/processes/PID/signal",
    bodyMaxBytes: REQUEST,
    handle: async ({ control }, call) => {
      const { signal, message } = checkSignal(parseJson(call.body));
      await control.signal(call.pid, signal, message);
      return {};
    },
  },
  order("/processes/PID/pause", ({ control }, { pid }) => control.pause(pid)),
  order("/processes/PID/resume", ({ control }, { pid }) => control.resume(pid)),
  {
    method: "POST",
    path: "/processes/PID/fork",
    bodyMaxBytes: REQUEST,
    handle: async ({ control }, call) => {
      const options = call.body.length === 0 ? {} : checkFork(parseJson(call.body));
      return { pid: await control.fork(call.pid, options) };
    },
  },
  {
    method: "POST",
    path: "/processes/PID/migrate",
    bodyMaxBytes: REQUEST,
    handle: ({ control }, { pid, body }) => control.migrate(pid, checkNode(parseJson(body)).node),
  },
  order("/processes/PID/cancel-move", ({ control }, { pid }) => control.cancelMove(pid)),
  {
    method: "POST",
    path: "/processes/PID/plan",
    bodyMaxBytes: REQUEST,
    handle: ({ control }, { pid, body }) => control.planMove(pid, checkNode(parseJson(body)).node),
  },
  {
    method: "POST",
    path: "/processes/PID/restart",
    bodyMaxBytes: REQUEST,
    handle: async ({ control }, { pid, body }) => ({
      pid: await control.restartAt(pid, checkNode(parseJson(body)).node),
    }),
  },
  order("/processes/PID/checkpoint", ({ control }, { pid }) => control.checkpoint(pid)),
  order("/processes/PID/kept", ({ control }, { pid }) => control.kept(pid)),
  {
    method: "GET",
    path: "/processes/PID/wait",
    bodyMaxBytes: 0,
    handle: ({ exits }, { pid, gone }) => exits.wait(pid, gone),
  },
  { method: "GET", path: "/processes/PID/output", bodyMaxBytes: 0, handle: streamOutput },
  {
    method: "POST",
    path: "/processes/PID/input",
    bodyMaxBytes: IO_MAX_BYTES,
    handle: async ({ control }, call) => {
      await control.input(call.pid, call.body);
      return {};
    },
  },
  {
    method: "DELETE",
    path: "/processes/PID/input",
    bodyMaxBytes: 0,
    handle: async ({ control }, { pid }) => {
      await control.input(pid, null);
      return {};
    },
  },
];
