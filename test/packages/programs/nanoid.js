// Random names: their shapes, and that none comes twice.
import { customAlphabet, customRandom, nanoid, urlAlphabet } from "nanoid";
import { nanoid as simple } from "nanoid/non-secure";

const names = new Set(Array.from({ length: 500 }, () => nanoid()));
console.log(
  names.size,
  [...names].every((name) => /^[\w-]{21}$/.test(name)),
  urlAlphabet.length,
);
console.log(/^[abc]{40}$/.test(customAlphabet("abc", 40)()), nanoid(5).length, simple(8).length);
let seed = 7;
const repeatable = customRandom("0123456789", 12, (size) =>
  Uint8Array.from({ length: size }, () => (seed = (seed * 73 + 11) % 251)),
);
console.log(repeatable(), repeatable());
