/**
 * What belongs to an entry of the directory and is not for everybody who can look there, or too large: keys of certificates,
 * programs with their environments. In a cluster it is kept among the blobs, sealed with the cluster's secret, so that only
 * its nodes can read it, and none can put another thing in its place.
 */

import { randomUUID } from "node:crypto";
import { decode, encode } from "cborg";

import { readBlob } from "../cluster/blob.ts";
import type { Blobs } from "../cluster/engine.ts";
import { open, seal } from "../cluster/identity-seal.ts";
import { failure, GodwitError } from "../errors.ts";
import { VAULT_THING_MAX_BYTES, VAULT_UNUSED_MS } from "../limits.ts";

export interface Vault {
  /** Keeps a thing, and gives it a name. @throws GodwitError EMSGSIZE, or as the blobs. */
  put(thing: unknown): Promise<string>;
  /** @throws GodwitError ENOENT, ECORRUPT, or as the blobs. */
  get(name: string): Promise<unknown>;
  /** What cannot be dropped now is dropped by {@link sweep}. */
  drop(name: string): Promise<void>;
  /** Drops what nothing refers to since whoever put it there is gone. */
  sweep(isUsed: (name: string) => boolean): Promise<void>;
}

const PREFIX = "vault/";

export class SealedVault implements Vault {
  readonly #blobs: Blobs;
  readonly #secret: Uint8Array;

  constructor(blobs: Blobs, secret: Uint8Array) {
    this.#blobs = blobs;
    this.#secret = secret;
  }

  async put(thing: unknown): Promise<string> {
    const name = `${PREFIX}${randomUUID()}`;
    const bytes = encode(thing);
    if (bytes.length > VAULT_THING_MAX_BYTES)
      throw failure("EMSGSIZE", `a program with what belongs to it has at most ${VAULT_THING_MAX_BYTES} bytes here`);
    await this.#blobs.put(name, seal({ secret: this.#secret }, name, bytes));
    return name;
  }

  async get(name: string): Promise<unknown> {
    // Sealing adds a head of some bytes.
    const sealed = await readBlob(this.#blobs, name, VAULT_THING_MAX_BYTES + 1024);
    const bytes = open({ secret: this.#secret }, name, sealed);
    try {
      return decode(bytes);
    } catch (error) {
      throw failure("ECORRUPT", `${name} is not as it was kept`, error);
    }
  }

  async drop(name: string): Promise<void> {
    // Names come from the directory: other blobs are not for it to drop.
    if (name.startsWith(PREFIX)) await this.#blobs.delete(name).catch(ignore);
  }

  async sweep(isUsed: (name: string) => boolean): Promise<void> {
    const all = await this.#blobs.list(PREFIX).catch(() => []);
    for (const { name, storedMs } of all)
      if (!isUsed(name) && Date.now() - storedMs > VAULT_UNUSED_MS) await this.drop(name);
  }
}

/** A store that cannot be reached keeps it: nobody can read it. */
function ignore(error: unknown): void {
  if (!(error instanceof GodwitError)) throw error;
}

/** That of a node which is alone. */
export class LoneVault implements Vault {
  readonly #things = new Map<string, unknown>();

  async put(thing: unknown): Promise<string> {
    const name = `${PREFIX}${randomUUID()}`;
    this.#things.set(name, thing);
    return name;
  }

  async get(name: string): Promise<unknown> {
    if (!this.#things.has(name)) throw failure("ENOENT", `${name} is not kept here`);
    return this.#things.get(name);
  }

  async drop(name: string): Promise<void> {
    this.#things.delete(name);
  }

  async sweep(): Promise<void> {}
}
