/** MIME types (WHATWG MIME Sniffing), as far as bodies need them. */

export interface MimeType {
  /** `type/subtype`, in lower case. */
  readonly essence: string;
  readonly parameters: Map<string, string>;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const QUOTED_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const SPACE = /^[\t\n\r ]+|[\t\n\r ]+$/g;

export function parseMime(text: string): MimeType | undefined {
  const input = text.replace(SPACE, "");
  const end = input.indexOf(";");
  const essence = (end < 0 ? input : input.slice(0, end)).replace(SPACE, "");
  const [type = "", subtype = "", ...more] = essence.split("/");
  if (more.length > 0 || !TOKEN.test(type) || !TOKEN.test(subtype)) return undefined;
  const parameters = new Map<string, string>();
  for (let at = end < 0 ? input.length : end + 1; at < input.length;) at = parseParameter(input, at, parameters);
  return { essence: essence.toLowerCase(), parameters };
}

/** Reads one `name=value` from `at` on; returns where the next begins. */
function parseParameter(input: string, at: number, parameters: Map<string, string>): number {
  const start = /^([^;=]*)(=?)/.exec(input.slice(at));
  const name = (start?.[1] ?? "").replace(/^[\t\n\r ]+/, "").toLowerCase();
  at += start?.[0].length ?? 0;
  if (start?.[2] !== "=") return at + 1;
  let value: string;
  if (input[at] === '"') [value, at] = quotedString(input, at + 1);
  else {
    value = /^[^;]*/.exec(input.slice(at))?.[0] ?? "";
    at += value.length;
    value = value.replace(/[\t\n\r ]+$/, "");
    if (value === "") return at + 1;
  }
  if (TOKEN.test(name) && QUOTED_VALUE.test(value) && !parameters.has(name)) parameters.set(name, value);
  const next = input.indexOf(";", at);
  return next < 0 ? input.length : next + 1;
}

function quotedString(input: string, at: number): [value: string, end: number] {
  const content = /^(?:[^"\\]|\\[^])*\\?/.exec(input.slice(at))?.[0] ?? "";
  return [content.replace(/\\([^])/g, "$1"), at + content.length + 1];
}

export function serialiseMime({ essence, parameters }: MimeType): string {
  let text = essence;
  for (const [name, value] of parameters)
    text += `;${name}=${TOKEN.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`}`;
  return text;
}

/** The type that a Content-Type field stands for, all of its values together ("extract a MIME type"). */
export function contentType(field: string | null): MimeType | undefined {
  let found: MimeType | undefined;
  let charset: string | undefined;
  for (const value of valuesOf(field ?? "")) {
    const type = parseMime(value);
    if (type === undefined || type.essence === "*/*") continue;
    if (type.essence !== found?.essence) charset = type.parameters.get("charset");
    else if (charset !== undefined && !type.parameters.has("charset")) type.parameters.set("charset", charset);
    found = type;
  }
  return found;
}

/** Splits a field's value at the commas that are not quoted. */
function valuesOf(field: string): string[] {
  return field.match(/(?:[^,"]|"(?:[^"\\]|\\[^])*"?)+/g) ?? [];
}
