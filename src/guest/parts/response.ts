/** The global `Response` (WHATWG Fetch). */

import type { HeaderList, UpgradeHead } from "../../abi/channel.ts";
import type { UrlRecord } from "../../abi/records.ts";
import { syscall } from "../core.ts";
import { Body, type BodyMixin, extractBody, mixBody } from "./body.ts";
import { displayAs } from "./display.ts";
import { byteString, headerAccess, Headers } from "./headers.ts";
import { dictionary, requireArguments, usvString } from "./idl.ts";

/** Of responses that have no body. */
export const NULL_BODY_STATUS = [101, 103, 204, 205, 304];
export const REDIRECT_STATUS = [301, 302, 303, 307, 308];
/** RFC 9112's reason-phrase. */
const REASON = /^[\t\x20-\x7e\x80-\xff]*$/;

export interface ResponseState {
  readonly type: "default" | "basic" | "error";
  /** Without its fragment; "" of one that did not come from anywhere. */
  readonly url: string;
  readonly redirected: boolean;
  readonly status: number;
  readonly statusText: string;
  /** Before they are asked for, perhaps only a list. */
  headers: Headers | HeaderList;
  readonly immutable: boolean;
  readonly body: Body | null;
  /** It grants a WebSocket. */
  readonly upgrade?: Upgrading;
}

/** What is to be done about a WebSocket that a response grants. */
export interface Upgrading {
  readonly head: UpgradeHead;
  /** The channel is its own from now on. */
  open(handle: number): void;
  /** The response was not sent. */
  drop(error: unknown): void;
}

interface Access {
  make(state: ResponseState): Response;
  upgrade(upgrade: Upgrading): Response;
  /** Throws for what is no response. */
  state(response: Response): ResponseState;
  isResponse(value: object): value is Response;
}
/** What the rest of this part may do with responses. */
export const responseAccess = {} as Access;

/** Keeps the constructor from making a state that is replaced at once. */
const INTERNAL = Symbol("internal");

/** The global `Response`. */
export class Response {
  #state: ResponseState;
  declare readonly body: BodyMixin["body"];
  declare readonly bodyUsed: BodyMixin["bodyUsed"];
  declare text: BodyMixin["text"];
  declare json: BodyMixin["json"];
  declare bytes: BodyMixin["bytes"];
  declare arrayBuffer: BodyMixin["arrayBuffer"];
  declare blob: BodyMixin["blob"];
  declare formData: BodyMixin["formData"];

  constructor(body: unknown = undefined, init: unknown = undefined) {
    this.#state = init === INTERNAL ? (body as ResponseState) : initial(body, init);
  }

  static {
    responseAccess.make = (state) => new Response(state, INTERNAL);
    responseAccess.upgrade = (upgrade) =>
      responseAccess.make({ ...EMPTY, status: 101, headers: [], immutable: true, upgrade });
    responseAccess.state = (response) => response.#state;
    responseAccess.isResponse = (value): value is Response => #state in value;
  }

  static error(): Response {
    return responseAccess.make({ ...EMPTY, type: "error", status: 0, headers: [], immutable: true });
  }

  static json(data: unknown, init: unknown = undefined): Response {
    requireArguments(arguments.length, 1, "Response.json");
    const text = JSON.stringify(data) as string | undefined;
    if (text === undefined) throw new TypeError("The data is not JSON serializable");
    return responseAccess.make(withBody(Body.of(text), "application/json", init));
  }

  static redirect(url: unknown, status: unknown = 302): Response {
    requireArguments(arguments.length, 1, "Response.redirect");
    const text = usvString(url);
    const record = syscall("urlParse", text, "") as UrlRecord | null;
    if (record === null) throw new TypeError(`Failed to parse URL from ${text}`);
    const code = unsignedShort(status);
    if (!REDIRECT_STATUS.includes(code)) throw new RangeError(`Invalid status code ${code}`);
    const headers: HeaderList = [["location", record.href]];
    return responseAccess.make({ ...EMPTY, status: code, headers, immutable: true });
  }

  get type(): ResponseState["type"] {
    return this.#state.type;
  }
  get url(): string {
    return this.#state.url;
  }
  get redirected(): boolean {
    return this.#state.redirected;
  }
  get status(): number {
    return this.#state.status;
  }
  get ok(): boolean {
    const { status } = this.#state;
    return status >= 200 && status <= 299;
  }
  get statusText(): string {
    return this.#state.statusText;
  }
  get headers(): Headers {
    const state = this.#state;
    if (!(state.headers instanceof Headers)) state.headers = headerAccess.make(state.headers, state.immutable);
    return state.headers;
  }

  clone(): Response {
    const state = this.#state;
    if (state.body?.unusable === true) throw new TypeError("Response.clone: Body has already been consumed.");
    const headers = headerAccess.list(this.headers).map(([name, value]): [string, string] => [name, value]);
    return responseAccess.make({ ...state, headers, body: state.body?.clone() ?? null });
  }
}
mixBody(Response.prototype, (self: Response) => ({
  body: responseAccess.state(self).body,
  headers: self.headers,
}));
displayAs(
  Response.prototype,
  "Response",
  ({ status, statusText, headers, body, bodyUsed, ok, redirected, type, url }) => ({
    status,
    statusText,
    headers,
    body,
    bodyUsed,
    ok,
    redirected,
    type,
    url,
  }),
);

const EMPTY = {
  type: "default",
  url: "",
  redirected: false,
  status: 200,
  statusText: "",
  immutable: false,
  body: null,
} as const;

function initial(given: unknown, init: unknown): ResponseState {
  if (given === null || given === undefined) return withBody(null, undefined, init);
  const { body, type } = extractBody(given);
  return withBody(body, type, init);
}

/** @param type the content type, unless the headers have one. */
function withBody(body: Body | null, type: string | undefined, init: unknown): ResponseState {
  const { status: givenStatus, statusText: givenText, headers: given } = dictionary(init, "the options of a Response");
  const status = givenStatus === undefined ? 200 : unsignedShort(givenStatus);
  const statusText = givenText === undefined ? "" : byteString(givenText);
  if (status < 200 || status > 599)
    throw new RangeError('init["status"] must be in the range of 200 to 599, inclusive.');
  if (!REASON.test(statusText)) throw new TypeError("Invalid statusText");
  const headers = new Headers(given);
  if (body !== null) {
    if (NULL_BODY_STATUS.includes(status)) throw new TypeError(`Invalid response status code ${status}`);
    if (type !== undefined) headerAccess.addMissing(headers, "content-type", type);
  }
  return { ...EMPTY, status, statusText, headers, body };
}

function unsignedShort(value: unknown): number {
  const number = Number(value);
  return Number.isFinite(number) ? Math.trunc(number) & 0xffff : 0;
}
