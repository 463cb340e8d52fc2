/** Format strings of `console.log`. */

import { inspect, primitiveText } from "./inspector.ts";

/** `%s %d %i %f %j %o %O %c %%` of a leading string filled in, what is left appended. */
export function format(args: readonly unknown[]): string {
  const [first, ...rest] = args;
  if (typeof first !== "string") return args.map(plain).join(" ");
  if (rest.length === 0) return first;
  let used = 0;
  const text = first.replace(/%[sdifjoOc%]/g, (directive) => {
    if (directive === "%%") return "%";
    return used < rest.length ? converted(directive, rest[used++]) : directive;
  });
  return [text, ...rest.slice(used).map(plain)].join(" ");
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : inspect(value);
}

function converted(directive: string, value: unknown): string {
  switch (directive) {
    case "%s":
      return string(value);
    case "%d":
      return number(value, Number);
    case "%i":
      return number(value, (text) => parseInteger(String(text)));
    case "%f":
      return typeof value === "symbol" ? "NaN" : primitiveText(Number.parseFloat(String(value)));
    case "%j":
      return json(value);
    case "%o":
      return inspect(value, { showHidden: true, depth: 4 });
    case "%O":
      return inspect(value);
    default:
      return "";
  }
}

function string(value: unknown): string {
  if (typeof value === "object" && value !== null && hasOrdinaryText(value)) return inspect(value, { depth: 0 });
  return typeof value === "object" || typeof value === "function" ? String(value) : primitiveText(value);
}

/** Whether `String(value)` would say no more than what its built-in class says. */
function hasOrdinaryText(value: object): boolean {
  if (typeof (value as { toString?: unknown }).toString !== "function") return true;
  let owner: object = value;
  while (!Object.hasOwn(owner, "toString")) owner = Object.getPrototypeOf(owner) as object;
  const constructor: unknown = Object.getOwnPropertyDescriptor(owner, "constructor")?.value;
  return (
    owner !== value &&
    typeof constructor === "function" &&
    (globalThis as Record<string, unknown>)[constructor.name] === constructor
  );
}

function number(value: unknown, convert: (value: unknown) => number): string {
  if (typeof value === "bigint") return primitiveText(value);
  return typeof value === "symbol" ? "NaN" : primitiveText(convert(value));
}

/** With whatever base the text names, as Node does. */
const parseInteger: (text: string) => number = Number.parseInt;

function json(value: unknown): string {
  try {
    return String(JSON.stringify(value));
  } catch (error) {
    if (error instanceof TypeError && error.message.includes("circular")) return "[Circular]";
    throw error;
  }
}
