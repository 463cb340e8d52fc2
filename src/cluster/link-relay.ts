/**
 * Connections through the cluster's engine, for nodes between which no direct one can be opened: bytes as requests to the
 * subject of the other side's run, in order and each until it was taken. They are carried, not trusted: TLS goes over them.
 */

import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { decode, encode } from "cborg";
import * as v from "valibot";
import { GodwitError, failure } from "../errors.ts";
import { LINK_CONNECT_TIMEOUT_MS, LINK_RELAYS_MAX, LINK_RELAY_PIECE_BYTES } from "../limits.ts";
import type { Engine, Subscription } from "./engine.ts";
import { RelayStream } from "./link-relay-stream.ts";

const id = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
const subject = v.pipe(v.string(), v.regex(/^link\/[A-Za-z0-9_-]{1,63}\/[0-9a-f]{16}$/));
const piece = v.custom<Uint8Array>((input) => input instanceof Uint8Array && input.length <= LINK_RELAY_PIECE_BYTES);
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const request = v.variant("op", [
  v.strictObject({ op: v.literal("open"), id, from: subject }),
  /** `at`: how many bytes came before. Nothing at the end means the end. */
  v.strictObject({ op: v.literal("piece"), id, at: count, bytes: piece }),
  v.strictObject({ op: v.literal("room"), id }),
  v.strictObject({ op: v.literal("break"), id }),
]);
export type RelayRequest = v.InferOutput<typeof request>;
const opened = v.strictObject({ subject });
/** `at`: how many bytes have been taken; `room`: whether more would be. */
const taken = v.strictObject({ at: count, room: v.boolean() });
export type Taken = v.InferOutput<typeof taken>;

/** One node's end of all its connections through the engine. */
export class Relay {
  readonly #engine: Engine;
  readonly #name: string;
  readonly #subject: string;
  readonly #accept: (stream: Duplex) => void;
  readonly #streams = new Map<string, RelayStream>();
  #subscriptions: Subscription[] = [];

  constructor(engine: Engine, name: string, run: string, accept: (stream: Duplex) => void) {
    this.#engine = engine;
    this.#name = name;
    this.#subject = `link/${name}/${run}`;
    this.#accept = accept;
  }

  /** @throws GodwitError ECLUSTER, ECANCELED, ETIMEDOUT. */
  async listen(): Promise<void> {
    const answer = async (body: Uint8Array) => encode(this.#asked(body));
    // The node's name is for who connects; afterwards each run is spoken to by itself.
    for (const subject of [this.#subject, `link/${this.#name}`])
      this.#subscriptions.push(await this.#engine.messages.serve(subject, answer));
  }

  /** @throws GodwitError ENONODE, ETIMEDOUT, ECLUSTER, EAGAIN. */
  async connect(peer: string, signal: AbortSignal): Promise<Duplex> {
    const id = randomBytes(16).toString("hex");
    const stream = this.#begin(id);
    const end = () => stream.destroy();
    signal.addEventListener("abort", end);
    try {
      const body = encode({ op: "open", id, from: this.#subject });
      const options = { timeoutMs: LINK_CONNECT_TIMEOUT_MS };
      const answer = await this.#engine.messages.request(`link/${peer}`, body, options);
      stream.connected(parsed(opened, answer).subject);
      return stream;
    } catch (error) {
      stream.destroy();
      throw error;
    } finally {
      signal.removeEventListener("abort", end);
    }
  }

  close(): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription.stop();
    for (const stream of this.#streams.values()) stream.destroy();
  }

  #begin(id: string): RelayStream {
    if (this.#streams.size >= LINK_RELAYS_MAX)
      throw failure("EAGAIN", `node ${this.#name} has ${LINK_RELAYS_MAX} connections through the engine: try again`);
    if (this.#streams.has(id)) throw failure("EEXIST", "there is such a connection");
    const stream = new RelayStream(async (to, message) => {
      const answer = await this.#engine.messages.request(to, encode({ ...message, id }));
      return parsed(taken, answer);
    });
    stream.on("error", () => {}); // told by its close
    this.#streams.set(id, stream);
    stream.once("close", () => this.#streams.delete(id));
    return stream;
  }

  #asked(body: Uint8Array): v.InferOutput<typeof opened> | Taken {
    const message = parsed(request, body);
    if (message.op === "open") {
      const stream = this.#begin(message.id);
      stream.connected(message.from);
      this.#accept(stream);
      return { subject: this.#subject };
    }
    const stream = this.#streams.get(message.id);
    if (stream === undefined) throw failure("ENOENT", "there is no such connection any more");
    return stream.asked(message);
  }
}

function parsed<S extends v.GenericSchema>(shape: S, bytes: Uint8Array): v.InferOutput<S> {
  try {
    return v.parse(shape, decode(new Uint8Array(bytes)));
  } catch (error) {
    if (error instanceof GodwitError) throw error;
    throw failure("EPROTO", "a message of a connection through the engine is malformed", error);
  }
}
