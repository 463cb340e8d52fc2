/** Images as files: read under a bound, written so that no reader ever sees half of one. */

import { randomUUID } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { failure } from "../errors.ts";
import { IMAGE_MAX_BYTES } from "../limits.ts";
import { type ImageDescription, describeImage } from "../machine/image.ts";

function codeOf(error: unknown): unknown {
  return error instanceof Error ? Reflect.get(error, "code") : undefined;
}

function fileError(error: unknown, what: string, path: string) {
  const code = codeOf(error);
  if (code === "ENOENT") return failure("ENOENT", `cannot ${what} ${path}: there is no such file or folder`, error);
  if (code === "EISDIR") return failure("EISDIR", `cannot ${what} ${path}: it is a directory`, error);
  if (code === "EACCES" || code === "EPERM") {
    return failure("EACCES", `cannot ${what} ${path}: permission denied`, error);
  }
  if (code === "ENOSPC") return failure("ENOSPC", `cannot ${what} ${path}: no space is left`, error);
  return failure("EIO", `cannot ${what} ${path}: ${String(error)}`, error);
}

/**
 * The bytes of an image file, not looked into yet.
 * @throws GodwitError ENOENT, EISDIR, EACCES or EIO; EIMAGE_LIMIT when it is longer than {@link IMAGE_MAX_BYTES}.
 */
export async function readImageFile(path: string): Promise<Uint8Array> {
  try {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    if (size > IMAGE_MAX_BYTES) {
      throw failure("EIMAGE_LIMIT", `${path} has ${size} bytes, and an image has at most ${IMAGE_MAX_BYTES}`);
    }
    return await file.readFile();
  } catch (error) {
    throw codeOf(error) === "EIMAGE_LIMIT" ? error : fileError(error, "read", path);
  }
}

/**
 * Writes an image to `path`, whole or not at all. An image holds all that its process knows: only its owner may read.
 * @throws GodwitError ENOENT, EISDIR, EACCES, ENOSPC or EIO.
 */
export async function writeImageFile(path: string, image: Uint8Array): Promise<void> {
  const partial = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    await using file = await open(partial, "wx", 0o600);
    await file.writeFile(image);
    await file.sync();
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw fileError(error, "write", path);
  }
}

/** What an image file says of itself. @throws GodwitError as {@link readImageFile}, or EIMAGE_CORRUPT, EIMAGE_VERSION. */
export async function describeImageFile(path: string): Promise<ImageDescription> {
  return describeImage(await readImageFile(path));
}
