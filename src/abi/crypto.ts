/**
 * What crosses for Web Cryptography. Keys live in the guest: each operation carries the key that it needs, so that the
 * host holds nothing for a process. Bytes within these records are base64 text.
 */

export const HASHES = ["SHA-1", "SHA-256", "SHA-384", "SHA-512"] as const;
export type Hash = (typeof HASHES)[number];

export const KEY_USAGES = [
  "encrypt",
  "decrypt",
  "sign",
  "verify",
  "deriveKey",
  "deriveBits",
  "wrapKey",
  "unwrapKey",
] as const;
export type KeyUsage = (typeof KEY_USAGES)[number];

export const KEY_FORMATS = ["raw", "pkcs8", "spki", "jwk"] as const;
export type KeyFormat = (typeof KEY_FORMATS)[number];

/** What a key is for, as `CryptoKey.algorithm` tells it. */
export interface KeyAlgorithmRecord {
  readonly name: string;
  readonly hash?: Hash;
  /** Bits of a secret key. */
  readonly length?: number;
  readonly namedCurve?: string;
  readonly modulusLength?: number;
  readonly publicExponent?: string;
}

export interface KeyRecord {
  readonly type: "secret" | "private" | "public";
  readonly algorithm: KeyAlgorithmRecord;
  readonly usages: readonly KeyUsage[];
  /** A secret key's bytes, a private key as PKCS #8, a public one as SPKI. */
  readonly material: string;
}

/** A normalised algorithm: its name as it is registered, and those members that its operation knows. */
export interface AlgorithmRecord {
  readonly name: string;
  readonly hash?: Hash;
  readonly namedCurve?: string;
  readonly length?: number;
  readonly modulusLength?: number;
  readonly publicExponent?: string;
  readonly saltLength?: number;
  readonly label?: string;
  readonly iv?: string;
  readonly counter?: string;
  readonly additionalData?: string;
  readonly tagLength?: number;
  readonly salt?: string;
  readonly info?: string;
  readonly iterations?: number;
  readonly public?: KeyRecord;
}

/** An operation on the data beside it. The result is bytes; of `verify` one, which is 1 or 0. */
export type CryptoRequest =
  | { readonly op: "digest"; readonly algorithm: AlgorithmRecord }
  | {
      /** One piece of the data of a digest. The result is the digest after the last one, a byte after others; nothing when it must begin again. */
      readonly op: "digestPiece";
      readonly algorithm: { readonly name: Hash };
      /** Of one attempt, made at random. */
      readonly id: string;
      /** How many bytes came before. */
      readonly at: number;
      readonly isLast: boolean;
    }
  | { readonly op: "sign" | "encrypt" | "decrypt"; readonly algorithm: AlgorithmRecord; readonly key: KeyRecord }
  | { readonly op: "verify"; readonly algorithm: AlgorithmRecord; readonly key: KeyRecord; readonly signature: string }
  | {
      readonly op: "deriveBits";
      readonly algorithm: AlgorithmRecord;
      readonly key: KeyRecord;
      /** In bits; null for all that there are. */
      readonly length: number | null;
    }
  | { readonly op: "exportKey"; readonly format: "raw" | "pkcs8" | "spki"; readonly key: KeyRecord };

/** A JSON Web Key's members that this system knows. */
export interface JsonWebKeyRecord {
  readonly kty?: string;
  readonly use?: string;
  readonly key_ops?: readonly string[];
  readonly alg?: string;
  readonly ext?: boolean;
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly d?: string;
  readonly n?: string;
  readonly e?: string;
  readonly p?: string;
  readonly q?: string;
  readonly dp?: string;
  readonly dq?: string;
  readonly qi?: string;
  readonly k?: string;
}

/** An operation that makes keys: `KeyRecord[]` (of a pair, the public key first), or of `exportJwk` a `JsonWebKeyRecord`. */
export type CryptoKeyRequest =
  | {
      readonly op: "importKey";
      readonly format: KeyFormat;
      readonly algorithm: AlgorithmRecord;
      readonly extractable: boolean;
      readonly usages: readonly KeyUsage[];
      /** In place of the data, with format `jwk`. */
      readonly jwk?: JsonWebKeyRecord;
    }
  | {
      readonly op: "generateKey";
      readonly algorithm: AlgorithmRecord;
      readonly extractable: boolean;
      readonly usages: readonly KeyUsage[];
    }
  | { readonly op: "exportJwk"; readonly key: KeyRecord };
