/**
 * How a machine joins a cluster: it makes a key of its own, shows that it knows a token's secret, and is given a certificate
 * and the cluster's secret, encrypted so that only it can read them: not even who learns the token later.
 */

import {
  type KeyObject,
  X509Certificate,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  timingSafeEqual,
} from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { join as joinPath } from "node:path";
import { decode, encode } from "cborg";
import * as v from "valibot";
import { failure } from "../errors.ts";
import type { Engine, Subscription } from "./engine.ts";
import { type Identity, authorityIn, fingerprintOf } from "./identity.ts";
import { open, seal } from "./identity-seal.ts";
import { TokenBook, claim, claimant, decodeToken, keyOfToken } from "./join-token.ts";
import { nodeName } from "./link-greeting.ts";

const binary = (maxBytes: number) =>
  v.custom<Uint8Array>((input) => input instanceof Uint8Array && input.length <= maxBytes, `at most ${maxBytes} bytes`);
const application = v.strictObject({
  version: v.literal(1),
  /** The token's id. */
  token: v.pipe(v.string(), v.maxLength(64)),
  name: nodeName,
  /** For a certificate: PKCS #10. */
  request: binary(4096),
  /** An X25519 key of this application alone: SPKI. */
  share: binary(128),
  proof: binary(32),
});
type Application = v.InferOutput<typeof application>;
const welcome = v.strictObject({ share: binary(128), sealed: binary(16 * 1024) });
const papers = v.strictObject({ certificate: v.string(), ca: v.string(), secret: binary(32) });

function subjectOf(cluster: string): string {
  return `join/${cluster}`;
}

function proofOf(key: Uint8Array, { version, token, name, request, share }: Omit<Application, "proof">): Buffer {
  return createHmac("sha256", key)
    .update(encode(["application", version, token, name, request, share]))
    .digest();
}

/** Known to the two who made the shares, if they know the token's key. */
function agreed(key: Uint8Array, own: KeyObject, share: Uint8Array): { readonly secret: Uint8Array } {
  const publicKey = createPublicKey({ key: Buffer.from(share), format: "der", type: "spki" });
  if (publicKey.asymmetricKeyType !== "x25519") throw failure("EPROTO", "a key to agree by is of another kind");
  const shared = diffieHellman({ privateKey: own, publicKey });
  return { secret: new Uint8Array(hkdfSync("sha256", shared, key, "godwit join", 32)) };
}

function newShare() {
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  return { own: privateKey, share: new Uint8Array(publicKey.export({ format: "der", type: "spki" })) };
}

/**
 * The founder's side: gives identities to those who have tokens, until it is stopped. `state`: the folder of its authority.
 * @throws GodwitError as `Messages.serve` and `authorityIn`.
 */
export async function serveJoins(engine: Engine, state: string, log: (line: string) => void): Promise<Subscription> {
  const { cluster } = await authorityIn(state);
  return engine.messages.serve(subjectOf(cluster), async (body) => {
    const checked = v.safeParse(application, decoded(body));
    if (!checked.success) throw failure("EPROTO", "an application to join the cluster is malformed");
    const reply = await admitted(state, checked.output);
    log(`node ${checked.output.name} has joined the cluster`);
    return reply;
  });
}

async function admitted(state: string, asked: Application): Promise<Uint8Array> {
  const book = new TokenBook(state);
  const token = book.find(asked.token);
  const { proof, name, request } = asked;
  if (token === undefined || proof.length !== 32 || !timingSafeEqual(proof, proofOf(token.key, asked)))
    throw failure("EACCES", "the token is unknown or has expired: make another with `godwit join-token`");
  if (token.name !== null && token.name !== name)
    throw failure("EACCES", `the token is for a node named ${token.name}, not ${name}`);
  const by = createHash("sha256")
    .update(encode([name, request]))
    .digest("hex");
  const names = joinPath(state, "names");
  mkdirSync(names, { recursive: true, mode: 0o700 });
  const place = joinPath(names, name);
  // A token for a name is for whoever had it, too: a machine that is set up anew.
  if (token.name === null && (claimant(place) ?? by) !== by) throw taken(name);
  if (!book.use(asked.token, by))
    throw failure("EACCES", "the token was used already: make another with `godwit join-token`");
  if (token.name !== null) rmSync(place, { force: true });
  if (!claim(place, by)) throw taken(name);
  const authority = await authorityIn(state);
  const { certify } = await import("./identity-authority.ts");
  const certificate = await certify(authority, name, request);
  const { own, share } = newShare();
  const content = encode({ certificate, ca: authority.ca, secret: authority.secret });
  return encode({ share, sealed: seal(agreed(token.key, own, asked.share), aboutOf(name), content) });
}

function taken(name: string) {
  return failure(
    "EEXIST",
    `there was a node ${name} before: take another name, or \`godwit join-token --name ${name}\``,
  );
}

function aboutOf(name: string): string {
  return `the papers of node ${name}`;
}

/**
 * Joins the cluster of this engine. What is returned is for `writeIdentity`: the token is of no more use.
 * @throws GodwitError EINVAL for what is no token or name; EACCES when it is refused; EEXIST when the name is taken; ENONODE
 * when the node that founded the cluster does not run; ETIMEDOUT; EPROTO when what answers is not that node.
 */
export async function join(engine: Engine, tokenText: string, name: string): Promise<Identity> {
  const { cluster, fingerprint, id: token, secret } = decodeToken(tokenText);
  if (!v.is(nodeName, name)) throw failure("EINVAL", `"${String(name)}" cannot be a node's name`);
  const { requestCertificate } = await import("./identity-authority.ts");
  const { request, key: privateKey } = await requestCertificate(name);
  const { own, share } = newShare();
  const key = keyOfToken(secret);
  const asked = { version: 1 as const, token, name, request, share };
  const body = encode({ ...asked, proof: new Uint8Array(proofOf(key, asked)) });
  const reply = await answerOf(engine, cluster, body);
  try {
    const answer = v.parse(welcome, decoded(reply));
    const sealed = open(agreed(key, own, answer.share), aboutOf(name), answer.sealed);
    const { certificate, ca, secret: clusterSecret } = v.parse(papers, decoded(sealed));
    checkPapers({ certificate, ca, privateKey, fingerprint, name });
    return { name, cluster, secret: new Uint8Array(clusterSecret), ca, certificate, key: privateKey };
  } catch (error) {
    throw failure("EPROTO", "what answered is not the node that founded this token's cluster", error);
  }
}

async function answerOf(engine: Engine, cluster: string, body: Uint8Array): Promise<Uint8Array> {
  try {
    return await engine.messages.request(subjectOf(cluster), body);
  } catch (error) {
    if (!(error instanceof Error) || Reflect.get(error, "code") !== "ENONODE") throw error;
    const advice = "it must run while others join, on the same engine";
    throw failure("ENONODE", `the node that founded the cluster ${cluster} does not answer: ${advice}`, error);
  }
}

interface Papers {
  readonly certificate: string;
  readonly ca: string;
  readonly privateKey: string;
  readonly fingerprint: Uint8Array;
  readonly name: string;
}

function checkPapers({ certificate, ca, privateKey, fingerprint, name }: Papers): void {
  if (!timingSafeEqual(fingerprintOf(ca), fingerprint)) throw new Error("the authority's certificate is another one");
  const own = new X509Certificate(certificate);
  const isIssued = own.verify(new X509Certificate(ca).publicKey);
  const isOwn = own.checkPrivateKey(createPrivateKey(privateKey)) && own.subject.split("\n").includes(`CN=${name}`);
  if (!isIssued || !isOwn) throw new Error("the certificate is another one's");
}

function decoded(bytes: Uint8Array): unknown {
  try {
    return decode(new Uint8Array(bytes), { allowIndefinite: false, strict: true, rejectDuplicateMapKeys: true });
  } catch {
    return undefined;
  }
}
