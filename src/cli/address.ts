/** Addresses to listen on, as people write them. */

import { UsageError } from "./usage.ts";

/** `HOST:PORT` from `PORT`, `:PORT` or `HOST:PORT`; without a host it is this machine's own, which nobody else reaches. */
export function parseAddress(text: string): string {
  const match = /^(?:(\[[\da-f:.]+\]|[^\s:[\]]*):)?(\d{1,5})$/i.exec(text);
  const [, host = "", port = ""] = match ?? [];
  if (match !== null && Number(port) <= 65_535) return `${host === "" ? "127.0.0.1" : host}:${Number(port)}`;
  throw new UsageError(`"${text}" is no address to listen on: write PORT or HOST:PORT, as in 8080 or 0.0.0.0:8080`);
}
