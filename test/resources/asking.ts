/** A request on a channel, made by a test. */

import type { FetchRequest } from "../../src/abi/channel.ts";
import { openFetch } from "../../src/resources/fetch.ts";
import type { NetAccess } from "../../src/resources/net-access.ts";
import { RecordedLine } from "./recorded-line.ts";

export const EMPTY = new Uint8Array(0);

interface Asked extends Partial<FetchRequest> {
  readonly bytes?: Uint8Array;
  readonly windowBytes?: number;
}

/** Asks, and hands over both ends. */
export function ask(url: string, net: NetAccess | readonly string[] | "all", asked: Asked = {}) {
  const { bytes, windowBytes, ...rest } = asked;
  const line = new RecordedLine(windowBytes);
  const request: FetchRequest = { kind: "fetch", method: "GET", url, headers: [], body: "none", ...rest };
  const driver = line.join(openFetch(request, bytes ?? EMPTY, line, net));
  return { line, driver };
}
