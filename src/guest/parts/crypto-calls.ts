/** Operations carried out by the host, with the standard's errors. */

import type {
  AlgorithmRecord,
  CryptoKeyRequest,
  CryptoRequest,
  Hash,
  JsonWebKeyRecord,
  KeyRecord,
} from "../../abi/crypto.ts";
import { CRYPTO_DATA_MAX_BYTES, DIGEST_ATTEMPTS_MAX, IO_MAX_BYTES } from "../../limits.ts";
import { hasCode, randomBytes, syscallAsync } from "../core.ts";
import { base64Of } from "./crypto-bytes.ts";

/** Calls on their way, and those that wait for one of them to end: the kernel takes only so many, and so many bytes. */
let inFlight = 0;
const waiting: (() => void)[] = [];

/** @param data the operation's alone: it may be read later. */
export async function operation(request: CryptoRequest, data: Uint8Array): Promise<ArrayBuffer> {
  if (data.length > CRYPTO_DATA_MAX_BYTES)
    throw new DOMException(
      `${data.length} bytes for one operation; at most ${CRYPTO_DATA_MAX_BYTES} are taken: work in pieces`,
      "OperationError",
    );
  const result = await admitted(() => syscallAsync("crypto", request, data));
  return result.buffer as ArrayBuffer;
}

/**
 * The digest of data of any size. It goes to the host piece by piece; a host that does not know of the pieces before,
 * because the process has moved meanwhile, is given them again.
 */
export async function digest(algorithm: AlgorithmRecord, data: Uint8Array): Promise<ArrayBuffer> {
  if (data.length <= IO_MAX_BYTES) return operation({ op: "digest", algorithm }, data);
  const { name } = algorithm as { readonly name: Hash };
  for (let attempt = 0; attempt < DIGEST_ATTEMPTS_MAX; attempt++) {
    const id = base64Of(randomBytes(16));
    for (let at = 0; ; at += IO_MAX_BYTES) {
      const isLast = at + IO_MAX_BYTES >= data.length;
      const request = { op: "digestPiece", algorithm: { name }, id, at, isLast } as const;
      const answer = await operation(request, data.subarray(at, at + IO_MAX_BYTES));
      if (answer.byteLength === 0) break;
      if (isLast) return answer;
    }
  }
  throw new DOMException("the node let go of the digest again and again: it has too many begun", "OperationError");
}

export async function keyOperation(
  request: Exclude<CryptoKeyRequest, { op: "exportJwk" }>,
  data: Uint8Array,
): Promise<readonly KeyRecord[]> {
  return (await admitted(() => syscallAsync("cryptoKey", request, data))) as readonly KeyRecord[];
}

export async function exportedJwk(key: KeyRecord): Promise<JsonWebKeyRecord> {
  return (await admitted(() => syscallAsync("cryptoKey", { op: "exportJwk", key }, new Uint8Array(0)))) as object;
}

async function admitted<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    let waits = false;
    inFlight += 1;
    try {
      return await call();
    } catch (error) {
      waits = hasCode(error, "EAGAIN") && inFlight > 1;
      if (!waits) throw standardError(error);
    } finally {
      inFlight -= 1;
      if (!waits) waiting.shift()?.();
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
}

/** A refusal by its name in the standard; anything else is why the operation failed. */
function standardError(error: unknown): DOMException {
  const message = error instanceof Error ? error.message : String(error);
  const [, name, text] = (hasCode(error, "ECRYPTO") && /^(\w+): ([^]*)$/.exec(message)) || [];
  return new DOMException(text ?? message, name ?? "OperationError");
}
