/**
 * How two nodes prove to each other who they are, on any connection: each shows that it knows the cluster's secret, by an
 * HMAC over what both have said and a number that the other has just made. So nothing that was heard on one connection
 * is of use on another. Where the connection is of TLS, the names are those of the certificates, too.
 */

import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import type { Duplex } from "node:stream";
import { encode } from "cborg";
import * as v from "valibot";
import { failure } from "../errors.ts";
import { hear, refuse, say } from "./link-parley.ts";

const PROTOCOL = "godwit-link";
const VERSION = 1;
const NONCE_BYTES = 32;

/** What a connection is for. */
export type Purpose = "session" | "stream";

/** Who a node says that it is. */
export interface Credentials {
  readonly name: string;
  /** The cluster's id. */
  readonly cluster: string;
  /** Known to the cluster's nodes alone. */
  readonly secret: Uint8Array;
}

const bytes = (length: number) =>
  v.custom<Uint8Array>((input) => input instanceof Uint8Array && input.length === length, `${length} bytes`);
/** As in `assertNodeName`. */
export const nodeName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, "a node's name"));
const hello = v.strictObject({
  protocol: v.literal(PROTOCOL),
  version: v.number(),
  cluster: v.pipe(v.string(), v.maxLength(100)),
  from: nodeName,
  to: nodeName,
  purpose: v.picklist(["session", "stream"]),
  nonce: bytes(NONCE_BYTES),
});
type Hello = v.InferOutput<typeof hello>;
const challenge = v.strictObject({ nonce: bytes(NONCE_BYTES), proof: bytes(32) });
const answer = v.strictObject({ proof: bytes(32) });

/** Each side's own, so that neither can be given its own proof back. */
function proofOf(secret: Uint8Array, side: "opener" | "acceptor", said: Hello, nonce: Uint8Array): Buffer {
  const { protocol, version, cluster, from, to, purpose } = said;
  const both = encode([side, protocol, version, cluster, from, to, purpose, said.nonce, nonce]);
  const key = hkdfSync("sha256", secret, new Uint8Array(), "godwit link", 32);
  return createHmac("sha256", new Uint8Array(key)).update(createHash("sha256").update(both).digest()).digest();
}

function unproven(who: string) {
  return failure(
    "EACCES",
    `${who} does not know the cluster's secret: join it to the cluster with \`godwit join-token\``,
  );
}

/** The opener's side. @throws GodwitError EACCES when the peer refuses, or is not who it should be; EPROTO; ECONNRESET. */
export async function greet(stream: Duplex, self: Credentials, to: string, purpose: Purpose): Promise<void> {
  const said: Hello = {
    protocol: PROTOCOL,
    version: VERSION,
    cluster: self.cluster,
    from: self.name,
    to,
    purpose,
    nonce: randomBytes(NONCE_BYTES),
  };
  say(stream, said);
  const { nonce, proof } = await hear(stream, challenge);
  if (!timingSafeEqual(proof, proofOf(self.secret, "acceptor", said, nonce))) {
    refuse(stream, "your proof is wrong");
    throw unproven(`what answers for node ${to}`);
  }
  say(stream, { proof: proofOf(self.secret, "opener", said, nonce) });
}

/**
 * The acceptor's side: who has opened this connection, and for what. `certified`: the name in its certificate.
 * @throws GodwitError as `greet`.
 */
export async function receive(
  stream: Duplex,
  self: Credentials,
  certified: string | undefined,
): Promise<{ readonly peer: string; readonly purpose: Purpose }> {
  const said = await hear(stream, hello);
  const why = objection(said, self, certified);
  if (why !== undefined) {
    refuse(stream, why);
    throw failure("EACCES", `a connection of node ${said.from} was refused: ${why}`);
  }
  const nonce = randomBytes(NONCE_BYTES);
  say(stream, { nonce, proof: proofOf(self.secret, "acceptor", said, nonce) });
  const { proof } = await hear(stream, answer);
  if (!timingSafeEqual(proof, proofOf(self.secret, "opener", said, nonce))) {
    refuse(stream, "your proof is wrong");
    throw unproven(`what calls itself node ${said.from}`);
  }
  return { peer: said.from, purpose: said.purpose };
}

function objection(said: Hello, self: Credentials, certified: string | undefined): string | undefined {
  if (said.version !== VERSION) {
    const versions = `this node speaks version ${VERSION} of the protocol between nodes, not ${said.version}`;
    return `${versions}: use one version of godwit for all nodes`;
  }
  if (said.cluster !== self.cluster) return `this node is of cluster ${self.cluster}`;
  if (said.to !== self.name) return `this is node ${self.name}`;
  if (said.from === self.name) return `there is one node ${self.name}, this one`;
  if (certified !== undefined && certified !== said.from) return `the certificate is node ${certified}'s`;
  return undefined;
}
