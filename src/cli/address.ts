/** Addresses to listen on, as people write them, and where. */

import { serviceName } from "../abi/channel.ts";
import { UsageError } from "./usage.ts";

/**
 * `HOST:PORT` from `PORT`, `:PORT` or `HOST:PORT`; without a host it is this machine's own, which nobody else reaches.
 * `service:NAME` as it is.
 */
export function parseAddress(text: string): string {
  if (serviceName(text) !== undefined) return text;
  const match = /^(?:(\[[\da-f:.]+\]|[^\s:[\]]*):)?(\d{1,5})$/i.exec(text);
  const [, host = "", port = ""] = match ?? [];
  if (match !== null && Number(port) <= 65_535) return `${host === "" ? "127.0.0.1" : host}:${Number(port)}`;
  throw new UsageError(
    `"${text}" is no address to listen on: write PORT, HOST:PORT or service:NAME, as in 8080 or 0.0.0.0:8080`,
  );
}

/**
 * `--listen ADDRESS` right after a program's file is godwit's, as it is before it: it asks how the program is run. What
 * comes later, or after `--`, is the program's.
 */
export function takeListen<F extends { readonly listen?: string }>(
  flags: F,
  args: readonly string[],
): [F, readonly string[]] {
  const [first = "", second] = args;
  const [, inOne] = /^--listen=(.*)$/.exec(first) ?? [];
  const address = inOne ?? (first === "--listen" ? (second ?? "") : undefined);
  if (flags.listen !== undefined || address === undefined) return [flags, args];
  return [{ ...flags, listen: parseAddress(address) }, args.slice(inOne === undefined ? 2 : 1)];
}
