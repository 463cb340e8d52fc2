/** Why subtests of the Web Platform Tests fail in guests: the first explanation that fits is the one. */

export interface Explanation {
  readonly why: string;
  readonly file?: RegExp;
  readonly subtest?: RegExp;
  readonly message?: RegExp;
}

export const EXPLANATIONS: readonly Explanation[] = [
  {
    why: "The test is about a browser: `XMLHttpRequest`, `VideoFrame`, `FileList`, documents, frames.",
    message: /(XMLHttpRequest|VideoFrame|FileList|document|HTMLInputElement) is not defined/,
  },
  {
    why: "Guests have no `FileReader`: a `Blob` has `text()`, `arrayBuffer()`, `bytes()` and `stream()`.",
    subtest: /FileReader/,
  },
  { why: "Guests have no `FileList`.", subtest: /FileList/ },
  { why: "Guests have no blob URLs: what they name would have to outlive its process.", file: /^FileAPI\/url\// },
  {
    why: "Guests have no blob URLs: what they name would have to outlive its process.",
    subtest: /URL interface: operation (create|revoke)ObjectURL/,
  },
  {
    why: "The interface is made when it is first read, so that a process which does not use it is spared its memory; until then its global property has a getter.",
    message: /should not have a getter/,
  },
  {
    why: "Guests have neither `PerformanceObserver` nor resource timing: read the entries with `getEntries()`.",
    message: /PerformanceObserver|Resource entr/,
  },
  {
    why: "Guests have neither `PerformanceObserver` nor resource timing: read the entries with `getEntries()`.",
    subtest: /PerformanceObserver/,
  },
  {
    why: "`Performance` is no `EventTarget`: nothing dispatches events at it, and `performance.now()` alone would load events.",
    subtest: /Performance interface extends EventTarget|existence and properties of interface prototype object$/,
    file: /^hr-time\//,
  },
  {
    why: "The harness is told that a guest is a worker, as it knows nothing nearer; but it is neither that nor a page.",
    subtest: /^(WorkerGlobalScope|Window) interface/,
  },
  {
    why: "Web Cryptography lets the length of `deriveBits` be left out now; these tests are of the time before.",
    subtest: /operation deriveBits\(/,
  },
  {
    why: "A guest's global object is no `EventTarget`.",
    file: /EventTarget-removeEventListener|queue-microtask-exceptions/,
  },
  { why: "Guests have no `console.clear`: their output is a stream.", subtest: /operation clear\(\)/ },
  {
    why: "The prototype of `console` has the methods themselves.",
    subtest: /console namespace: \[\[Prototype\]\]|The prototype chain must be correct/,
  },
  {
    why: "Guests have neither Ed448 nor X448, which browsers lack too: use Ed25519 and X25519.",
    file: /^WebCryptoAPI\//,
    subtest: /448/,
  },
  {
    why: "Guests have neither Ed448 nor X448, which browsers lack too: use Ed25519 and X25519.",
    file: /^WebCryptoAPI\/.*448/,
  },
  {
    why: "Web Cryptography now lets a derivation of 0 bits be empty; these tests are of the time before.",
    message: /0 length should have thrown/,
  },
  {
    why: "The X25519 test of mismatched algorithms needs an X448 key.",
    subtest: /^X25519 mismatched algorithms$/,
  },
  {
    why: "Web Cryptography now refuses a JWK whose `alg` is another's, and so does Node since 20.20; these tests are of the time before.",
    subtest: /^Good parameters with ignored JWK alg/,
  },
  { why: "A `MessagePort` is not transferable: both of its ends are in one process.", subtest: /MessagePort/ },
  {
    why: "The standard leaves it open (whatwg/streams, 1243), and Node does the same.",
    file: /piping\/general-addition/,
  },
  {
    why: "Guests have neither `PerformanceObserver` nor resource timing: read the entries with `getEntries()`.",
    message: /(observer|entryList) is not defined/,
  },
  { why: "The `owning` type of streams is a proposal.", file: /owning-type/ },
  {
    why: "Guests have no WebAssembly, whose memory this test takes for a buffer that cannot be transferred.",
    file: /non-transferable-buffers/,
  },
];

/** The explanation of a failure, or undefined if it has none. */
export function explain(file: string, subtest: string, message: string): string | undefined {
  return EXPLANATIONS.find(
    (each) =>
      (each.file?.test(file) ?? true) && (each.subtest?.test(subtest) ?? true) && (each.message?.test(message) ?? true),
  )?.why;
}
