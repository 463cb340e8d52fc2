/** What other nodes have written in the directory, of other versions or with other intentions, and cannot be read here. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "cborg";
import type { Membership } from "../../src/cluster/membership.ts";
import { exposureOf } from "../../src/switch/exposure.ts";
import { FrontMap } from "../../src/switch/front-map.ts";
import { LoneDirectory } from "../../src/switch/lone-directory.ts";

test("of a node's fronts those are told of that are understood", async (t) => {
  const directory = new LoneDirectory();
  const b = { name: "b", token: 1 };
  const all = { find: (name: string) => (name === "b" ? b : undefined), all: () => [b], watch: () => () => {} };
  const map = await FrontMap.open("a", { directory, membership: all as unknown as Membership });
  t.after(() => map.close());
  const good = [
    { address: "http://127.0.0.1:80", policy: "hash:cookie.user" },
    { address: "https://[::]:443", policy: "local", careOf: "https://b.example:443" },
  ];
  const strange = [
    { address: "http://127.0.0.1:80", policy: "by-mood" },
    { address: "quic://127.0.0.1:80", policy: "local" },
    ...["b.example:1", "http://b.example", "http://b:1/", 'http://b";c:1', "http://b\r\n:1"].map((careOf) => ({
      address: "http://127.0.0.1:80",
      policy: "local",
      careOf,
    })),
  ];
  await directory.create("fronts/web/b", encode({ home: "b", token: 1, fronts: [...strange, ...good] }));
  assert.deepEqual(
    map.of("web"),
    good.map((front) => ({ service: "web", node: "b", ...front })),
  );
});

test("an exposure whose key is malformed, or whose policy is not known, is none", () => {
  const said = { policy: "local", passOn: "auto", at: "all", secret: null, careOf: null };
  const value = encode(said);
  const strange = encode({ ...said, policy: "by-mood" });
  assert.equal(exposureOf({ key: "exposures/web/http%3A%2F%2Fa%3A1", value: strange, revision: 1 }), undefined);
  assert.equal(exposureOf({ key: "exposures/web/http%3A%2F%2Fa%3A1", value, revision: 1 })?.address, "http://a:1");
  for (const address of ["%", "%zz", "%ff"])
    assert.equal(exposureOf({ key: `exposures/web/${address}`, value, revision: 1 }), undefined, address);
});
