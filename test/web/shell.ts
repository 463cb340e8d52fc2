/** The program that runs one file of the Web Platform Tests: what a JavaScript shell has to offer to the harness. */

export interface ShellOptions {
  /** Folder of the checkout. */
  readonly checkout: string;
  /** The file, within the checkout. */
  readonly path: string;
  /** Which part of it: the address's query, or "". */
  readonly search: string;
  /** What the file wants to be loaded before it, within the checkout. */
  readonly scripts: readonly string[];
  /** Without any result for so long, the file is given up. */
  readonly silenceMs: number;
}

/**
 * What tests use of browsers to look at the results of what they test, made of what they test: a `FileReader` reads blobs,
 * a `MessageChannel` detaches buffers. Guests have neither.
 */
const BROWSER = `
globalThis.FileReader ??= class FileReader extends EventTarget {
  result = null;
  error = null;
  readyState = 0;
  #read(load) {
    this.readyState = 1;
    load.then((result) => {
      this.result = result;
      this.readyState = 2;
      for (const type of ["load", "loadend"]) {
        const event = new Event(type);
        this.dispatchEvent(event);
        this["on" + type]?.(event);
      }
    });
  }
  readAsText(blob) { this.#read(blob.text()); }
  readAsArrayBuffer(blob) { this.#read(blob.arrayBuffer()); }
};
globalThis.MessageChannel ??= class MessageChannel {
  port1 = { postMessage: (message, transfer) => void structuredClone(message, { transfer }) };
  port2 = this.port1;
};`;

/** Source text of the program. Each result is a line that begins with U+0001. */
export function shell({ checkout, path, search, scripts, silenceMs }: ShellOptions): string {
  return `
const { readFile, exists, stdout, exit } = globalThis.__godwit.exports;
const CHECKOUT = ${JSON.stringify(`${checkout}/`)}, PATH = ${JSON.stringify(path)}, SEARCH = ${JSON.stringify(search)};
const evaluate = globalThis.eval;
const { setInterval, setTimeout } = globalThis;
const report = (result) => stdout.write("\\u0001" + JSON.stringify(result) + "\\n");

globalThis.self ??= globalThis;
// Tests get at SharedArrayBuffer this way, since pages may lack its name.
globalThis.WebAssembly ??= { Memory: class { buffer = new SharedArrayBuffer(0); } };
globalThis.GLOBAL = { isWindow: () => false, isWorker: () => false, isShadowRealm: () => false };
// location with the attributes that tests read; a URL would do, but for searchParams.
const { href, origin, protocol, host, hostname, port, pathname, search, hash } = new URL("https://web-platform.test/" + PATH + SEARCH);
globalThis.location = { href, origin, protocol, host, hostname, port, pathname, search, hash, toString: () => href };
${BROWSER}
const realFetch = globalThis.fetch;
/** Files of the checkout, as the suite's server would give them. */
globalThis.fetch = async (input, init) => {
  const url = new URL(typeof input === "string" ? input : input.url ?? String(input), href);
  if (url.origin !== origin) return realFetch(input, init);
  if (url.pathname.endsWith("/echo-content.py")) return { text: () => new Response(init.body).text() };
  const file = CHECKOUT + decodeURIComponent(url.pathname.slice(1));
  const ok = exists(file);
  const bytes = () => readFile(file);
  const text = () => new TextDecoder().decode(bytes());
  return {
    ok, status: ok ? 200 : 404, url: url.href,
    text: async () => text(), json: async () => JSON.parse(text()), arrayBuffer: async () => bytes().buffer,
  };
};

evaluate(readFile(CHECKOUT + "resources/testharness.js", "utf8"));
// What has to be there is what a worker has. (The harness itself has taken this for a plain shell.)
globalThis.DedicatedWorkerGlobalScope = { [Symbol.hasInstance]: (value) => value === globalThis };
const pending = new Map();
let last = Date.now();
let ended = false;
const say = (test) => report({ subtest: test.name, status: test.status, message: test.message });
globalThis.add_test_state_callback((test) => void pending.set(test, test));
globalThis.add_result_callback((test) => {
  last = Date.now();
  pending.delete(test);
  say(test);
});
globalThis.add_completion_callback((tests, status) => {
  ended = true;
  report({ end: status.status === 0 ? "" : "harness status " + status.status + ": " + status.message });
  exit(0);
});
const watch = setInterval(() => {
  if (ended || Date.now() - last < ${silenceMs}) return;
  for (const test of pending.keys()) report({ subtest: test.name, status: 2, message: "it never ended" });
  report({ end: "it never ended" });
  exit(0);
}, 500);
globalThis.setup({ explicit_timeout: true, allow_uncaught_exception: false });
evaluate([${[...scripts, path].map((file) => JSON.stringify(file)).join(", ")}].map((file) => readFile(CHECKOUT + file, "utf8")).join("\\n;\\n"));
`;
}
