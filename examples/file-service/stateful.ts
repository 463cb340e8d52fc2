/**
 * A stateful file service: it remembers what its clients do. A file is opened once and read on from where one was; who caches a
 * file has a lease on it, is called back when somebody else writes it, and need not ask. The price is that the server has
 * something to lose: it writes down its clients' state before it answers, and after a crash goes on from there.
 *
 *     npx godwit run --allow-listen=127.0.0.1:8080 --allow-read=FILES --allow-write=FILES \
 *       examples/file-service/stateful.ts FILES 127.0.0.1:8080
 *
 *     POST /open?client=C&name=NAME     a handle
 *     GET /handles/H?length=100         the next bytes
 *     PUT /handles/H                    writes there; waits until nobody else has a lease on the file
 *     DELETE /handles/H                 closes it
 *     GET /leases/NAME?client=C         the file, to be cached for as long as `lease-ms` says
 *     DELETE /leases/NAME?client=C      gives the lease back
 *     GET /callbacks?client=C           server-sent events: `invalidate`, with a name: give the lease back, please
 *
 * Its counterpart: examples/file-service/stateless.ts
 */

import { exists, type File, open, readFile, rename, self, serve, writeFile } from "godwit";

const [folder = ".", address = "127.0.0.1:8080", leaseMs = "10000"] = self.arguments;
const LEASE_MS = Number(leaseMs);
const NAME = /^\w[\w.-]*$/;
const PIECE_MAX_BYTES = 64 * 1024;

interface Opening {
  readonly client: string;
  readonly name: string;
  position: number;
}

interface Lease {
  readonly client: string;
  readonly name: string;
  readonly expiresMs: number;
}

/** What a crash must not lose. No file that a client can name begins with a dot. */
const STATE = `${folder}/.state`;
interface State {
  lastHandle: number;
  readonly openings: Record<string, Opening>;
  leases: Lease[];
}
const state: State = exists(STATE)
  ? (JSON.parse(readFile(STATE, "utf-8")) as State)
  : { lastHandle: 0, openings: {}, leases: [] };

/** All of it or nothing of it, whenever the server dies. */
function writeDown(): void {
  writeFile(`${STATE}.new`, JSON.stringify(state));
  rename(`${STATE}.new`, STATE);
}

// ---- Open files: opened again when they are first used after a crash

const files = new Map<string, File>();

function fileOf(handle: string): { readonly file: File; readonly opening: Opening } {
  const opening = state.openings[handle];
  if (opening === undefined) throw new RangeError(`handle ${handle} is not open`);
  const file = files.get(handle) ?? open(`${folder}/${opening.name}`, { read: true, write: true, create: true });
  files.set(handle, file);
  file.seek(opening.position);
  return { file, opening };
}

// ---- Leases and callbacks

const callbacks = new Map<string, ReadableStreamDefaultController<Uint8Array>>();
/** Told whenever a lease is given back. */
let givenBack = Promise.withResolvers<void>();
/** Writes of a file, one after the other; while one waits, no lease on it is given. */
const writes = new Map<string, Promise<unknown>>();

function callBack(client: string, name: string): void {
  const event = new TextEncoder().encode(`event: invalidate\ndata: ${name}\n\n`);
  callbacks.get(client)?.enqueue(event);
}

function leasesOfOthers(name: string, writer: string): Lease[] {
  return state.leases.filter((lease) => lease.name === name && lease.client !== writer && lease.expiresMs > Date.now());
}

/** Calls back whoever caches the file; resolves when all have given their leases back, or let them run out. */
async function invalidate(name: string, writer: string): Promise<void> {
  for (const { client } of leasesOfOthers(name, writer)) callBack(client, name);
  for (let left = leasesOfOthers(name, writer); left.length > 0; left = leasesOfOthers(name, writer)) {
    const untilMs = Math.min(...left.map(({ expiresMs }) => expiresMs));
    const over = new Promise((resolve) => setTimeout(resolve, Math.max(1, untilMs - Date.now())));
    await Promise.race([givenBack.promise, over]);
  }
}

function giveBack(client: string, name: string): void {
  state.leases = state.leases.filter((lease) => lease.client !== client || lease.name !== name);
  writeDown();
  givenBack.resolve();
  givenBack = Promise.withResolvers();
}

/** A client's callbacks; one that comes back after a crash, or late, hears of what is waited for. */
function callbacksOf(client: string): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      callbacks.set(client, controller);
      controller.enqueue(new TextEncoder().encode(": here\n\n"));
      for (const lease of state.leases)
        if (lease.client === client && writes.has(lease.name)) callBack(client, lease.name);
    },
    cancel: () => void callbacks.delete(client),
  });
  return new Response(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-store" } });
}

async function lease(client: string, name: string): Promise<Response> {
  while (writes.has(name)) await writes.get(name);
  const bytes = readFile(`${folder}/${name}`);
  const others = state.leases.filter(
    (one) => one.expiresMs > Date.now() && (one.client !== client || one.name !== name),
  );
  state.leases = [...others, { client, name, expiresMs: Date.now() + LEASE_MS }];
  writeDown();
  return new Response(bytes as Uint8Array<ArrayBuffer>, { headers: { "lease-ms": String(LEASE_MS) } });
}

// ---- Handles

async function write(handle: string, request: Request): Promise<Response> {
  const bytes = new Uint8Array(await request.arrayBuffer());
  const { name, client } = fileOf(handle).opening;
  const before = writes.get(name);
  const own = (async () => {
    await before?.catch(() => {});
    await invalidate(name, client);
    const { file, opening } = fileOf(handle);
    file.write(bytes);
    opening.position += bytes.length;
    writeDown();
  })();
  writes.set(name, own);
  try {
    await own;
  } finally {
    if (writes.get(name) === own) writes.delete(name);
  }
  return new Response(null, { status: 204 });
}

function read(handle: string, length: number): Response {
  const { file, opening } = fileOf(handle);
  const bytes = file.read(Math.min(Math.max(1, length), PIECE_MAX_BYTES));
  opening.position += bytes.length;
  writeDown();
  return new Response(bytes as Uint8Array<ArrayBuffer>);
}

function close(handle: string): Response {
  const { file } = fileOf(handle);
  file.close();
  files.delete(handle);
  Reflect.deleteProperty(state.openings, handle);
  writeDown();
  return new Response(null, { status: 204 });
}

function opened(client: string, name: string): Response {
  const handle = String(++state.lastHandle);
  state.openings[handle] = { client, name, position: 0 };
  fileOf(handle);
  writeDown();
  return new Response(handle);
}

async function answer(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const [, what = "", which = ""] = pathname.split("/");
  const client = searchParams.get("client") ?? "";
  const name = searchParams.get("name") ?? (what === "leases" ? which : "");
  if (name !== "" && !NAME.test(name)) throw new RangeError(`${name} is no name`);
  switch (`${request.method} ${what}`) {
    case "POST open":
      return opened(client, name);
    case "GET handles":
      return read(which, Number(searchParams.get("length") ?? PIECE_MAX_BYTES));
    case "PUT handles":
      return write(which, request);
    case "DELETE handles":
      return close(which);
    case "GET leases":
      return lease(client, name);
    case "DELETE leases":
      giveBack(client, name);
      return new Response(null, { status: 204 });
    case "GET callbacks":
      return callbacksOf(client);
    default:
      return new Response("nothing is here\n", { status: 404 });
  }
}

const server = serve(answer, {
  address,
  onError: (error) =>
    new Response(`${String(error)}\n`, {
      status: (error as { code?: string }).code === "ENOENT" ? 404 : error instanceof RangeError ? 400 : 500,
    }),
});
console.log(`listening on ${server.address}`);
