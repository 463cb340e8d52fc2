/** `node:url`: the web's classes, paths as URLs, and the older parser by the package `url`. */

import * as older from "url/url.js";
import { resolve as resolvePath } from "./path.ts";

interface Url {
  readonly protocol: string;
  readonly hostname: string;
  readonly pathname: string;
  username: string;
  password: string;
  hash: string;
  search: string;
  readonly href: string;
}
type UrlClass = new (text: string, base?: string) => Url;
const web = globalThis as unknown as { readonly URL: UrlClass; readonly URLSearchParams: unknown };
const lazily = (name: "URL" | "URLSearchParams"): unknown => web[name];
export const URL = /* @__PURE__ */ lazily("URL");
export const URLSearchParams = /* @__PURE__ */ lazily("URLSearchParams");

function invalid(code: string, message: string): TypeError {
  return Object.assign(new TypeError(message), { code });
}

export function fileURLToPath(given: string | Url): string {
  const url = typeof given === "string" ? new web.URL(given) : given;
  if (url.protocol !== "file:") throw invalid("ERR_INVALID_URL_SCHEME", "The URL must be of scheme file");
  if (url.hostname !== "")
    throw invalid("ERR_INVALID_FILE_URL_HOST", 'File URL host must be "localhost" or empty on linux');
  if (/%2f/i.test(url.pathname))
    throw invalid("ERR_INVALID_FILE_URL_PATH", "File URL path must not include encoded / characters");
  return decodeURIComponent(url.pathname);
}

const ESCAPED: Readonly<Record<string, string>> = {
  "%": "%25",
  "\\": "%5C",
  "\n": "%0A",
  "\r": "%0D",
  "\t": "%09",
  "?": "%3F",
  "#": "%23",
};
export function pathToFileURL(path: string): Url {
  const whole = resolvePath(path);
  // A folder stays one: `resolve` drops the last slash.
  const end = path.endsWith("/") && !whole.endsWith("/") ? "/" : "";
  const escaped = `${whole}${end}`.replaceAll(/[%\\\n\r\t?#]/g, (char) => ESCAPED[char] ?? char);
  return new web.URL(`file://${escaped}`);
}

/** Options of a request, as Node's `http` takes them. */
export function urlToHttpOptions(url: Url & { readonly port: string }): object {
  const { protocol, hostname, pathname, search, hash, href, port, username, password } = url;
  return {
    protocol,
    hostname: hostname.startsWith("[") ? hostname.slice(1, -1) : hostname,
    hash,
    search,
    pathname,
    path: `${pathname}${search}`,
    href,
    ...(port === "" ? {} : { port: Number(port) }),
    ...(username === "" && password === ""
      ? {}
      : { auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` }),
  };
}

interface FormatOptions {
  readonly auth?: boolean;
  readonly fragment?: boolean;
  readonly search?: boolean;
}
export function format(url: object | string, options: FormatOptions = {}): string {
  if (!(url instanceof web.URL)) return older.format(url);
  const copy = new web.URL(url.href);
  if (options.auth === false) {
    copy.username = "";
    copy.password = "";
  }
  if (options.fragment === false) copy.hash = "";
  if (options.search === false) copy.search = "";
  return copy.href;
}

export const { parse, resolve, resolveObject, Url } = older;

/** Domain names in ASCII and in Unicode; "" for what is none. */
export function domainToASCII(domain: string): string {
  try {
    return new web.URL(`ws://${domain}`).hostname;
  } catch {
    return "";
  }
}

export default {
  domainToASCII,
  fileURLToPath,
  format,
  parse,
  pathToFileURL,
  resolve,
  resolveObject,
  Url,
  urlToHttpOptions,
  get URL() {
    return lazily("URL");
  },
  get URLSearchParams() {
    return lazily("URLSearchParams");
  },
};
