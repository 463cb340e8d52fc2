import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer as createTls } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, type TestContext, test } from "node:test";

import { GodwitError } from "../../src/errors.ts";
import { LOOKUPS_AT_ONCE_MAX, LOOKUPS_WAITING_MAX } from "../../src/limits.ts";
import { NameLookup, type Resolve } from "../../src/resources/name-lookup.ts";
import { isPublic, NetAccess, type NetOptions } from "../../src/resources/net-access.ts";
import { ask } from "./asking.ts";
import { closedPort, eventually, httpServer, rawServer } from "./local-server.ts";
import { deferred } from "./recorded-line.ts";

type Net = readonly string[] | "all";

function accessOf(
  context: TestContext,
  net: Net,
  names: Readonly<Record<string, readonly string[]>>,
  more?: NetOptions,
) {
  const resolve: Resolve = (name) => Promise.resolve(names[name] ?? []);
  const access = new NetAccess(net, { lookup: new NameLookup(resolve), ...more });
  context.after(() => access.close());
  return access;
}

/** What becomes of a request: its status, or the code and message of its end. */
async function outcome(url: string, net: NetAccess | Net): Promise<string> {
  try {
    const { head } = await ask(url, net).line.answer();
    return String(head.status);
  } catch (error) {
    return error instanceof GodwitError ? `${error.code}: ${error.message}` : (error as Error).message;
  }
}

describe("addresses that are public, and that are not", () => {
  const table: Readonly<Record<string, readonly string[]>> = {
    public: [
      "1.1.1.1",
      "8.8.8.8",
      "93.184.216.34",
      "172.15.255.255",
      "172.32.0.0",
      "100.63.255.255",
      "100.128.0.0",
      "2606:4700:4700::1111",
      "2001:4860:4860::8888",
      "::ffff:8.8.8.8",
      "64:ff9b::808:808",
    ],
    "this machine": ["127.0.0.1", "127.255.255.255", "0.0.0.0", "0.1.2.3", "::1", "::"],
    private: ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "fc00::1", "fd00:ec2::254", "fec0::1"],
    "of the link, and of clouds' metadata": ["169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0"],
    "of a provider": ["100.64.0.1", "100.127.255.255", "192.0.0.192"],
    "for many": ["224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1"],
    reserved: [
      "240.0.0.1",
      "192.0.2.1",
      "198.51.100.1",
      "203.0.113.1",
      "198.18.0.1",
      "2001:db8::1",
      "100::1",
      "4000::1",
    ],
    "wrapped in IPv6": [
      "::ffff:127.0.0.1",
      "::ffff:10.0.0.1",
      "::ffff:169.254.169.254",
      "::127.0.0.1",
      "::ffff:0:127.0.0.1",
      "64:ff9b::127.0.0.1",
      "64:ff9b::a9fe:a9fe",
      "64:ff9b:1::a00:1",
      "2002:7f00:1::",
      "2002:a9fe:a9fe::",
      "2001:0:7f00:1::",
    ],
    "none at all": ["", "example.com", "1.2.3", "0x7f.0.0.1", "127.1", "1.2.3.4.5", "1.2.3.4 ", ":::1"],
  };
  for (const [kind, addresses] of Object.entries(table)) {
    test(kind, () => {
      for (const address of addresses) assert.equal(isPublic(address), kind === "public", address);
    });
  }
});

describe("a name that is allowed", () => {
  test("does not open an address that is not public", async (context) => {
    const server = await httpServer(context, (_request, response) => response.end());
    const addresses = ["127.0.0.1", "::1", "0.0.0.0", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "fe80::1%lo"];
    for (const address of addresses) {
      const access = accessOf(context, ["inside.example"], { "inside.example": [address] });
      const place = address.includes(":") ? `[${address}]` : address;
      assert.equal(
        await outcome(`http://inside.example:${server.port}/`, access),
        `EACCES: connecting to inside.example:${server.port} is not allowed: it is ${address}, which is not a public address: allow that with --allow-net=${place}:${server.port}`,
      );
    }
    assert.equal(server.made, 0);
  });

  test("does when the address is allowed too, by itself or in a range, at that port", async (context) => {
    const server = await httpServer(context, (_request, response) => response.end());
    const names = { "inside.example": ["127.0.0.1"] };
    const url = `http://inside.example:${server.port}/`;
    const nets: readonly [net: Net, isAllowed: boolean][] = [
      [["inside.example", "127.0.0.1"], true],
      [["*.example", "127.0.0.0/8"], true],
      [["inside.example", `127.0.0.1:${server.port}`], true],
      [["inside.example", "0.0.0.0/0"], true],
      ["all", true],
      [["inside.example", `127.0.0.1:${server.port + 1}`], false],
      [["inside.example", "10.0.0.0/8", "::1", "localhost"], false],
      [["127.0.0.1"], false],
    ];
    for (const [net, isAllowed] of nets) {
      const result = await outcome(url, accessOf(context, net, names));
      if (isAllowed) assert.equal(result, "200", String(net));
      else assert.match(result, /^EACCES/, String(net));
    }
  });

  test("is connected to at those of its addresses that are allowed, and at no other", async (context) => {
    const server = await httpServer(context, (_request, response) => response.end());
    // Linux has all of 127.0.0.0/8: the first would be reached if it were tried.
    const access = accessOf(context, ["inside.example", "127.0.0.1"], { "inside.example": ["127.0.0.2", "127.0.0.1"] });
    assert.equal(await outcome(`http://inside.example:${server.port}/`, access), "200");
    const [socket] = server.open;
    assert.equal(socket?.localAddress, "127.0.0.1");
  });

  test("cannot change its address between the check and the connection, nor after", async (context) => {
    const server = await httpServer(context, (_request, response) => response.setHeader("connection", "close").end());
    const answers = [["127.0.0.1"], ["127.0.0.2"]];
    let lookups = 0;
    const lookup = new NameLookup(() => Promise.resolve(answers[lookups++ % 2] ?? []));
    const access = new NetAccess(["rebound.example", "127.0.0.1"], { lookup });
    const url = `http://rebound.example:${server.port}/`;
    assert.equal(await outcome(url, access), "200");
    assert.equal(lookups, 1, "the address that was checked is the one that is connected to");
    assert.match(await outcome(url, access), /^EACCES: .* 127\.0\.0\.2/);
    assert.equal(lookups, 2);
    assert.equal(server.made, 1);
  });

  test("is not looked up unless it is allowed", async (context) => {
    const asked: string[] = [];
    const lookup = new NameLookup((name) => {
      asked.push(name);
      return Promise.resolve(["127.0.0.1"]);
    });
    const access = new NetAccess(["good.example"], { lookup });
    context.after(() => access.close());
    for (const host of ["secret.evil.example", "127.0.0.1", "[::1]", "localhost", "good.example.evil.example"])
      assert.match(await outcome(`http://${host}/`, access), /^EACCES/);
    assert.deepEqual(asked, []);
  });

  test("localhost is this machine, and only that", async (context) => {
    const server = await httpServer(context, (_request, response) => response.end());
    const url = (host: string) => `http://${host}:${server.port}/`;
    const good = { localhost: ["127.0.0.1"], "app.localhost": ["127.0.0.1"] };
    assert.equal(await outcome(url("localhost"), accessOf(context, ["localhost"], good)), "200");
    assert.equal(await outcome(url("localhost"), new NetAccess(["localhost"])), "200");
    assert.equal(await outcome(url("app.localhost"), accessOf(context, ["*.localhost"], good)), "200");
    assert.match(
      await outcome(url("localhost"), accessOf(context, ["localhost"], { localhost: ["10.0.0.1"] })),
      /^EACCES/,
    );
    assert.match(
      await outcome(url("notlocalhost"), accessOf(context, ["notlocalhost"], { notlocalhost: ["127.0.0.1"] })),
      /^EACCES/,
    );
  });
});

describe("addresses in a URL", () => {
  test("are what they are, however they are spelled", async (context) => {
    const server = await httpServer(context, (_request, response) => response.end());
    const spellings = ["127.0.0.1", "127.1", "0x7f.1", "0177.0.0.1", "2130706433", "0x7f000001", "127.0.0.1."];
    for (const host of [...spellings, "①②⑦.0.0.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"]) {
      const url = `http://${host}:${server.port}/`;
      assert.match(await outcome(url, ["example.com", "10.0.0.0/8", "localhost"]), /^EACCES/, host);
      assert.equal(await outcome(url, ["127.0.0.1"]), "200", host);
    }
  });
});

describe("what goes wrong", () => {
  const failing = (code: string) => () => Promise.reject(Object.assign(new Error(`lookup ${code}`), { code }));

  test("no such name: EHOSTUNREACH", async (context) => {
    for (const code of ["ENOTFOUND", "EAI_AGAIN"]) {
      const access = accessOf(context, "all", {}, { lookup: new NameLookup(failing(code)) });
      assert.match(await outcome("http://gone.example/", access), /^EHOSTUNREACH: .*gone\.example/);
    }
    assert.match(
      await outcome("http://gone.example/", accessOf(context, "all", {})),
      /^EHOSTUNREACH: .*has no address/,
    );
  });

  test("the first address does not answer: the next is tried", async (context) => {
    const server = await httpServer(context, (_request, response) => response.end());
    const access = accessOf(context, "all", { "two.example": ["::1", "127.0.0.1"] });
    assert.equal(await outcome(`http://two.example:${server.port}/`, access), "200");
    const refused = accessOf(context, "all", { "two.example": ["127.0.0.2", "127.0.0.1"] });
    assert.match(await outcome(`http://two.example:${await closedPort()}/`, refused), /^ECONNREFUSED/);
  });

  test("a lookup, or TLS, that does not come to an end: ETIMEDOUT", async (context) => {
    const timeouts = { connectMs: 200 };
    const lookup = new NameLookup(() => new Promise(() => {}));
    const never = accessOf(context, "all", {}, { lookup, timeouts });
    assert.match(
      await outcome("http://slow.example/", never),
      /^ETIMEDOUT: no connection to slow.example within 200 ms/,
    );
    const server = await rawServer(context, () => {});
    const access = accessOf(context, "all", {}, { timeouts });
    assert.match(await outcome(`https://${server.host}/`, access), /^ETIMEDOUT/);
    await eventually(() => server.open.size === 0, "the connection's end");
  });

  test("TLS: EPROTO unless the certificate is one that is trusted, and the name's", async (context) => {
    const folder = new URL("../../../test/fixtures/tls/", import.meta.url);
    const [key, cert] = ["key.pem", "certificate.pem"].map((name) => readFileSync(new URL(name, folder), "utf8"));
    assert.ok(key !== undefined && cert !== undefined);
    const server = createTls({ key, cert }, (_request, response) => response.end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    context.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const names = { "tls.example": ["127.0.0.1"], "other.example": ["127.0.0.1"] };
    const trusting = { authorities: cert };
    const results = [
      await outcome(`https://tls.example:${port}/`, accessOf(context, "all", names)),
      await outcome(`https://tls.example:${port}/`, accessOf(context, "all", names, trusting)),
      await outcome(`https://other.example:${port}/`, accessOf(context, "all", names, trusting)),
      await outcome(`https://127.0.0.1:${port}/`, accessOf(context, "all", names, trusting)),
    ];
    const codes = results.map((result) => result.split(":")[0]);
    assert.deepEqual(codes, ["EPROTO", "200", "EPROTO", "EPROTO"], results.join("\n"));
    const plain = await httpServer(context, (_request, response) => response.end());
    assert.match(await outcome(`https://${plain.host}/`, "all"), /^EPROTO/);
  });
});

describe("looking names up", () => {
  test(`${LOOKUPS_AT_ONCE_MAX} at once, and owners take turns`, async () => {
    const running: { name: string; finish: () => void }[] = [];
    const started: string[] = [];
    const lookup = new NameLookup(async (name) => {
      const { promise, resolve } = deferred();
      started.push(name);
      running.push({ name, finish: resolve });
      await promise;
      return [name];
    });
    const [greedy, modest] = [{}, {}];
    const found = Array.from({ length: 10 }, (_, index) => lookup.find(`g${index}`, greedy));
    found.push(lookup.find("m0", modest), lookup.find("m1", modest));
    for (let count = 0; count < 12; count++) {
      await eventually(() => running.length > 0, "a lookup");
      assert.ok(running.length <= LOOKUPS_AT_ONCE_MAX);
      running.shift()?.finish();
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual((await Promise.all(found)).flat().sort(), [...started].sort());
    assert.deepEqual(started.slice(0, 6), ["g0", "g1", "g2", "m0", "g3", "m1"]);
  });

  test("one that fails does not stop the rest", async () => {
    const lookup = new NameLookup((name) =>
      name === "bad" ? Promise.reject(new Error("no")) : Promise.resolve([name]),
    );
    const owner = {};
    const all = ["bad", "bad", "bad", "good"].map((name) => lookup.find(name, owner));
    const settled = await Promise.allSettled(all);
    assert.deepEqual(
      settled.map(({ status }) => status),
      ["rejected", "rejected", "rejected", "fulfilled"],
    );
  });

  test("too many: EAGAIN, for who waits for them alone", async () => {
    const { promise, resolve } = deferred();
    const lookup = new NameLookup(async (name) => {
      await promise;
      return [name];
    });
    const [greedy, modest] = [{}, {}];
    const all = Array.from({ length: LOOKUPS_WAITING_MAX + LOOKUPS_AT_ONCE_MAX }, () => lookup.find("x", greedy));
    await assert.rejects(lookup.find("x", greedy), { code: "EAGAIN" });
    all.push(lookup.find("x", modest));
    resolve();
    assert.equal((await Promise.all(all)).length, all.length);
  });
});
