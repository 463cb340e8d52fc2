/** `node:buffer`: the package `buffer`, with `base64url`, and with UTF-8 by the host. */

import { Buffer as Packaged, INSPECT_MAX_BYTES, kMaxLength, SlowBuffer } from "buffer/index.js";

type Method = (this: unknown, ...args: unknown[]) => unknown;
interface Decoder {
  decode(bytes: Uint8Array): string;
}
interface Web {
  readonly TextEncoder: new () => { encode(text: string): Uint8Array };
  readonly TextDecoder: new (label: string, options: { fatal?: boolean; ignoreBOM?: boolean }) => Decoder;
  readonly atob: (text: string) => string;
  readonly btoa: (text: string) => string;
  readonly Blob?: unknown;
  readonly File?: unknown;
}
const web = globalThis as unknown as Web;
const encoder = new web.TextEncoder();
const decoder = new web.TextDecoder("utf-8", { ignoreBOM: true });

const statics = Packaged as unknown as Record<string, Method>;
const methods = Packaged.prototype as Record<string, Method>;

function isNamed(encoding: unknown, name: RegExp): boolean {
  return typeof encoding === "string" && name.test(encoding);
}
const BASE64URL = /^base64url$/i;
const UTF8 = /^utf-?8$/i;

function extend(object: Record<string, Method>, name: string, made: (original: Method) => Method): void {
  const original = object[name];
  if (original === undefined) throw new Error(`the package has no ${name}`);
  object[name] = made(original);
}

/** Reading, `base64url` is `base64`. The first argument is text, and no encoding. */
function withBase64url(original: Method): Method {
  return function (text, ...rest) {
    return Reflect.apply(original, this, [text, ...rest.map((arg) => (isNamed(arg, BASE64URL) ? "base64" : arg))]);
  };
}
for (const name of ["write", "fill", "indexOf", "lastIndexOf", "includes"]) extend(methods, name, withBase64url);
for (const name of ["alloc", "byteLength", "from"]) extend(statics, name, withBase64url);
extend(statics, "isEncoding", (original) => (name) => isNamed(name, BASE64URL) || original(name));
extend(statics, "from", (original) => (value, encoding, ...rest) => {
  if (typeof value !== "string" || (encoding !== undefined && encoding !== "" && !isNamed(encoding, UTF8)))
    return original(value, encoding, ...rest);
  return Object.setPrototypeOf(encoder.encode(value), Packaged.prototype);
});
extend(methods, "toString", (original) => {
  return function (this: unknown, encoding, start, end) {
    const bytes = this as Uint8Array;
    if (isNamed(encoding, BASE64URL)) {
      const text = String(Reflect.apply(original, this, ["base64", start, end]));
      return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
    }
    if (encoding !== undefined && !isNamed(encoding, UTF8))
      return Reflect.apply(original, this, [encoding, start, end]);
    return decoder.decode(piece(bytes, start, end));
  };
});
methods["toLocaleString"] = methods["toString"] as Method;

function piece(bytes: Uint8Array, start: unknown, end: unknown): Uint8Array {
  const index = (value: unknown, standard: number) =>
    value === undefined ? standard : Math.min(Math.max(Math.trunc(Number(value)) || 0, 0), bytes.length);
  const from = index(start, 0);
  return new Uint8Array(bytes.buffer, bytes.byteOffset + from, Math.max(index(end, bytes.length) - from, 0));
}
/** Hexadecimal text ends where it is none. */
const HEX = /^(?:[0-9a-f]{2})*/i;
extend(statics, "from", (original) => (value, encoding, ...rest) => {
  const text = typeof value === "string" && isNamed(encoding, /^hex$/i) ? HEX.exec(value)?.[0] : value;
  return original(text, encoding, ...rest);
});

const SHOWN_MAX_BYTES = INSPECT_MAX_BYTES;
methods[Symbol.for("nodejs.util.inspect.custom") as unknown as string] = function (this: unknown) {
  const bytes = this as Uint8Array;
  const shown = [...bytes.subarray(0, SHOWN_MAX_BYTES)].map((byte) => ` ${byte.toString(16).padStart(2, "0")}`);
  const left = bytes.length - shown.length;
  const more = left > 0 ? ` ... ${left} more byte${left > 1 ? "s" : ""}` : "";
  return `<Buffer${shown.join("")}${more}>`;
};
statics["copyBytesFrom"] = (view, offset = 0, length) => {
  const typed = view as Uint8Array;
  const from = Number(offset);
  const copied = typed.slice(from, length === undefined ? undefined : from + Number(length));
  return Object.setPrototypeOf(new Uint8Array(copied.buffer), Packaged.prototype);
};

function isDecodable(bytes: Uint8Array): boolean {
  try {
    new web.TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

export const Buffer = Packaged;
export const constants = { MAX_LENGTH: kMaxLength, MAX_STRING_LENGTH: 2 ** 30 - 2 };
export const kStringMaxLength = constants.MAX_STRING_LENGTH;
export const atob = web.atob;
export const btoa = web.btoa;
export function isUtf8(bytes: Uint8Array): boolean {
  return isDecodable(bytes);
}
export function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80);
}
/** Read when asked for: the part of the library that has them is loaded then. */
const lazily = (name: "Blob" | "File"): unknown => web[name];
export const Blob = /* @__PURE__ */ lazily("Blob");
export const File = /* @__PURE__ */ lazily("File");
export { INSPECT_MAX_BYTES, kMaxLength, SlowBuffer };

export default {
  Buffer,
  SlowBuffer,
  INSPECT_MAX_BYTES,
  kMaxLength,
  kStringMaxLength,
  constants,
  atob,
  btoa,
  isUtf8,
  isAscii,
  get Blob() {
    return lazily("Blob");
  },
  get File() {
    return lazily("File");
  },
};
