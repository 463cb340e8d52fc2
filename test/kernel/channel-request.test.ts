import assert from "node:assert/strict";
import { describe, test } from "node:test";

import fc from "fast-check";

import { GodwitError } from "../../src/errors.ts";
import { channelRequest } from "../../src/kernel/channel-request.ts";
import { HEADERS_MAX, HEADERS_MAX_BYTES, PROTOCOLS_MAX, URL_MAX_CHARS } from "../../src/limits.ts";

const FETCH = { kind: "fetch", method: "GET", url: "https://example.com/a?b#c", headers: [["a", "b"]], body: "none" };
const SOCKET = { kind: "socket", url: "wss://example.com/", protocols: ["chat", "chat2"] };
const LISTENER = { kind: "listener", address: "127.0.0.1:8080" };

function fields(count: number, value: string): [string, string][] {
  return Array.from({ length: count }, () => ["a", value]);
}

describe("a channel's request", () => {
  const good: readonly object[] = [
    FETCH,
    SOCKET,
    LISTENER,
    { ...FETCH, method: "M-SEARCH", headers: [] },
    {
      ...FETCH,
      headers: [
        ["x", ""],
        ["x", "\u00e9\t~"],
      ],
    },
    { ...FETCH, headers: fields(HEADERS_MAX, "b") },
    { ...FETCH, url: "http://[::1]:3000/" },
    { ...SOCKET, protocols: [] },
    { ...LISTENER, address: "[::1]:0" },
    { ...LISTENER, address: "localhost:65535" },
    { ...LISTENER, address: "service:web" },
    { ...LISTENER, protocol: "http" },
    { ...LISTENER, protocol: "tcp" },
    { kind: "datagram", address: "127.0.0.1:0" },
    { kind: "datagram", address: `service:a${"-0".repeat(31)}` },
  ];
  for (const request of good) {
    test(`takes ${JSON.stringify(request).slice(0, 100)}`, () => {
      assert.deepEqual(channelRequest(request), request);
    });
  }

  const bad: readonly [request: unknown, message: RegExp][] = [
    [null, /request/],
    [[], /kind/],
    ["fetch", /request/],
    [{}, /kind/],
    [{ ...FETCH, kind: "exchange" }, /kind/],
    [{ ...FETCH, extra: 1 }, /extra/],
    [{ ...FETCH, method: "" }, /method/],
    [{ ...FETCH, method: "GET /x HTTP/1.1\r\nA: b" }, /method/],
    [{ ...FETCH, method: "connect" }, /method is wrong: is a method that no process may use/],
    [{ ...FETCH, method: "TRACE" }, /method/],
    [{ ...FETCH, method: "A".repeat(1000) }, /method/],
    [{ ...FETCH, url: "/relative" }, /url/],
    [{ ...FETCH, url: "ftp://example.com" }, /url/],
    [{ ...FETCH, url: "ws://example.com" }, /url/],
    [{ ...FETCH, url: "file:///etc/passwd" }, /url/],
    [{ ...FETCH, url: "http://user@example.com" }, /url.*credentials/],
    [{ ...FETCH, url: "http://:secret@example.com" }, /url/],
    [{ ...FETCH, url: `http://example.com/${"a".repeat(URL_MAX_CHARS)}` }, /url/],
    [{ ...FETCH, url: { href: "http://example.com" } }, /url/],
    [{ ...FETCH, headers: { a: "b" } }, /headers/],
    [{ ...FETCH, headers: [["a"]] }, /headers\.0/],
    [{ ...FETCH, headers: [["a", "b", "c"]] }, /headers\.0/],
    [{ ...FETCH, headers: [["a", 1]] }, /headers\.0\.1/],
    [{ ...FETCH, headers: [["", "b"]] }, /headers\.0\.0/],
    [{ ...FETCH, headers: [["a b", "b"]] }, /headers\.0\.0/],
    [{ ...FETCH, headers: [["a:", "b"]] }, /headers\.0\.0/],
    [{ ...FETCH, headers: [["a", "b\r\nc: d"]] }, /headers\.0\.1/],
    [{ ...FETCH, headers: [["a", "b\nc"]] }, /headers\.0\.1/],
    [{ ...FETCH, headers: [["a", "b\0"]] }, /headers\.0\.1/],
    [{ ...FETCH, headers: [["a", "\u010a"]] }, /headers\.0\.1/],
    [{ ...FETCH, headers: fields(HEADERS_MAX + 1, "b") }, /headers/],
    [{ ...FETCH, headers: [["a", "b".repeat(HEADERS_MAX_BYTES)]] }, /headers/],
    [{ ...FETCH, headers: fields(64, "b".repeat(HEADERS_MAX_BYTES / 64)) }, /headers/],
    [{ ...FETCH, body: "some" }, /body/],
    [{ ...SOCKET, url: "http://example.com" }, /url/],
    [{ ...SOCKET, protocols: "chat" }, /protocols/],
    [{ ...SOCKET, protocols: ["a", "a"] }, /protocols/],
    [{ ...SOCKET, protocols: ["a, b"] }, /protocols\.0/],
    [{ ...SOCKET, protocols: Array.from({ length: PROTOCOLS_MAX + 1 }, (_, index) => `p${index}`) }, /protocols/],
    [{ ...LISTENER, address: "8080" }, /address/],
    [{ ...LISTENER, address: "localhost:65536" }, /address/],
    [{ ...LISTENER, address: "::1:80" }, /address/],
    [{ ...LISTENER, address: "/tmp/socket:1" }, /address/],
    [{ ...LISTENER, address: "localhost:-1" }, /address/],
    [{ ...LISTENER, address: "service:" }, /address/],
    [{ ...LISTENER, address: "service:Web" }, /address/],
    [{ ...LISTENER, address: `service:${"a".repeat(64)}` }, /address/],
    [{ ...LISTENER, protocol: "udp" }, /protocol/],
    [{ ...LISTENER, protocol: undefined }, /protocol/],
    [{ kind: "datagram", address: "127.0.0.1" }, /address/],
    [{ kind: "datagram", address: "127.0.0.1:0", protocol: "tcp" }, /protocol/],
    [{ kind: "stream" }, /kind/],
  ];
  for (const [request, message] of bad) {
    test(`refuses ${JSON.stringify(request).slice(0, 100)}`, () => {
      assert.throws(
        () => channelRequest(request),
        (error) => error instanceof GodwitError && error.code === "EINVAL" && message.test(error.message),
      );
    });
  }

  test("takes or refuses anything, with EINVAL alone, and keeps what it took", () => {
    const field = fc.constantFrom(
      "kind",
      "method",
      "url",
      "headers",
      "body",
      "protocols",
      "address",
      "protocol",
      "__proto__",
    );
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom("fetch", "socket", "listener", "GET", "http://a", "ws://a", "none", "a:1", [["a", "b"]]),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc
            .tuple(fc.constantFrom<object>(FETCH, SOCKET, LISTENER, {}), fc.array(fc.tuple(field, value)))
            .map(([base, changes]) => ({ ...base, ...Object.fromEntries(changes) })),
        ),
        (asked) => {
          try {
            assert.deepEqual(channelRequest(asked), asked);
          } catch (error) {
            assert.ok(error instanceof GodwitError && error.code === "EINVAL", String(error));
            assert.ok(error.message.length < 1000);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
