/**
 * Who a node is: its name, the key and certificate that prove it to other machines, and the cluster's secret, which proves
 * that it belongs. Identities and the founder's authority are files that only their user may read.
 */

import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { failure } from "../errors.ts";
import type { Authority } from "./identity-authority.ts";
import type { Credentials } from "./link-greeting.ts";

export interface Identity extends Credentials {
  /** The certificate of the cluster's authority, the node's own, and the key to that (PKCS #8): PEM. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(16 * 1024));
const secret = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]{43}$/),
  v.transform((encoded) => new Uint8Array(Buffer.from(encoded, "base64url"))),
);
const base = { version: v.literal(1), cluster: v.pipe(v.string(), v.uuid()), secret, ca: text };
const identityFile = v.strictObject({ ...base, name: text, certificate: text, key: text });
const AUTHORITY = "authority.json";
const authorityFile = v.strictObject({ ...base, caKey: text });

/** @throws GodwitError ENOENT, EPERM when others may read it, ECORRUPT. */
export function readIdentity(path: string): Identity {
  const { version: _, ...identity } = read(path, identityFile, "a node's identity");
  return identity;
}

export function writeIdentity(path: string, identity: Identity): void {
  write(path, { version: 1, ...identity, secret: encoded(identity.secret) });
}

/** Whether a cluster was founded with its state in this folder. */
export function hasAuthority(folder: string): boolean {
  return existsSync(join(folder, AUTHORITY));
}

/**
 * The authority that is kept in this folder, or that of a new cluster.
 * @throws GodwitError EPERM, ECORRUPT.
 */
export async function authorityIn(folder: string): Promise<Authority> {
  const path = join(folder, AUTHORITY);
  if (!hasAuthority(folder)) {
    const { foundCluster } = await import("./identity-authority.ts");
    const authority = await foundCluster();
    write(path, { version: 1, ...authority, secret: encoded(authority.secret) });
  }
  const { version: _, ...authority } = read(path, authorityFile, "a cluster's authority");
  return authority;
}

/** A certificate's fingerprint: SHA-256 of its DER. */
export function fingerprintOf(pem: string): Buffer {
  const [, body = ""] = /-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/.exec(pem) ?? [];
  return createHash("sha256").update(Buffer.from(body, "base64")).digest();
}

function encoded(secret: Uint8Array): string {
  return Buffer.from(secret).toString("base64url");
}

function read<S extends v.GenericSchema>(path: string, shape: S, what: string): v.InferOutput<S> {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) throw failure("ENOENT", `there is no file ${path} with ${what}`);
  if ((status.mode & 0o077) !== 0) throw failure("EPERM", `others may read ${path}, which has ${what}: chmod 600 it`);
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw failure("ECORRUPT", `${path} cannot be read as ${what}`, error);
  }
  const checked = v.safeParse(shape, content);
  if (checked.success) return checked.output;
  const issue = checked.issues[0];
  throw failure("ECORRUPT", `${path} is not ${what}: ${v.getDotPath(issue) ?? "it"}: ${issue.message}`);
}

/** Whole or not at all, and for its user alone. */
function write(path: string, content: object): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const aside = `${path}.${process.pid}.new`;
  const file = openSync(aside, "w", 0o600);
  try {
    writeSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  chmodSync(aside, 0o600);
  renameSync(aside, path);
}
