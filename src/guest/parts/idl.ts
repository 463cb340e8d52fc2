/** What JavaScript values become when they are passed where a web interface expects a type of Web IDL. */

/** A `DOMString`. @throws `TypeError` for a symbol. */
export function domString(value: unknown): string {
  if (typeof value === "symbol") throw new TypeError("Cannot convert a Symbol value to a string");
  return String(value);
}

/** A `USVString`: lone surrogates become U+FFFD. @throws `TypeError` for a symbol. */
export function usvString(value: unknown): string {
  return domString(value).toWellFormed();
}

/** A dictionary. @throws `TypeError` for what is neither an object nor left out. */
export function dictionary(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" && typeof value !== "function") throw new TypeError(`${what} must be an object`);
  return value as Record<string, unknown>;
}

/** The bytes of a `BufferSource`, not copied: none when it was detached. `undefined` for any other value. */
export function sourceBytes(value: unknown, allowShared = false): Uint8Array | undefined {
  const buffer: unknown = ArrayBuffer.isView(value) ? value.buffer : value;
  if (buffer instanceof ArrayBuffer) {
    if (buffer.detached) return new Uint8Array(0);
  } else if (!allowShared || !(buffer instanceof SharedArrayBuffer)) return undefined;
  if (!ArrayBuffer.isView(value)) return new Uint8Array(buffer);
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

/** @throws `TypeError` when a function was given fewer arguments than it needs. */
export function requireArguments(given: number, needed: number, what: string): void {
  if (given >= needed) return;
  throw new TypeError(`${what} needs ${needed} ${needed === 1 ? "argument" : "arguments"}, ${given} given`);
}
