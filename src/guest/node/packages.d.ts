/** What is used of the packages behind the modules, where they bring no types that do without Node's own. */

declare module "buffer/index.js" {
  export const Buffer: {
    new (...args: unknown[]): Uint8Array;
    readonly prototype: object;
    isBuffer(value: unknown): boolean;
  };
  export const kMaxLength: number;
  export const INSPECT_MAX_BYTES: number;
  export const SlowBuffer: (length: number) => Uint8Array;
}
declare module "events/events.js" {
  const EventEmitter: new () => object;
  export default EventEmitter;
}
declare module "readable-stream/lib/stream.js" {
  const stream: Record<string, unknown>;
  export default stream;
}
declare module "string_decoder/lib/string_decoder.js" {
  export const StringDecoder: new (encoding?: string) => object;
}
declare module "@file-services/path/browser-path.js" {
  interface Path {
    readonly basename: (path: string, suffix?: string) => string;
    readonly delimiter: string;
    readonly dirname: (path: string) => string;
    readonly extname: (path: string) => string;
    readonly format: (parsed: object) => string;
    readonly isAbsolute: (path: string) => boolean;
    readonly join: (...paths: string[]) => string;
    readonly normalize: (path: string) => string;
    readonly parse: (path: string) => object;
    readonly relative: (from: string, to: string) => string;
    readonly resolve: (...paths: string[]) => string;
    readonly sep: string;
    readonly toNamespacedPath: (path: string) => string;
  }
  export const posix: Path & { readonly posix: Path; readonly win32: Path };
  export const win32: Path & { readonly posix: Path; readonly win32: Path };
}
declare module "url/url.js" {
  export const Url: new () => object;
  export const parse: (url: string, parseQuery?: boolean, slashesDenoteHost?: boolean) => Record<string, unknown>;
  export const resolve: (from: string, to: string) => string;
  export const resolveObject: (from: string, to: string) => object;
  export const format: (url: object | string) => string;
}
declare module "punycode/punycode.js" {
  const punycode: {
    readonly decode: (text: string) => string;
    readonly encode: (text: string) => string;
    readonly toASCII: (domain: string) => string;
    readonly toUnicode: (domain: string) => string;
    readonly ucs2: object;
    readonly version: string;
  };
  export default punycode;
}
declare module "@pkgjs/parseargs" {
  export const parseArgs: (config?: object) => object;
}
