/** The header field Alt-Svc: where else an origin can be asked (RFC 7838, 3). Pure. */

import { ROUTES_MAX } from "../limits.ts";

export interface Alternative {
  /** By ALPN, such as `http/1.1`. */
  readonly protocol: string;
  /** Empty for the origin's own. */
  readonly host: string;
  readonly port: number;
  readonly maxAgeS: number;
}

const DEFAULT_MAX_AGE_S = 24 * 3600;
const ONE = /^\s*([\w!#$%&'*+.^`|~-]+)="(\[[\da-fA-F:.]+\]|[\w.-]*):(\d{1,5})"((?:\s*;[^;,]*)*)\s*$/;

/** `clear` when there is nowhere else any more. What is malformed is left out, as are more than ROUTES_MAX. */
export function alternativesOf(field: string): Alternative[] | "clear" {
  if (field.trim() === "clear") return "clear";
  const all = field.split(",", ROUTES_MAX).flatMap((text) => {
    const [, protocol = "", host = "", port = "", parameters = ""] = ONE.exec(text) ?? [];
    if (protocol === "" || Number(port) === 0 || Number(port) > 65_535) return [];
    const age = /;\s*ma=(?:"(\d{1,10})"|(\d{1,10}))\s*(?:;|$)/.exec(parameters);
    const maxAgeS = Number(age?.[1] ?? age?.[2] ?? DEFAULT_MAX_AGE_S);
    return [{ protocol: unescaped(protocol), host, port: Number(port), maxAgeS }];
  });
  return all.filter(({ protocol }) => protocol !== "");
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
