/** Strings as they would be written in a program. */

/** Control characters, single quotes, backslashes and lone surrogates. */
const ESCAPED_SOURCE =
  "[\\x00-\\x1f'\\\\\\x7f-\\x9f]|[\\ud800-\\udbff](?![\\udc00-\\udfff])|(?<![\\ud800-\\udbff])[\\udc00-\\udfff]";
const ESCAPED = new RegExp(ESCAPED_SOURCE, "g");
const ESCAPES: Record<string, string> = {
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
  "'": "\\'",
  "\\": "\\\\",
};

/** In single quotes; in double ones or backticks where that spares an escape. */
export function quoted(text: string): string {
  let quote = "'";
  if (text.includes("'")) {
    if (!text.includes('"')) quote = '"';
    else if (!text.includes("`") && !text.includes("${")) quote = "`";
  }
  return quote + text.replace(ESCAPED, (char) => (char === "'" && quote !== "'" ? char : escaped(char))) + quote;
}

function escaped(char: string): string {
  const code = char.charCodeAt(0);
  const hex = code.toString(16);
  return ESCAPES[char] ?? (code < 256 ? `\\x${hex.toUpperCase().padStart(2, "0")}` : `\\u${hex}`);
}
