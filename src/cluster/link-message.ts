/** The messages of a session, inside its frames: what was told, requests, and their outcomes. */

import { type GodwitError, failure, isErrorCode } from "../errors.ts";

export type LinkMessage =
  | { readonly op: "tell"; readonly kind: string; readonly body: unknown }
  | { readonly op: "request"; readonly id: number; readonly kind: string; readonly body: unknown }
  | { readonly op: "reply"; readonly id: number; readonly body: unknown }
  | { readonly op: "refuse"; readonly id: number; readonly code: string; readonly message: string };

const TELL = 0;
const REQUEST = 1;
const REPLY = 2;
const REFUSE = 3;

/** As it is encoded. */
export function contentOf(message: LinkMessage): unknown[] {
  if (message.op === "tell") return [TELL, message.kind, message.body];
  if (message.op === "request") return [REQUEST, message.id, message.kind, message.body];
  if (message.op === "reply") return [REPLY, message.id, message.body];
  return [REFUSE, message.id, message.code, message.message];
}

/** @throws GodwitError EPROTO for what is no message. */
export function messageOf(content: unknown): LinkMessage {
  if (Array.isArray(content)) {
    const [op, first, second, third]: unknown[] = content;
    if (op === TELL && content.length === 3 && typeof first === "string")
      return { op: "tell", kind: first, body: second };
    if (op === REQUEST && content.length === 4 && isId(first) && typeof second === "string")
      return { op: "request", id: first, kind: second, body: third };
    if (op === REPLY && content.length === 3 && isId(first)) return { op: "reply", id: first, body: second };
    if (op === REFUSE && content.length === 4 && isId(first) && typeof second === "string" && typeof third === "string")
      return { op: "refuse", id: first, code: second, message: third };
  }
  throw failure("EPROTO", "the other node does not keep to the protocol: what it sent is no message");
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

/** What a requester throws for a refusal. */
export function refusal(code: string, message: string): GodwitError {
  return isErrorCode(code) ? failure(code, message) : failure("ENODE", `an unknown error ${code}: ${message}`);
}
