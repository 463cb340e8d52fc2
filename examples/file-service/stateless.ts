/**
 * A stateless file service: it keeps nothing between two requests. Each says all that is needed to answer it (which file, from
 * where, how much), so the server may crash, move or be one of many, and no client notices. The price: a file is opened for
 * every request, and whoever caches one has to ask whether it is still the same (`If-None-Match`).
 *
 *     npx godwit run --allow-listen=127.0.0.1:8080 --allow-read=FILES --allow-write=FILES \
 *       examples/file-service/stateless.ts FILES 127.0.0.1:8080
 *
 *     GET /files/NAME?offset=0&length=100   bytes of the file
 *     PUT /files/NAME?offset=0              writes the request's body there; doing it twice is doing it once
 *     DELETE /files/NAME
 *
 * Its counterpart: examples/file-service/stateful.ts
 */

import { open, readFile, remove, self, serve } from "godwit";

const [folder = ".", address = "127.0.0.1:8080"] = self.arguments;

/** A name, and nothing that leads elsewhere. */
const NAME = /^\/files\/(\w[\w.-]*)$/;
const PIECE_MAX_BYTES = 64 * 1024;

const text = (message: string, status: number): Response => new Response(`${message}\n`, { status });

function whole(value: string | null, otherwise: number): number {
  const number = Number(value ?? otherwise);
  if (!Number.isSafeInteger(number) || number < 0) throw new RangeError(`${value} is no offset and no length`);
  return number;
}

/** What the file is now: whoever has the same tag has the same content. */
async function tagOf(path: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", readFile(path) as Uint8Array<ArrayBuffer>);
  return `"${Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("")}"`;
}

async function get(request: Request, path: string, query: URLSearchParams): Promise<Response> {
  const etag = await tagOf(path);
  if (request.headers.get("if-none-match") === etag) return new Response(null, { status: 304, headers: { etag } });
  const file = open(path);
  try {
    file.seek(whole(query.get("offset"), 0));
    const bytes = file.read(Math.min(whole(query.get("length"), PIECE_MAX_BYTES), PIECE_MAX_BYTES));
    return new Response(bytes as Uint8Array<ArrayBuffer>, { headers: { etag } });
  } finally {
    file.close();
  }
}

async function put(request: Request, path: string, query: URLSearchParams): Promise<Response> {
  const bytes = new Uint8Array(await request.arrayBuffer());
  const file = open(path, { read: true, write: true, create: true });
  try {
    file.seek(whole(query.get("offset"), 0));
    file.write(bytes);
  } finally {
    file.close();
  }
  return new Response(null, { status: 204 });
}

async function answer(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const name = NAME.exec(pathname)?.[1];
  if (name === undefined) return text("there are only files here: /files/NAME", 404);
  const path = `${folder}/${name}`;
  switch (request.method) {
    case "GET":
      return get(request, path, searchParams);
    case "PUT":
      return put(request, path, searchParams);
    case "DELETE":
      remove(path);
      return new Response(null, { status: 204 });
    default:
      return text("GET, PUT or DELETE", 405);
  }
}

const server = serve(answer, {
  address,
  onError: (error) =>
    (error as { code?: string }).code === "ENOENT"
      ? text("no such file", 404)
      : text(String(error), error instanceof RangeError ? 400 : 500),
});
console.log(`listening on ${server.address}`);
