/** JSON Web Keys (RFC 7517) as programs give them. */

import type { JsonWebKeyRecord } from "../../abi/crypto.ts";
import { dictionary, domString } from "./idl.ts";

/** In the order in which they are read. */
const MEMBERS = [
  "alg",
  "crv",
  "d",
  "dp",
  "dq",
  "e",
  "ext",
  "k",
  "key_ops",
  "kty",
  "n",
  "oth",
  "p",
  "q",
  "qi",
  "use",
  "x",
  "y",
];

/** A dictionary `JsonWebKey`: the members that the standard knows, converted. Throws TypeError for what is none. */
export function jsonWebKey(value: unknown): JsonWebKeyRecord {
  const given = dictionary(value, "a JSON Web Key");
  const jwk: Record<string, unknown> = {};
  for (const name of MEMBERS) {
    const member = given[name];
    if (member === undefined) continue;
    if (name === "ext") jwk[name] = Boolean(member);
    else if (name === "key_ops") jwk[name] = Array.from(sequence(member, name), domString);
    else if (name !== "oth") jwk[name] = domString(member);
    else throw new DOMException("RSA keys of more than two primes are not supported", "NotSupportedError");
  }
  return jwk;
}

/** A WebIDL `sequence`. */
export function sequence(value: unknown, what: string): Iterable<unknown> {
  if (typeof value === "object" && value !== null && Symbol.iterator in value) return value as Iterable<unknown>;
  throw new TypeError(`${what} must be a sequence`);
}
