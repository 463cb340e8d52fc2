/** Addresses `HOST:PORT`, as they are listened on and told. */

import type { AddressInfo } from "node:net";

import { failure, isErrorCode } from "../errors.ts";

/** `HOST:PORT`, IPv6 hosts in brackets. Throws EINVAL. */
export function hostAndPort(address: string): { host: string; port: number } {
  const match = /^(\[[\da-f:.]+\]|[^:\s]+):(\d{1,5})$/i.exec(address);
  const [, host = "", port = ""] = match ?? [];
  if (match === null || Number(port) > 65_535)
    throw failure("EINVAL", `"${address}" is no address to listen on: write HOST:PORT`);
  return { host: host.startsWith("[") ? host.slice(1, -1) : host, port: Number(port) };
}

export function addressText({ address, port }: Pick<AddressInfo, "address" | "port">): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Why an address cannot be listened on. */
export function unheard(address: string, error: unknown): Error {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const known = isErrorCode(code) ? code : "EADDRNOTAVAIL";
  const what = known === "EADDRINUSE" ? "it is in use: stop the other program or take another port" : String(error);
  return failure(known, `cannot listen on ${address}: ${what}`, error);
}
