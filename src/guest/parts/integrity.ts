/** Subresource integrity: whether a response is what its requester knows it to be. */

import { part } from "../core.ts";
import { base64Of } from "./crypto-bytes.ts";
import type { Response } from "./response.ts";
import type { SubtleCrypto } from "./subtle.ts";

/** From the weakest on. */
const ALGORITHMS = ["sha256", "sha384", "sha512"];
const ITEM = /^(sha256|sha384|sha512)-([A-Za-z0-9+/_-]+={0,2})(?:\?.*)?$/;

/**
 * The response with its whole body, which has one of the digests of the strongest kind that `integrity` names.
 * @throws when it has not.
 */
export async function verified(response: Response, integrity: string): Promise<Response> {
  const wanted = strongest(integrity);
  if (wanted.length === 0) return response;
  const { Body, responseAccess } = part("fetch");
  const state = responseAccess.state(response);
  const bytes = (await state.body?.bytes()) ?? new Uint8Array(0);
  const name = `SHA-${wanted[0]?.algorithm.slice(3) ?? ""}`;
  const { subtle } = part("subtle") as { subtle: SubtleCrypto };
  const digest = base64Of(new Uint8Array(await subtle.digest(name, bytes)));
  if (!wanted.some(({ value }) => value === digest)) throw new Error("integrity mismatch");
  return responseAccess.make({
    ...state,
    headers: response.headers,
    body: state.body === null ? null : Body.of(bytes),
  });
}

interface Item {
  readonly algorithm: string;
  /** In standard base64. */
  readonly value: string;
}

function strongest(integrity: string): Item[] {
  const items = integrity
    .split(/[\t\n\f\r ]+/)
    .map((item) => ITEM.exec(item))
    .filter((match) => match !== null)
    .map(([, algorithm = "", value = ""]): Item => ({
      algorithm,
      value: value.replaceAll("-", "+").replaceAll("_", "/"),
    }));
  const best = Math.max(...items.map(({ algorithm }) => ALGORITHMS.indexOf(algorithm)));
  return items.filter(({ algorithm }) => ALGORITHMS.indexOf(algorithm) === best);
}
