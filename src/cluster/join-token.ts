/**
 * Tokens with which machines join a cluster, each of them once. A token names the cluster and its authority's certificate, so
 * that whoever has it knows whom to believe, and has a secret, by which it is known in turn.
 */

import { hkdfSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decode, encode } from "cborg";
import * as v from "valibot";
import { failure } from "../errors.ts";
import { JOIN_TOKENS_MAX, JOIN_TOKEN_MS } from "../limits.ts";
import { authorityIn, fingerprintOf, hasAuthority } from "./identity.ts";

const PREFIX = "godwit-join-";

const bytes = (length: number) =>
  v.custom<Uint8Array>((input) => input instanceof Uint8Array && input.length === length, `${length} bytes`);
const token = v.strictObject({
  version: v.literal(1),
  cluster: v.pipe(v.string(), v.uuid()),
  /** Of the authority's certificate. */
  fingerprint: bytes(32),
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  secret: bytes(32),
});
export type JoinToken = v.InferOutput<typeof token>;

/** What is kept of a token: enough to know it by, and not enough to use it. */
const kept = v.strictObject({
  key: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/)),
  expiresMs: v.number(),
  name: v.nullable(v.string()),
});

export interface TokenOptions {
  readonly lifetimeMs?: number;
  /** The node that it is for; without, one that has not been in the cluster before. */
  readonly name?: string;
}

/** @throws GodwitError EINVAL for what is no token. */
export function decodeToken(text: string): JoinToken {
  try {
    const trimmed = text.trim();
    if (!trimmed.startsWith(PREFIX)) throw new Error(`it does not begin with ${PREFIX}`);
    return v.parse(token, decode(new Uint8Array(Buffer.from(trimmed.slice(PREFIX.length), "base64url"))));
  } catch (error) {
    throw failure("EINVAL", "this is no token of `godwit join-token`, or a part of it is missing", error);
  }
}

/** What both sides know when the token is right. */
export function keyOfToken(secret: Uint8Array): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, new Uint8Array(), "godwit join", 32));
}

/** The founder's tokens, in its state folder: a file for each, and one more when it was used. */
export class TokenBook {
  readonly #folder: string;

  constructor(state: string) {
    this.#folder = join(state, "tokens");
  }

  /** @throws GodwitError ENOSPC. */
  add(secret: Uint8Array, { lifetimeMs = JOIN_TOKEN_MS, name }: TokenOptions): string {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    this.#clean();
    const id = randomBytes(16).toString("hex");
    const content = {
      key: keyOfToken(secret).toString("base64url"),
      expiresMs: Date.now() + lifetimeMs,
      name: name ?? null,
    };
    writeFileSync(join(this.#folder, id), JSON.stringify(content), { mode: 0o600, flag: "wx" });
    return id;
  }

  /** A token that has not expired; nothing for what is none. */
  find(id: string): { readonly key: Buffer; readonly name: string | null } | undefined {
    if (!/^[0-9a-f]{32}$/.test(id)) return undefined;
    const content = this.#read(id);
    if (content === undefined || content.expiresMs <= Date.now()) return undefined;
    return { key: Buffer.from(content.key, "base64url"), name: content.name };
  }

  /** Whether a token is this one's who uses it: it is the first, or asks the same again, since it heard no answer. */
  use(id: string, by: string): boolean {
    return claim(join(this.#folder, `${id}.used`), by);
  }

  #read(id: string): v.InferOutput<typeof kept> | undefined {
    try {
      return v.parse(kept, JSON.parse(readFileSync(join(this.#folder, id), "utf8")));
    } catch {
      return undefined; // There is none, or it is damaged: it opens nothing.
    }
  }

  #clean(): void {
    const ids = readdirSync(this.#folder).filter((file) => /^[0-9a-f]{32}$/.test(file));
    const live = ids.filter((id) => {
      if (this.find(id) !== undefined) return true;
      for (const file of [id, `${id}.used`]) rmSync(join(this.#folder, file), { force: true });
      return false;
    });
    if (live.length < JOIN_TOKENS_MAX) return;
    throw failure("ENOSPC", `${JOIN_TOKENS_MAX} tokens wait to be used: wait until some of them expire`);
  }
}

/** Makes a file that says whose something is, unless it is there. Whether it says `by`. */
export function claim(path: string, by: string): boolean {
  try {
    writeFileSync(path, by, { mode: 0o600, flag: "wx" });
    return true;
  } catch (error) {
    const known = claimant(path);
    if (known === undefined) throw error;
    return known === by;
  }
}

/** Whose it is, if anybody's. */
export function claimant(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

/**
 * A new token, of the cluster whose founder has its state in this folder.
 * @throws GodwitError ENOENT when none has; ENOSPC.
 */
export async function makeToken(state: string, options: TokenOptions = {}): Promise<string> {
  if (!hasAuthority(state)) {
    const advice = "give the state folder of the node that was started first";
    throw failure("ENOENT", `no cluster was founded in ${state}: ${advice}`);
  }
  const { cluster, ca } = await authorityIn(state);
  const secret = new Uint8Array(randomBytes(32));
  const id = new TokenBook(state).add(secret, options);
  const content: JoinToken = { version: 1, cluster, fingerprint: new Uint8Array(fingerprintOf(ca)), id, secret };
  return PREFIX + Buffer.from(encode(content)).toString("base64url");
}
