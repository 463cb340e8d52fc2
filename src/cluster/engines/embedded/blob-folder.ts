/**
 * Blobs as files: the content, and a trailer that says how long it is and what it hashes to. All nodes of a machine use the
 * folder themselves, and need the engine's server for none of it: a blob is there, whole, once its file has its name.
 */

import { createHash, randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type ErrorCode, GodwitError, failure } from "../../../errors.ts";
import { BLOB_ABANDONED_MS } from "../../../limits.ts";
import { boundedContent, corruptBlob, noBlob } from "../../blob.ts";
import type { Blob, BlobFacts, Blobs } from "../../engine.ts";
import { byText, decodeSegment, encodePath } from "../../path.ts";

const SUFFIX = ".blob";
/** Trailer: SHA-256 of the content, its length (uint64, little-endian), and this. */
const MAGIC = Buffer.from("gdwtblb1");
const HASH_BYTES = 32;
const TRAILER_BYTES = HASH_BYTES + 8 + MAGIC.length;
const CHUNK_BYTES = 2 ** 20;
/** A folder may be deleted, when it is empty, just before a file is put into it; not time and again. */
const FOLDER_TRIES = 10;

/** Makes the folders, and removes what was never finished. Answers with where the blobs are. */
export async function prepareBlobFolder(folder: string): Promise<string> {
  const root = join(folder, "blobs");
  const partial = partialFolder(root);
  await mkdir(partial, { recursive: true, mode: 0o700 });
  for (const name of await readdir(partial)) {
    const path = join(partial, name);
    const facts = await stat(path).catch(() => undefined);
    if (facts !== undefined && Date.now() - facts.mtimeMs > BLOB_ABANDONED_MS) await rm(path, { force: true });
  }
  return root;
}

/** Not a blob's folder: segments are never written with a dot. */
function partialFolder(root: string): string {
  return join(root, ".partial");
}

interface Trailer {
  readonly sha256: string;
  readonly sizeBytes: number;
}

export class BlobFolder implements Blobs {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async put(name: string, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<BlobFacts> {
    const partial = join(partialFolder(this.#root), randomUUID());
    try {
      const { sizeBytes, sha256 } = await writeWhole(partial, boundedContent(name, content));
      await this.#place(partial, this.#path(name));
      return { name, sizeBytes, sha256, storedMs: (await stat(this.#path(name))).mtimeMs };
    } catch (error) {
      await rm(partial, { force: true }).catch(() => {});
      throw blobError(error, "store", name);
    }
  }

  async get(name: string): Promise<Blob> {
    const path = this.#path(name);
    try {
      await using file = await open(path, "r");
      const { size, mtimeMs } = await file.stat();
      const trailer = await readTrailer(file, size);
      if (trailer === undefined) throw corruptBlob(name, "its end is missing or altered");
      return { name, ...trailer, storedMs: mtimeMs, content: readContent(path, name, trailer) };
    } catch (error) {
      throw blobError(error, "read", name);
    }
  }

  async delete(name: string): Promise<boolean> {
    const path = this.#path(name);
    try {
      await rm(path);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return false;
      throw blobError(error, "delete", name);
    }
    await syncFolder(dirname(path)).catch(() => {});
    await this.#tidy(dirname(path));
    return true;
  }

  async list(prefix: string): Promise<BlobFacts[]> {
    const found: BlobFacts[] = [];
    const folder = prefix === "" ? this.#root : join(this.#root, encodePath(prefix.slice(0, -1), "/"));
    try {
      await listInto(found, folder, prefix);
    } catch (error) {
      throw blobError(error, "list", prefix);
    }
    return found.sort((a, b) => byText(a.name, b.name));
  }

  #path(name: string): string {
    return join(this.#root, encodePath(name, "/") + SUFFIX);
  }

  /** Gives the finished file its name. On disk when it returns. */
  async #place(partial: string, path: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        const made = await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        await rename(partial, path);
        for (let folder = dirname(path); ; folder = dirname(folder)) {
          await syncFolder(folder);
          if (made === undefined || folder === dirname(made)) return;
        }
      } catch (error) {
        if (systemCode(error) !== "ENOENT" || tries === FOLDER_TRIES) throw error;
      }
    }
  }

  /** Removes folders that are empty now. */
  async #tidy(folder: string): Promise<void> {
    try {
      for (; folder !== this.#root; folder = dirname(folder)) await rmdir(folder);
    } catch {
      // There is something in it.
    }
  }
}

async function writeWhole(path: string, content: AsyncIterable<Uint8Array>): Promise<Trailer> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  await using file = await open(path, "wx", 0o600);
  for await (const piece of content) {
    hash.update(piece);
    sizeBytes += piece.length;
    await writeFully(file, piece);
  }
  const digest = hash.digest();
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(sizeBytes));
  await writeFully(file, Buffer.concat([digest, length, MAGIC]));
  await file.datasync();
  return { sha256: digest.toString("hex"), sizeBytes };
}

/** A write may take less than it is given: on a disk that fills up, for one. */
async function writeFully(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done);
    done += bytesWritten;
  }
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}

async function readTrailer(file: FileHandle, fileBytes: number): Promise<Trailer | undefined> {
  if (fileBytes < TRAILER_BYTES) return undefined;
  const trailer = Buffer.alloc(TRAILER_BYTES);
  await file.read(trailer, 0, TRAILER_BYTES, fileBytes - TRAILER_BYTES);
  const sizeBytes = trailer.readBigUInt64LE(HASH_BYTES);
  if (!trailer.subarray(-MAGIC.length).equals(MAGIC) || sizeBytes !== BigInt(fileBytes - TRAILER_BYTES))
    return undefined;
  return { sha256: trailer.subarray(0, HASH_BYTES).toString("hex"), sizeBytes: Number(sizeBytes) };
}

/** Opens the file only when someone reads: a content that nobody wants holds nothing. */
async function* readContent(path: string, name: string, trailer: Trailer): AsyncGenerator<Uint8Array> {
  try {
    await using file = await open(path, "r");
    const now = await readTrailer(file, (await file.stat()).size);
    if (now !== undefined && now.sha256 !== trailer.sha256) {
      throw failure("ESTALE", `the blob ${name} was replaced before it was read: get it again`);
    }
    yield* readPieces(file, name, trailer);
  } catch (error) {
    throw blobError(error, "read", name);
  }
}

async function* readPieces(file: FileHandle, name: string, { sha256, sizeBytes }: Trailer): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  for (let position = 0; position < sizeBytes;) {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, sizeBytes - position));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) throw corruptBlob(name, "it was cut short while it was read");
    const piece = chunk.subarray(0, bytesRead);
    hash.update(piece);
    position += bytesRead;
    yield piece;
  }
  if (hash.digest("hex") !== sha256)
    throw corruptBlob(name, "its content does not have the hash that it was stored with");
}

async function listInto(found: BlobFacts[], folder: string, prefix: string): Promise<void> {
  let items;
  try {
    items = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw error;
  }
  for (const item of items) {
    const isBlob = item.isFile() && item.name.endsWith(SUFFIX);
    const segment = decodeSegment(isBlob ? item.name.slice(0, -SUFFIX.length) : item.name);
    if (segment === undefined) continue;
    const path = join(folder, item.name);
    if (item.isDirectory()) await listInto(found, path, `${prefix}${segment}/`);
    else if (isBlob) await listOne(found, path, prefix + segment);
  }
}

async function listOne(found: BlobFacts[], path: string, name: string): Promise<void> {
  try {
    await using file = await open(path, "r");
    const { size, mtimeMs } = await file.stat();
    const trailer = await readTrailer(file, size);
    if (trailer !== undefined) found.push({ name, ...trailer, storedMs: mtimeMs });
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error; // It was deleted meanwhile.
  }
}

function systemCode(error: unknown): unknown {
  return error instanceof Error ? Reflect.get(error, "code") : undefined;
}

const CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOSPC: ["ENOSPC", "no space is left on the disk"],
  EDQUOT: ["ENOSPC", "the disk quota is used up"],
  EACCES: ["EACCES", "permission denied"],
  EPERM: ["EACCES", "permission denied"],
};

/** What the system says, with our code; what the content itself threw is passed on as it is. */
function blobError(error: unknown, what: string, name: string): unknown {
  if (error instanceof GodwitError) return error;
  const code = systemCode(error);
  if (code === "ENOENT") return noBlob(name);
  const known = typeof code === "string" ? CODES[code] : undefined;
  if (known !== undefined) return failure(known[0], `cannot ${what} the blob ${name}: ${known[1]}`, error);
  const isSystem = error instanceof Error && "syscall" in error;
  return isSystem ? failure("EIO", `cannot ${what} the blob ${name}: ${String(error)}`, error) : error;
}
