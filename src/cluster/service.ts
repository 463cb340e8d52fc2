/** The server's side of request and reply: handlers that are under way, within their bound, and errors as they cross. */

import { GodwitError, failure, isErrorCode } from "../errors.ts";
import { CLUSTER_MESSAGE_MAX_BYTES, CLUSTER_SERVED_AT_ONCE_MAX } from "../limits.ts";
import type { Handler } from "./engine.ts";

export type Reply =
  | { readonly ok: true; readonly body: Uint8Array }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** One served subject. */
export class Service {
  readonly #handler: Handler;
  #underWay = 0;

  constructor(handler: Handler) {
    this.#handler = handler;
  }

  /** Never rejects. */
  async answer(body: Uint8Array, subject: string): Promise<Reply> {
    if (this.#underWay >= CLUSTER_SERVED_AT_ONCE_MAX) {
      const message = `${subject} serves ${CLUSTER_SERVED_AT_ONCE_MAX} requests at once already: try again`;
      return { ok: false, code: "EAGAIN", message };
    }
    this.#underWay++;
    try {
      const reply = await this.#handler(body, subject);
      if (reply.length <= CLUSTER_MESSAGE_MAX_BYTES) return { ok: true, body: reply };
      throw failure(
        "EMSGSIZE",
        `the reply has ${reply.length} bytes, at most ${CLUSTER_MESSAGE_MAX_BYTES} are allowed`,
      );
    } catch (error) {
      if (error instanceof GodwitError) return { ok: false, code: error.code, message: error.message };
      return { ok: false, code: "ENODE", message: `the node failed while answering ${subject}: ${String(error)}` };
    } finally {
      this.#underWay--;
    }
  }
}

/** What the requester throws for an error of the server, or of the way there. */
export function replyError(code: string, message: string): GodwitError {
  return isErrorCode(code) ? failure(code, message) : failure("ENODE", `an unknown error ${code}: ${message}`);
}

export function noResponder(subject: string): GodwitError {
  return failure("ENONODE", `nobody serves ${subject}: its node has stopped or was never there`);
}

export function lateReply(subject: string, timeoutMs: number): GodwitError {
  return failure(
    "ETIMEDOUT",
    `no reply from ${subject} within ${timeoutMs} ms: it may have been carried out all the same`,
  );
}
