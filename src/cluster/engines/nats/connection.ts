/** The connection to NATS: its servers, credentials and TLS as NATS has them, and what the server must be able to do. */

import { readFile } from "node:fs/promises";
import { hostname, networkInterfaces } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import {
  type NatsConnection,
  type NodeConnectionOptions,
  connect,
  credsAuthenticator,
  errors,
  nkeyAuthenticator,
} from "@nats-io/transport-node";
import { type GodwitError, failure } from "../../../errors.ts";
import { CLUSTER_CONNECT_TIMEOUT_MS, CLUSTER_MESSAGE_MAX_BYTES } from "../../../limits.ts";

/** How to reach a NATS cluster, and as whom. */
export interface NatsOptions {
  /**
   * URLs of one or more of its servers: `nats://host:4222`, with `user:password@` or `token@` if need be, or `tls://...`. One
   * of this machine is tried first.
   */
  readonly servers: string | readonly string[];
  /** Several godwit clusters may share one NATS: what is named differently is apart. Letters, digits, "-" and "_". */
  readonly cluster?: string;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** Path of a `.creds` file: a JWT and its key. */
  readonly credentialsFile?: string;
  /** Path of a file with an NKey's seed. */
  readonly nkeySeedFile?: string;
  /**
   * TLS, which is required then. Paths of PEM files: whom to trust, and the client's own certificate. Servers go by their
   * names in URLs: the client library does not compare addresses with certificates.
   */
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
  /** Copies of everything durable: 1, 3 or 5. 3 in a NATS cluster and 1 on a single server, if it is not said. */
  readonly replicas?: number;
  /** How long to try for the first connection, ms; later ones are tried for ever. */
  readonly timeoutMs?: number;
}

/** Older ones lack what the directory's watches need. */
const VERSION_MIN = [2, 9, 0] as const;
/** A message of ours and its headers. */
const PAYLOAD_MIN_BYTES = CLUSTER_MESSAGE_MAX_BYTES + 8192;
const RETRY_MS = 250;
/** A server that does not answer two pings is taken for gone. */
const PING_MS = 1_000;
const PINGS_UNANSWERED_MAX = 2;

/** @throws GodwitError ECLUSTER when no server can be reached in time, or it is not fit for use; EINVAL; EACCES for files. */
export async function connectNats(options: NatsOptions): Promise<NatsConnection> {
  const settings = await settingsOf(options);
  const endMs = performance.now() + (options.timeoutMs ?? CLUSTER_CONNECT_TIMEOUT_MS);
  for (;;) {
    try {
      const timeout = Math.max(1, Math.ceil(endMs - performance.now()));
      return await fit(await connect({ ...settings, timeout }));
    } catch (error) {
      // Credentials that are refused once are refused again.
      const isFinal = error instanceof errors.AuthorizationError || performance.now() + RETRY_MS > endMs;
      if (isFinal) throw connectError(error, settings.servers);
      await delay(RETRY_MS);
    }
  }
}

function connectError(error: unknown, servers: readonly string[]): unknown {
  if (error instanceof Error && "code" in error && error.code === "ECLUSTER") return error;
  const advice = "is it running, and are the credentials and TLS as it wants them?";
  return failure("ECLUSTER", `cannot connect to NATS at ${servers.join(", ")}: ${String(error)}; ${advice}`, error);
}

async function fit(connection: NatsConnection): Promise<NatsConnection> {
  const problem = problemOf(connection);
  if (problem === undefined) return connection;
  await connection.close();
  throw problem;
}

function problemOf({ info }: NatsConnection): GodwitError | undefined {
  const version = info?.version ?? "unknown";
  const numbers = version.split(/[.-]/).map(Number);
  for (const [index, least] of VERSION_MIN.entries()) {
    const number = numbers[index] ?? NaN;
    if (number > least) break;
    if (number === least) continue;
    return failure("ECLUSTER", `the NATS server has version ${version}: use ${VERSION_MIN.join(".")} or later`);
  }
  const payload = info?.max_payload ?? 0;
  if (payload >= PAYLOAD_MIN_BYTES) return undefined;
  return failure(
    "ECLUSTER",
    `the NATS server takes messages of ${payload} bytes: set its max_payload to ${PAYLOAD_MIN_BYTES}`,
  );
}

type Settings = Omit<NodeConnectionOptions, "servers"> & { readonly servers: string[] };

async function settingsOf(options: NatsOptions): Promise<Settings> {
  const urls = typeof options.servers === "string" ? options.servers.split(",") : [...options.servers];
  const servers = urls.map((url) => serverOf(url.trim()));
  const [first] = servers;
  if (first === undefined) throw failure("EINVAL", "no NATS server is given: give the URL of one");
  const isSecure = options.tls !== undefined || servers.some((server) => server.isSecure);
  return {
    servers: nearestFirst(servers.map((server) => server.address)),
    noRandomize: true,
    ...(await credentialsOf(options, first)),
    ...(isSecure ? { tls: { ...options.tls } } : {}),
    name: "godwit",
    reconnect: true,
    maxReconnectAttempts: -1,
    // A server that starts may refuse everyone for a moment.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: RETRY_MS,
    pingInterval: PING_MS,
    maxPingOut: PINGS_UNANSWERED_MAX,
  };
}

/** A server of this machine first: what cuts others off, or ends them, does not concern it. The others in any order. */
function nearestFirst(addresses: readonly string[]): string[] {
  const own = new Set(["localhost", "127.0.0.1", "::1", hostname()]);
  for (const each of Object.values(networkInterfaces())) for (const { address } of each ?? []) own.add(address);
  const isOwn = (address: string) => own.has(address.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1"));
  const shuffled = addresses
    .map((address) => ({ address, place: (isOwn(address) ? 0 : 1) + Math.random() }))
    .sort((a, b) => a.place - b.place);
  return shuffled.map(({ address }) => address);
}

interface Server {
  readonly address: string;
  readonly isSecure: boolean;
  readonly user: string;
  readonly password: string;
}

function serverOf(text: string): Server {
  let url: URL;
  try {
    url = new URL(text.includes("://") ? text : `nats://${text}`);
  } catch (error) {
    throw failure("EINVAL", `${text} is no URL of a NATS server: write nats://HOST:PORT`, error);
  }
  if (!["nats:", "tls:"].includes(url.protocol) || url.hostname === "") {
    throw failure("EINVAL", `${url.protocol}//${url.host} is no URL of a NATS server: write nats://HOST:PORT`);
  }
  const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  return { address: url.host, isSecure: url.protocol === "tls:", user, password };
}

async function credentialsOf(
  options: NatsOptions,
  { user, password }: Server,
): Promise<Omit<NodeConnectionOptions, "servers">> {
  if (options.credentialsFile !== undefined) {
    return { authenticator: credsAuthenticator(await secretOf(options.credentialsFile)) };
  }
  if (options.nkeySeedFile !== undefined) {
    const seed = Buffer.from((await secretOf(options.nkeySeedFile)).toString().trim());
    return { authenticator: nkeyAuthenticator(seed) };
  }
  if (options.token !== undefined) return { token: options.token };
  if (options.user !== undefined) return { user: options.user, pass: options.password ?? "" };
  if (password !== "") return { user, pass: password };
  return user === "" ? {} : { token: user };
}

async function secretOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw failure("EACCES", `cannot read the credentials in ${path}: ${String(error)}`, error);
  }
}
