/** Requests as they arrive at the control socket: bounded, and checked before anything is done with them. */

import type { IncomingMessage } from "node:http";
import * as v from "valibot";
import { SERVICE_NAME } from "../abi/channel.ts";
import { SIGNALS } from "../abi/records.ts";
import { failure } from "../errors.ts";
import {
  CONTROL_BODIES_MAX_BYTES,
  DURABLE_INTERVAL_MIN_MS,
  EXPOSURE_NODES_MAX,
  HOST_MAX_CHARS,
  KEPT_MAX_BYTES,
  LOOKUP_SERVICES_MAX,
  NAME_MAX_CHARS,
  NODE_NAME_MAX_CHARS,
  PEM_MAX_BYTES,
  POLICY_MAX_CHARS,
  PROGRAM_MAX_BYTES,
  URGENT_MESSAGE_MAX_CHARS,
  SERVICE_IDLE_MIN_MS,
} from "../limits.ts";

/** The bytes of all bodies that are being received or used, so that many requests together are bounded too. */
export class BodyBudget {
  #heldBytes = 0;

  /** Whether there was room. */
  take(sizeBytes: number): boolean {
    if (this.#heldBytes + sizeBytes > CONTROL_BODIES_MAX_BYTES) return false;
    this.#heldBytes += sizeBytes;
    return true;
  }

  give(sizeBytes: number): void {
    this.#heldBytes -= sizeBytes;
  }
}

/**
 * Receives a body whole. What is over the bound is received all the same, but not kept: a client that is cut off while
 * it sends does not see the answer. The caller gives the body's bytes back to the budget.
 */
export async function readBody(request: IncomingMessage, maxBytes: number, budget: BodyBudget): Promise<Buffer> {
  let chunks: Buffer[] = [];
  let sizeBytes = 0;
  let refused: Error | undefined;
  const refuse = (error: Error) => {
    refused = error;
    budget.give(sizeBytes);
    sizeBytes = 0;
    chunks = [];
  };
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      if (refused !== undefined) continue;
      if (sizeBytes + chunk.length > maxBytes) {
        refuse(failure("EMSGSIZE", `the request's body is longer than ${maxBytes} bytes`));
      } else if (!budget.take(chunk.length)) {
        refuse(failure("EAGAIN", "the node is receiving too much at once: try again"));
      } else {
        chunks.push(chunk);
        sizeBytes += chunk.length;
      }
    }
  } catch (error) {
    budget.give(sizeBytes);
    throw failure("ECANCELED", "the client went away", error);
  }
  if (refused !== undefined) throw refused;
  return Buffer.concat(chunks);
}

const texts = v.array(v.string());
const paths = v.union([v.literal("all"), texts]);
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const quotas = v.strictObject({
  memoryBytes: v.exactOptional(count),
  cpuShare: v.exactOptional(count),
  threadsMax: v.exactOptional(count),
  processesMax: v.exactOptional(count),
  timeoutMs: v.exactOptional(count),
});
const capabilities = v.strictObject({
  read: v.exactOptional(paths),
  write: v.exactOptional(paths),
  environment: v.exactOptional(paths),
  run: v.exactOptional(paths),
  net: v.exactOptional(paths),
  listen: v.exactOptional(paths),
});
const nodeName = v.pipe(v.string(), v.nonEmpty(), v.maxLength(NODE_NAME_MAX_CHARS));
const grants = {
  node: v.exactOptional(nodeName),
  environment: v.exactOptional(v.record(v.string(), v.string())),
  quotas: v.exactOptional(quotas),
  capabilities: v.exactOptional(capabilities),
  workingDirectory: v.exactOptional(v.pipe(v.string(), v.startsWith("/"))),
  stress: v.exactOptional(
    v.strictObject({ every: v.pipe(count, v.minValue(1)), at: v.picklist(["poll", "call"] as const) }),
  ),
};

function bytesOf(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, "base64"));
}

const SPAWN = v.strictObject({
  name: v.pipe(v.string(), v.nonEmpty(), v.maxLength(NAME_MAX_CHARS)),
  source: v.pipe(v.string(), v.maxLength(PROGRAM_MAX_BYTES)),
  sourceMap: v.exactOptional(v.pipe(v.string(), v.maxLength(PROGRAM_MAX_BYTES))),
  arguments: v.exactOptional(texts),
  durable: v.exactOptional(
    v.strictObject({ intervalMs: v.exactOptional(v.pipe(count, v.minValue(DURABLE_INTERVAL_MIN_MS))) }),
  ),
  kept: v.exactOptional(
    v.pipe(v.string(), v.base64(), v.maxLength(4 * Math.ceil(KEPT_MAX_BYTES / 3)), v.transform(bytesOf)),
  ),
  outputHeld: v.exactOptional(v.boolean()),
  ...grants,
});
const RESTORE = v.strictObject(grants);
const SIGNAL = v.strictObject({
  signal: v.picklist(SIGNALS),
  message: v.optional(v.pipe(v.string(), v.maxLength(URGENT_MESSAGE_MAX_CHARS)), ""),
});
const NODE = v.strictObject({ node: nodeName });
const DRAIN = v.strictObject({ node: nodeName, force: v.optional(v.boolean()), dryRun: v.optional(v.boolean()) });
const FORK = v.strictObject({ node: v.exactOptional(nodeName) });
const service = v.pipe(v.string(), v.regex(SERVICE_NAME, "must be a name of letters, digits and dashes, such as web"));
const frontAddress = v.pipe(v.string(), v.maxLength(HOST_MAX_CHARS));
const pem = v.pipe(v.string(), v.maxLength(PEM_MAX_BYTES));
const EXPOSE = v.strictObject({
  service,
  address: frontAddress,
  policy: v.exactOptional(v.pipe(v.string(), v.maxLength(POLICY_MAX_CHARS))),
  careOf: v.exactOptional(frontAddress),
  certificate: v.exactOptional(pem),
  key: v.exactOptional(pem),
  at: v.exactOptional(
    v.union([v.literal("all"), v.pipe(v.array(nodeName), v.minLength(1), v.maxLength(EXPOSURE_NODES_MAX))]),
  ),
  node: v.exactOptional(nodeName),
  passOn: v.exactOptional(v.picklist(["auto", "handoff", "relay"] as const)),
  start: v.exactOptional(v.strictObject({ program: SPAWN, idleMs: v.pipe(count, v.minValue(SERVICE_IDLE_MIN_MS)) })),
});
const UNEXPOSE = v.strictObject({ service, address: v.exactOptional(frontAddress) });
const LOOKUP = v.strictObject({
  address: frontAddress,
  zone: v.exactOptional(v.pipe(v.string(), v.maxLength(HOST_MAX_CHARS))),
  services: v.exactOptional(v.pipe(v.array(service), v.maxLength(LOOKUP_SERVICES_MAX))),
  node: v.exactOptional(nodeName),
});
const ADDRESS = v.strictObject({ address: frontAddress });
const NOTHING = v.strictObject({});

function checked<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const where = v.getDotPath(issue) ?? "the body";
  throw failure("EINVAL", `the request is not as the protocol says: ${where}: ${issue.message}`);
}

export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch (error) {
    throw failure("EINVAL", "the request's body is no JSON", error);
  }
}

export const checkSpawn = (value: unknown) => checked(SPAWN, value);
export const checkRestore = (value: unknown) => checked(RESTORE, value);
export const checkSignal = (value: unknown) => checked(SIGNAL, value);
export const checkNode = (value: unknown) => checked(NODE, value);
export const checkDrain = (value: unknown) => checked(DRAIN, value);
export const checkFork = (value: unknown) => checked(FORK, value);
export const checkExpose = (value: unknown) => checked(EXPOSE, value);
export const checkUnexpose = (value: unknown) => checked(UNEXPOSE, value);
export const checkLookup = (value: unknown) => checked(LOOKUP, value);
export const checkAddress = (value: unknown) => checked(ADDRESS, value);
export const checkNothing = (value: unknown) => checked(NOTHING, value);
