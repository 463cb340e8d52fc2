/** The global `Request` (WHATWG Fetch). */

import type { HeaderList } from "../../abi/channel.ts";
import type { UrlRecord } from "../../abi/records.ts";
import { part, syscall } from "../core.ts";
import { Body, type BodyMixin, extractBody, mixBody } from "./body.ts";
import { displayAs } from "./display.ts";
import type { AbortSignal } from "./event-target.ts";
import { byteString, headerAccess, Headers, TOKEN } from "./headers.ts";
import { dictionary, domString, requireArguments, usvString } from "./idl.ts";

const NORMALISED = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];
const FORBIDDEN = ["CONNECT", "TRACE", "TRACK"];
/** Values that the standard's enumerations have. */
const CHOICES = {
  referrerPolicy: [
    "",
    "no-referrer",
    "no-referrer-when-downgrade",
    "same-origin",
    "origin",
    "strict-origin",
    "origin-when-cross-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
  ],
  mode: ["navigate", "same-origin", "no-cors", "cors"],
  credentials: ["omit", "same-origin", "include"],
  cache: ["default", "no-store", "reload", "no-cache", "force-cache", "only-if-cached"],
  redirect: ["follow", "error", "manual"],
} as const;
type Choice = keyof typeof CHOICES;
type Choices = Record<Choice, string>;

const DEFAULTS: Choices = {
  referrerPolicy: "",
  mode: "cors",
  credentials: "same-origin",
  cache: "default",
  redirect: "follow",
};

/** What aborts a request: a signal, or what makes one when somebody asks for it. */
type SignalSource = AbortSignal | (() => AbortSignal);

export interface RequestState {
  readonly method: string;
  /** With its fragment. */
  readonly url: string;
  /** Before they are asked for, perhaps only a list. */
  headers: Headers | HeaderList;
  readonly immutable: boolean;
  readonly body: Body | null;
  readonly choices: Choices;
  readonly referrer: string;
  readonly integrity: string;
  readonly keepalive: boolean;
  /** What its own signal follows, if anything. */
  readonly follows: SignalSource | undefined;
  /** Its own, once somebody has asked for it. */
  signal: AbortSignal | undefined;
}
interface Access {
  /** A request that came in. */
  make(fields: Pick<RequestState, "method" | "url" | "headers" | "body" | "follows">): Request;
  state(request: Request): RequestState;
  isRequest(value: object): value is Request;
  /** What aborts it, if anything ever does. */
  follows(request: Request): AbortSignal | undefined;
}
/** What the rest of this part may do with requests. */
export const requestAccess = {} as Access;

let cloned: (request: Request, body: Body | null) => Request;

/** Keeps the constructor from making a state that is replaced at once. */
const INTERNAL = Symbol("internal");

/** The global `Request`. */
export class Request {
  readonly #state: RequestState;
  declare readonly body: BodyMixin["body"];
  declare readonly bodyUsed: BodyMixin["bodyUsed"];
  declare text: BodyMixin["text"];
  declare json: BodyMixin["json"];
  declare bytes: BodyMixin["bytes"];
  declare arrayBuffer: BodyMixin["arrayBuffer"];
  declare blob: BodyMixin["blob"];
  declare formData: BodyMixin["formData"];

  constructor(input: unknown, init: unknown = undefined) {
    requireArguments(arguments.length, 1, "Request");
    this.#state =
      init === INTERNAL ? (input as RequestState) : initial(input, dictionary(init, "the options of a Request"));
  }

  static {
    const make = (state: RequestState): Request => new Request(state, INTERNAL);
    requestAccess.make = (fields) => make({ ...UNSAID, ...fields, immutable: true });
    requestAccess.state = (request) => request.#state;
    requestAccess.isRequest = (value): value is Request => #state in value;
    requestAccess.follows = (request) => {
      const { signal, follows } = request.#state;
      return signal ?? (typeof follows === "function" ? follows() : follows);
    };
    cloned = (request, body) => {
      const headers = headerAccess.list(request.headers).map(([name, value]): [string, string] => [name, value]);
      const state = request.#state;
      const follows = state.signal ?? state.follows;
      return make({ ...state, headers, body, follows, signal: undefined });
    };
  }

  get method(): string {
    return this.#state.method;
  }
  get url(): string {
    return this.#state.url;
  }
  get headers(): Headers {
    const state = this.#state;
    if (!(state.headers instanceof Headers)) state.headers = headerAccess.make(state.headers, state.immutable);
    return state.headers;
  }
  get destination(): string {
    void this.#state;
    return "";
  }
  get referrer(): string {
    return this.#state.referrer;
  }
  get referrerPolicy(): string {
    return this.#state.choices.referrerPolicy;
  }
  get mode(): string {
    return this.#state.choices.mode;
  }
  get credentials(): string {
    return this.#state.choices.credentials;
  }
  get cache(): string {
    return this.#state.choices.cache;
  }
  get redirect(): string {
    return this.#state.choices.redirect;
  }
  get integrity(): string {
    return this.#state.integrity;
  }
  get keepalive(): boolean {
    return this.#state.keepalive;
  }
  get isReloadNavigation(): boolean {
    void this.#state;
    return false;
  }
  get isHistoryNavigation(): boolean {
    void this.#state;
    return false;
  }
  get duplex(): string {
    void this.#state;
    return "half";
  }
  get signal(): AbortSignal {
    const state = this.#state;
    if (state.signal !== undefined) return state.signal;
    const { AbortController, AbortSignal } = part("event");
    if (typeof state.follows === "function") state.signal = state.follows();
    else if (state.follows === undefined) state.signal = new AbortController().signal;
    else state.signal = AbortSignal.any([state.follows]);
    return state.signal;
  }

  clone(): Request {
    const { body } = this.#state;
    if (body?.unusable === true) throw new TypeError("Request.clone: Body has already been consumed.");
    return cloned(this, body?.clone() ?? null);
  }
}
mixBody(Request.prototype, (self: Request) => ({ body: requestAccess.state(self).body, headers: self.headers }));
displayAs(Request.prototype, "Request", (request) => ({
  method: request.method,
  url: request.url,
  headers: request.headers,
  destination: request.destination,
  referrer: request.referrer,
  referrerPolicy: request.referrerPolicy,
  mode: request.mode,
  credentials: request.credentials,
  cache: request.cache,
  redirect: request.redirect,
  integrity: request.integrity,
  keepalive: request.keepalive,
  isReloadNavigation: request.isReloadNavigation,
  isHistoryNavigation: request.isHistoryNavigation,
  signal: request.signal,
}));

const UNSAID = {
  choices: DEFAULTS,
  referrer: "about:client",
  integrity: "",
  keepalive: false,
  follows: undefined,
  signal: undefined,
} as const;

type Options = Readonly<Record<string, unknown>>;

function initial(input: unknown, init: Options): RequestState {
  const from = typeof input === "object" && input !== null && requestAccess.isRequest(input) ? input : undefined;
  const base = from === undefined ? undefined : requestAccess.state(from);
  const url = base?.url ?? parsedUrl(usvString(input));
  if (init["window"] !== undefined && init["window"] !== null)
    throw new TypeError(`'window' option '${String(init["window"])}' must be null`);
  const choices = choicesOf(init, base?.choices ?? DEFAULTS);
  const method = init["method"] === undefined ? (base?.method ?? "GET") : methodOf(init["method"]);
  const follows = init["signal"] === undefined ? (base?.signal ?? base?.follows) : signalOf(init["signal"]);
  const headers = new Headers(init["headers"] === undefined ? from?.headers : init["headers"]);
  const body = bodyOf(init, base, method, headers);
  return {
    method,
    url,
    headers,
    immutable: false,
    body,
    choices,
    referrer: init["referrer"] === undefined ? (base?.referrer ?? UNSAID.referrer) : referrerOf(init["referrer"]),
    integrity: init["integrity"] === undefined ? (base?.integrity ?? "") : domString(init["integrity"]),
    keepalive: init["keepalive"] === undefined ? (base?.keepalive ?? false) : Boolean(init["keepalive"]),
    follows,
    signal: undefined,
  };
}

function parsedUrl(text: string): string {
  const record = syscall("urlParse", text, "") as UrlRecord | null;
  if (record === null) throw new TypeError(`Failed to parse URL from ${text}`);
  if (record.username !== "" || record.password !== "")
    throw new TypeError(`Request cannot be constructed from a URL that includes credentials: ${text}`);
  return record.href;
}

function choicesOf(init: Options, base: Choices): Choices {
  const choices = { ...base };
  for (const name of Object.keys(CHOICES) as Choice[]) {
    if (init[name] === undefined) continue;
    const value = domString(init[name]);
    const allowed: readonly string[] = CHOICES[name];
    if (!allowed.includes(value))
      throw new TypeError(
        `Request: '${value}' is not one of ${allowed.map((one) => `'${one}'`).join(", ")} for ${name}`,
      );
    choices[name] = value;
  }
  if (choices.mode === "navigate") throw new TypeError("Request constructor: invalid request mode navigate.");
  if (choices.cache === "only-if-cached" && choices.mode !== "same-origin")
    throw new TypeError("'only-if-cached' can be set only with 'same-origin' mode");
  return choices;
}

function methodOf(value: unknown): string {
  const method = byteString(value);
  const upper = method.toUpperCase();
  if (!TOKEN.test(method) || FORBIDDEN.includes(upper)) throw new TypeError(`'${method}' HTTP method is unsupported.`);
  return NORMALISED.includes(upper) ? upper : method;
}

function signalOf(value: unknown): AbortSignal | undefined {
  if (value === null) return undefined;
  if (value instanceof part("event").AbortSignal) return value;
  throw new TypeError("Failed to construct 'Request': member signal is not of type AbortSignal.");
}

function referrerOf(value: unknown): string {
  const text = usvString(value);
  if (text === "") return "";
  const record = syscall("urlParse", text, "") as UrlRecord | null;
  if (record === null) throw new TypeError(`Referrer "${text}" is not a valid URL.`);
  return record.protocol === "about:" && record.pathname === "client" ? "about:client" : record.href;
}

function bodyOf(init: Options, base: RequestState | undefined, method: string, headers: Headers): Body | null {
  const given = init["body"];
  const has = given !== undefined && given !== null;
  if ((has || (base?.body ?? null) !== null) && (method === "GET" || method === "HEAD"))
    throw new TypeError("Request with GET/HEAD method cannot have body.");
  if (init["duplex"] !== undefined && init["duplex"] !== "half")
    throw new TypeError(`Request: '${domString(init["duplex"])}' is not a valid duplex: it must be 'half'`);
  if (!has) return taken(given === null ? null : (base?.body ?? null));
  const { body, type } = extractBody(given);
  if (body.isStream) {
    if (init["keepalive"]) throw new TypeError("keepalive");
    if (init["duplex"] === undefined)
      throw new TypeError("RequestInit: duplex option is required when sending a body.");
  }
  if (type !== undefined) headerAccess.addMissing(headers, "content-type", type);
  return body;
}

/** The body of a request that another is made of goes over to it. */
function taken(body: Body | null): Body | null {
  if (body === null) return null;
  if (body.unusable)
    throw new TypeError("Cannot construct a Request with a Request object that has already been used.");
  return Body.of(body.take());
}
