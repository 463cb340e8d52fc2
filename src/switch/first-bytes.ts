/**
 * What a client says first, when its process is chosen by that: the head of its first request. It is read for the choice alone; who
 * serves the connection reads all of it again, with the parser that there is, and what is read wrongly here is chosen wrongly
 * and no more.
 */

import type { Socket } from "node:net";

import { FIRST_BYTES_TIMEOUT_MS, REQUEST_HEAD_MAX_BYTES } from "../limits.ts";
import { goOnReading, holdStill } from "../resources/descriptor.ts";
import { isSecure } from "./front-listener.ts";
import type { Order } from "./front-session.ts";
import type { Inquiry, Policy } from "./policy.ts";

export interface FirstBytes {
  /** All that was read of the connection. */
  readonly bytes: Buffer;
  /** Absent when it is no request's head that could be read here, did not come in time, or is too long. */
  readonly inquiry: Inquiry | undefined;
}

/** Whether a process is chosen by what a client says. */
function isByContent(policy: Policy): boolean {
  return policy.kind === "content" || (policy.kind === "hash" && policy.key.of !== "remote");
}

/** Whether a client has to say something before its process is chosen; only of requests that are in clear. */
export function needsHead({ scheme, policy }: Order): boolean {
  return scheme === "http" && isByContent(policy);
}

/** Whether connections of a front can be given to other nodes: over TLS, what a request says is known only to who serves it. */
export function mayPass({ scheme, policy }: Order): boolean {
  return !isSecure(scheme) || !isByContent(policy);
}

/** Reads a connection up to the end of the first head. Afterwards it stands still again, or is destroyed. */
export function firstBytes(socket: Socket, remote: string): Promise<FirstBytes> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    const end = () => {
      clearTimeout(timer);
      socket.off("data", take).off("end", gone).off("close", end);
      if (!socket.destroyed) {
        socket.pause();
        holdStill(socket);
      }
      resolve({ bytes, inquiry: headOf(bytes, remote) });
    };
    // It will say no more, and has not asked for anything.
    const gone = () => socket.destroy();
    const take = (more: Buffer) => {
      const from = Math.max(0, bytes.length - 3);
      bytes = Buffer.concat([bytes, more]);
      if (bytes.includes("\r\n\r\n", from) || bytes.length > REQUEST_HEAD_MAX_BYTES) end();
    };
    const timer = setTimeout(end, FIRST_BYTES_TIMEOUT_MS);
    socket.on("data", take).on("end", gone).on("close", end);
    goOnReading(socket);
    socket.resume();
  });
}

const REQUEST_LINE = /^[!#$%&'*+.^_`|~\w-]+ (\/\S*) HTTP\/1\.[01]$/;
const FIELD = /^([!#$%&'*+.^_`|~\w-]+):[\t ]*(.*?)[\t ]*$/;
const HOST = /^[^\s/?#@\\]+$/;

/** The head of a request of HTTP/1.1 that asks for a path; what is any other is left to the parser. */
function headOf(bytes: Buffer, remote: string): Inquiry | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0 || end > REQUEST_HEAD_MAX_BYTES) return undefined;
  const [first = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const target = REQUEST_LINE.exec(first)?.[1];
  const headers: [string, string][] = [];
  for (const line of lines) {
    const [, name, value] = FIELD.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    headers.push([name.toLowerCase(), value]);
  }
  const hosts = headers.filter(([name]) => name === "host");
  const host = hosts[0]?.[1] ?? "";
  if (target === undefined || hosts.length !== 1 || !HOST.test(host)) return undefined;
  const url = `http://${host}${target}`;
  return URL.canParse(url) ? { remote, url, headers } : undefined;
}
