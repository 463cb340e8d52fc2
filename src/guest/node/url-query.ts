/** What the package `url` uses of the package `qs`, as Node's own does it. */

import { parse as parseQuery, stringify as stringifyQuery } from "./querystring.ts";

export function parse(text: string): object {
  return parseQuery(text);
}
export function stringify(query: object): string {
  return stringifyQuery(query);
}
