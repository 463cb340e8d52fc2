/** The cluster's own certificate authority: made by the founding node, and kept by it. */

import { randomBytes, randomUUID, webcrypto } from "node:crypto";
import "reflect-metadata"; // what the library for X.509 needs of the world
import * as x509 from "@peculiar/x509";
import { failure } from "../errors.ts";
import { CERTIFICATE_BACKDATE_MS, CERTIFICATE_MS } from "../limits.ts";
import type { Identity } from "./identity.ts";

const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" } as const;

/** What makes a node the cluster's founder. Whoever has it can make nodes of this cluster. */
export interface Authority {
  readonly cluster: string;
  readonly secret: Uint8Array;
  /** PEM; the key as PKCS #8. */
  readonly ca: string;
  readonly caKey: string;
}

/** A new cluster. */
export async function foundCluster(): Promise<Authority> {
  const cluster = randomUUID();
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ O: [cluster] }, { CN: ["godwit cluster"] }],
    keys,
    signingAlgorithm: SIGNATURE,
    ...validity(CERTIFICATE_MS * 10),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    cluster,
    secret: new Uint8Array(randomBytes(32)),
    ca: pem(certificate),
    caKey: await privatePem(keys.privateKey),
  };
}

/** Makes a node of the cluster, with a new key: for nodes of the founder's own machine. */
export async function identify(authority: Authority, name: string, lifetimeMs = CERTIFICATE_MS): Promise<Identity> {
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
  const certificate = await issue(authority, name, keys.publicKey, lifetimeMs);
  const { cluster, secret, ca } = authority;
  return { name, cluster, secret, ca, certificate, key: await privatePem(keys.privateKey) };
}

/** A key of a node's own, and a request for its certificate. */
export async function requestCertificate(
  name: string,
): Promise<{ readonly request: Uint8Array; readonly key: string }> {
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [name] }],
    keys,
    signingAlgorithm: SIGNATURE,
  });
  return { request: new Uint8Array(request.rawData), key: await privatePem(keys.privateKey) };
}

/** The certificate for a request, under this name and no other. @throws GodwitError EINVAL for what is no such request. */
export async function certify(authority: Authority, name: string, request: Uint8Array): Promise<string> {
  let publicKey: webcrypto.CryptoKey;
  try {
    const parsed = new x509.Pkcs10CertificateRequest(request);
    publicKey = (await parsed.publicKey.export(CURVE, ["verify"])) as webcrypto.CryptoKey;
    if (!(await parsed.verify())) throw new Error("its signature is wrong");
  } catch (error) {
    throw failure("EINVAL", `a node's request for a certificate cannot be used: ${String(error)}`, error);
  }
  return issue(authority, name, publicKey, CERTIFICATE_MS);
}

async function issue(
  authority: Authority,
  name: string,
  publicKey: webcrypto.CryptoKey,
  lifetimeMs: number,
): Promise<string> {
  const ca = new x509.X509Certificate(authority.ca);
  const signingKey = await webcrypto.subtle.importKey("pkcs8", derOf(authority.caKey), CURVE, false, ["sign"]);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ O: [authority.cluster] }, { CN: [name] }],
    issuer: ca.subject,
    publicKey,
    signingKey,
    signingAlgorithm: SIGNATURE,
    ...validity(lifetimeMs),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      await x509.AuthorityKeyIdentifierExtension.create(ca),
    ],
  });
  return pem(certificate);
}

/** Clocks of a cluster's machines need not agree to the minute. */
function validity(lifetimeMs: number) {
  const nowMs = Date.now();
  return { notBefore: new Date(nowMs - CERTIFICATE_BACKDATE_MS), notAfter: new Date(nowMs + lifetimeMs) };
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey("pkcs8", key);
  return `${x509.PemConverter.encode(der, x509.PemConverter.PrivateKeyTag)}\n`;
}

function derOf(key: string): ArrayBuffer {
  return x509.PemConverter.decodeFirst(key);
}
