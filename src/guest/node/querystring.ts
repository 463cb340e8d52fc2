/** `node:querystring`. */

type Parsed = Record<string, string | string[]>;
interface ParseOptions {
  readonly maxKeys?: number;
  readonly decodeURIComponent?: (text: string) => string;
}
interface StringifyOptions {
  readonly encodeURIComponent?: (text: string) => string;
}
const KEYS_MAX = 1000;

/** What is percent-encoded in pairs of digits, decoded; what is no UTF-8 becomes U+FFFD. */
export function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return lenient(text);
  }
}

const web = globalThis as unknown as {
  readonly TextEncoder: new () => { encode(text: string): Uint8Array };
  readonly TextDecoder: new (label: string, options: { ignoreBOM: boolean }) => { decode(bytes: Uint8Array): string };
};
function lenient(text: string): string {
  const encoder = new web.TextEncoder();
  const bytes: number[] = [];
  for (const [piece] of text.matchAll(/%[0-9a-fA-F]{2}|[^%]+|%/g)) {
    if (piece.length === 3 && piece.startsWith("%")) bytes.push(Number.parseInt(piece.slice(1), 16));
    else bytes.push(...encoder.encode(piece));
  }
  return new web.TextDecoder("utf-8", { ignoreBOM: true }).decode(new Uint8Array(bytes));
}

export function escape(value: unknown): string {
  return encodeURIComponent(String(value));
}

export function parse(text: unknown, separator?: string, equals?: string, options: ParseOptions = {}): Parsed {
  const result = Object.create(null) as Parsed;
  if (typeof text !== "string" || text === "") return result;
  const { maxKeys = KEYS_MAX, decodeURIComponent: decode = unescape } = options;
  const sign = equals || "=";
  const decoded = (part: string): string => {
    const spaced = part.replaceAll("+", " ");
    if (!spaced.includes("%")) return spaced;
    try {
      return decode(spaced);
    } catch {
      return unescape(spaced);
    }
  };
  const pairs = text.split(separator || "&").filter((pair) => pair !== "");
  for (const pair of maxKeys > 0 ? pairs.slice(0, maxKeys) : pairs) {
    const at = pair.indexOf(sign);
    const key = decoded(at < 0 ? pair : pair.slice(0, at));
    const value = at < 0 ? "" : decoded(pair.slice(at + sign.length));
    const present = result[key];
    if (present === undefined) result[key] = value;
    else if (Array.isArray(present)) present.push(value);
    else result[key] = [present, value];
  }
  return result;
}

function primitive(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  return typeof value === "bigint" || typeof value === "boolean" ? String(value) : "";
}

export function stringify(
  object: unknown,
  separator?: string,
  equals?: string,
  options: StringifyOptions = {},
): string {
  if (typeof object !== "object" || object === null) return "";
  const encode = options.encodeURIComponent ?? escape;
  const sign = equals || "=";
  const fields = Object.entries(object).flatMap(([key, value]: [string, unknown]) => {
    const name = encode(key);
    const values = Array.isArray(value) ? (value as unknown[]) : [value];
    return values.map((each) => `${name}${sign}${encode(primitive(each))}`);
  });
  return fields.join(separator || "&");
}

export const decode = parse;
export const encode = stringify;
export default { decode, encode, escape, parse, stringify, unescape };
