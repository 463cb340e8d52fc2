import assert from "node:assert/strict";
import { describe, test } from "node:test";

import fc from "fast-check";

import { GodwitError } from "../../src/errors.ts";
import { coversHost, narrowHosts } from "../../src/kernel/host-pattern.ts";
import { HOST_PATTERNS_MAX } from "../../src/limits.ts";

/** As a request's URL gives it. */
function covers(held: readonly string[] | "all", url: string): boolean {
  const { hostname, port, protocol } = new URL(url);
  return coversHost(held, hostname, port === "" ? (protocol === "https:" ? 443 : 80) : Number(port));
}

describe("what an entry allows", () => {
  const table: readonly [entry: string, allowed: readonly string[], refused: readonly string[]][] = [
    [
      "example.com",
      ["http://example.com", "https://EXAMPLE.com:8443", "http://example.com./"],
      ["http://www.example.com", "http://example.org", "http://notexample.com", "http://example.com.evil.org"],
    ],
    [
      "example.com:443",
      ["https://example.com", "http://example.com:443"],
      ["http://example.com", "https://example.com:8443"],
    ],
    [
      "*.example.com",
      ["http://a.example.com", "http://a.b.example.com:1", "http://a.example.com."],
      ["http://example.com", "http://.example.com", "http://aexample.com", "http://a.example.com.evil.org"],
    ],
    ["*.example.com:443", ["https://a.example.com"], ["http://a.example.com", "https://example.com"]],
    ["bücher.example", ["http://xn--bcher-kva.example", "http://BÜCHER.example"], ["http://bucher.example"]],
    ["localhost", ["http://localhost:3000"], ["http://127.0.0.1:3000", "http://a.localhost"]],
    [
      "127.0.0.1",
      ["http://127.0.0.1", "http://2130706433", "http://0x7f.1", "http://0177.0.0.1", "http://[::ffff:127.0.0.1]"],
      ["http://127.0.0.2", "http://localhost", "http://[::1]"],
    ],
    ["0x7f.1", ["http://127.0.0.1"], ["http://127.0.0.2"]],
    ["192.0.2.1:8080", ["http://192.0.2.1:8080"], ["http://192.0.2.1", "http://192.0.2.2:8080"]],
    [
      "10.0.0.0/8",
      ["http://10.1.2.3", "http://10.255.255.255:99", "http://[::ffff:a01:203]"],
      ["http://11.0.0.0", "http://9.255.255.255", "http://ten.example", "http://[::a01:203]"],
    ],
    ["10.9.9.9/8:443", ["https://10.0.0.1"], ["http://10.0.0.1"]],
    ["0.0.0.0/0", ["http://127.0.0.1", "http://8.8.8.8"], ["http://[2001:db8::1]", "http://example.com"]],
    ["::/0", ["http://[2001:db8::1]", "http://[::1]"], ["http://8.8.8.8", "http://[::ffff:8.8.8.8]"]],
    ["[2001:db8::1]", ["http://[2001:DB8:0:0::1]:9"], ["http://[2001:db8::2]"]],
    ["2001:db8::1", ["http://[2001:db8::1]"], ["http://[2001:db8::2]"]],
    ["[2001:db8::1]:80", ["http://[2001:db8::1]"], ["https://[2001:db8::1]"]],
    ["[fd00::]/8:443", ["https://[fd12::1]"], ["http://[fd12::1]", "https://[fe80::1]"]],
    ["fd00::/8:443", ["https://[fd12::1]"], ["http://[fd12::1]"]],
    ["::ffff:10.0.0.0/104", ["http://10.1.2.3"], ["http://11.0.0.0"]],
  ];
  for (const [entry, allowed, refused] of table) {
    test(entry, () => {
      for (const url of allowed) assert.ok(covers([entry], url), `${url} is allowed`);
      for (const url of refused) assert.ok(!covers([entry], url), `${url} is refused`);
    });
  }

  test("nothing allows nothing, all allows everything", () => {
    assert.ok(!covers([], "http://example.com"));
    assert.ok(covers("all", "http://127.0.0.1:1"));
  });

  test("one of several is enough", () => {
    assert.ok(covers(["a.example", "b.example"], "http://b.example"));
  });
});

describe("narrowing", () => {
  const table: readonly [
    held: readonly string[] | "all",
    asked: readonly string[] | "all" | undefined,
    kept: unknown,
  ][] = [
    [["a.example"], undefined, []],
    ["all", undefined, []],
    [["a.example"], "all", ["a.example"]],
    ["all", ["a.example"], ["a.example"]],
    ["all", "all", "all"],
    [["a.example"], ["a.example", "a.example:80", "b.example"], ["a.example", "a.example:80"]],
    [["a.example:80"], ["a.example", "a.example:80", "a.example:81"], ["a.example:80"]],
    [
      ["*.example"],
      ["a.example", "*.a.example", "*.example:1", "example"],
      ["a.example", "*.a.example", "*.example:1"],
    ],
    [["a.example"], ["*.example", "*.a.example"], []],
    [["10.0.0.0/8"], ["10.0.0.0/9", "10.1.1.1", "10.0.0.0/7", "0.0.0.0/0"], ["10.0.0.0/9", "10.1.1.1"]],
    [["fd00::/8"], ["[fd00::1]:80", "::/0", "0.0.0.0/0"], ["[fd00::1]:80"]],
    [[], ["a.example"], []],
  ];
  for (const [held, asked, kept] of table) {
    test(`${String(asked)} of ${String(held)}`, () => {
      assert.deepEqual(narrowHosts(held, asked), kept);
    });
  }

  test("never allows what was not held", () => {
    const name = fc.constantFrom("a.example", "b.a.example", "example", "10.1.2.3", "[::1]", "127.0.0.1", "10.200.0.1");
    const entry = fc.oneof(
      name,
      fc.constantFrom("*.example", "*.a.example", "10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "::/0", "::ffff:0:0/96"),
      name.map((host) => `${host}:80`),
    );
    const list = fc.oneof(fc.array(entry, { maxLength: 5 }), fc.constant<"all">("all"));
    fc.assert(
      fc.property(list, list, name, fc.constantFrom(80, 443), (held, asked, host, port) => {
        const kept = narrowHosts(held, asked);
        if (coversHost(kept, host, port)) {
          assert.ok(coversHost(held, host, port));
          assert.ok(coversHost(asked, host, port));
        }
      }),
    );
  });
});

describe("entries that are none", () => {
  const entries = [
    "",
    "*",
    "*.",
    "https://example.com",
    "example.com/path",
    "user@example.com",
    "example.com:0",
    "example.com:65536",
    "example.com:",
    "example.com/8",
    "*.10.0.0.0/8",
    "*.127.0.0.1",
    "*.*.example.com",
    "a.*.example.com",
    "10.0.0.0/33",
    "10.0.0.0/",
    "256.0.0.1",
    "fd00::/129",
    "::ffff:10.0.0.0/95",
    "[fe80::1%eth0]",
    "fe80::1%25eth0",
    "[::1",
    "::1::",
    "exa mple.com",
    "example.com\r\nx",
    `${"a".repeat(300)}.example`,
  ];
  for (const entry of entries) {
    test(JSON.stringify(entry.slice(0, 40)), () => {
      assert.throws(
        () => narrowHosts("all", [entry]),
        (error) => error instanceof GodwitError && error.code === "EINVAL",
      );
    });
  }

  test("any text is an entry or EINVAL", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string({ unit: fc.constantFrom("*", ".", ":", "/", "[", "]", "1", "a", "f", "%", "@") }),
        ),
        (entry) => {
          try {
            coversHost(narrowHosts("all", [entry]), "example.com", 80);
          } catch (error) {
            assert.ok(error instanceof GodwitError && error.code === "EINVAL", String(error));
          }
        },
      ),
    );
  });

  test("too many", () => {
    const entries = new Array<string>(HOST_PATTERNS_MAX + 1).fill("example.com");
    assert.throws(() => narrowHosts("all", entries), { code: "EINVAL" });
    assert.equal(narrowHosts("all", entries.slice(1)).length, HOST_PATTERNS_MAX);
  });
});
