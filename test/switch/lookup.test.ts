/** Lookups of real nodes, asked by clients that we did not write: Node's resolver and fetch, dig and host. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { promises as dns } from "node:dns";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { decode, encode, streamEncode } from "dns-packet";
import type { ServiceRecord } from "../../src/abi/lookup.ts";
import type { ClusterMember } from "../../src/node/cluster-member.ts";
import { until, within } from "../cluster/condition.ts";
import { withMembers } from "../node/bench-members.ts";
import { RawClient } from "../node/raw-client.ts";
import { front, startServer } from "./served.ts";
import { DIG, findProgram, HOST } from "../cluster/debian.ts";

const run = promisify(execFile);
const [dig, host] = await Promise.all([findProgram(DIG), findProgram(HOST)]);
const missing = [dig, host].flatMap((one) => ("missing" in one ? [one.missing] : [])).join("; ");
if (missing !== "") console.error(`NOT TESTED with dig and host: ${missing}`);

const server = (service: string) => `serve(() => new Response("hello"), { address: "service:${service}" });`;

/** Opens a lookup and returns its `HOST:PORT`. */
async function lookup(at: ClusterMember, scheme: "dns" | "http", more: object = {}): Promise<string> {
  const { address, node } = await at.own.openLookup({ address: `${scheme}://127.0.0.1:0`, ...more });
  assert.equal(node, at.view.name);
  assert.match(address, /:[1-9]\d*$/);
  return address.slice(scheme.length + 3);
}

function resolverOf(place: string): dns.Resolver {
  const resolver = new dns.Resolver({ timeout: 5000, tries: 2 });
  resolver.setServers([place]);
  return resolver;
}

const portOf = (url: string) => Number(new URL(url).port);
const srv = async (resolver: dns.Resolver, name: string) =>
  (await resolver.resolveSrv(name))
    .map(({ name: target, port, priority }) => ({ target, port, priority }))
    .sort((one, other) => one.priority - other.priority || one.port - other.port);

await withMembers(["a", "b"], (t) => {
  test("nothing is told unless it is opened, and nothing of what has no front", { timeout: 60_000 }, async () => {
    const [a, b] = [t.get("a"), t.get("b")];
    assert.deepEqual(await a.control.lookups(), []);
    const pid = await startServer(b, server("inner"), { service: "inner", seenBy: [a, b] });
    const place = await lookup(a, "http");
    assert.equal((await fetch(`http://${place}/v1/services/inner`)).status, 404);
    assert.deepEqual(await (await fetch(`http://${place}/v1/services`)).json(), { services: [] });
    const named = await lookup(a, "dns", { services: ["other"] });
    await front(a, { service: "inner" });
    assert.equal((await fetch(`http://${place}/v1/services/inner`)).status, 200);
    await assert.rejects(resolverOf(named).resolveSrv("_inner._tcp.godwit"), { code: "ENOTFOUND" });

    const open = await a.control.lookups();
    assert.equal(open.length, 2);
    for (const { address } of open) assert.equal((await b.control.closeLookup(address)).length, 1);
    await assert.rejects(fetch(`http://${place}/v1/services`));
    assert.deepEqual(await b.control.lookups(), []);
    await a.own.unexpose("inner");
    await b.own.signal(pid, "SIGKILL");
  });

  test("what cannot be opened", async () => {
    const a = t.get("a");
    const taken = await lookup(a, "http");
    for (const [address, more, code] of [
      ["ftp://127.0.0.1:0", {}, "EINVAL"],
      ["dns://127.0.0.1", {}, "EINVAL"],
      ["dns://127.0.0.1:0", { zone: "-." }, "EINVAL"],
      ["http://127.0.0.1:0", { zone: "godwit" }, "EINVAL"],
      [`http://${taken}`, {}, "EADDRINUSE"],
      [`dns://${taken}`, {}, "EADDRINUSE"],
      ["dns://127.0.0.1:0", { node: "b" }, "ENONODE"],
    ] as const)
      await assert.rejects(a.own.openLookup({ address, ...more }), { code }, address);
    await a.own.closeLookup(`http://${taken}`);
  });

  test("DNS and HTTP tell of stable and care-of addresses, and of changes", { timeout: 60_000 }, async () => {
    const [a, b] = [t.get("a"), t.get("b")];
    const resolver = resolverOf(await lookup(a, "dns"));
    const place = await lookup(b, "http");
    const url = `http://${place}/v1/services/web`;
    await assert.rejects(resolver.resolveSrv("_web._tcp.godwit"), { code: "ENOTFOUND" });

    const stable = await front(a);
    assert.deepEqual(await srv(resolver, "_web._tcp.godwit"), [
      { target: "127-0-0-1.godwit", port: portOf(stable), priority: 20 },
    ]);
    const pid = await startServer(b, server("web"), { seenBy: [a, b] });
    const { careOf } = await b.own.expose({ service: "web", address: "http://127.0.0.1:0", careOf: "127.0.0.1" });
    assert.ok(careOf !== undefined && /^http:\/\/127\.0\.0\.1:[1-9]\d*$/.test(careOf));
    // For connections, which this process does not serve: nobody is sent there.
    await b.own.expose({ service: "web", address: "tcp://127.0.0.1:0", careOf: "" });
    const both = [
      { target: "127-0-0-1.godwit", port: portOf(careOf), priority: 0 },
      { target: "127-0-0-1.godwit", port: portOf(stable), priority: 20 },
    ];
    await until("the care-of address is known", async () => (await srv(resolver, "_web._tcp.godwit")).length === 2);
    assert.deepEqual(await srv(resolver, "_web._tcp.godwit"), both);
    assert.deepEqual(await srv(resolver, "web.godwit"), both);
    assert.deepEqual(await srv(resolver, "_http._tcp.web.godwit"), both);
    assert.deepEqual(await resolver.resolve4("web.godwit"), ["127.0.0.1"]);
    assert.deepEqual(await resolver.resolve4("127-0-0-1.godwit"), ["127.0.0.1"]);
    assert.deepEqual(await resolver.resolveTxt("web.godwit"), [["txtvers=1", "schemes=http", "processes=1"]]);
    assert.equal((await resolver.resolveSoa("godwit")).nsname, "godwit");
    await assert.rejects(resolver.resolve6("web.godwit"), { code: "ENODATA" });
    await assert.rejects(resolver.resolve4("example.com"), { code: "EREFUSED" });

    const first = await fetch(url);
    const etag = first.headers.get("etag") ?? "";
    const record = (await first.json()) as ServiceRecord;
    assert.deepEqual(record.fronts, [{ address: stable, node: "a", policy: "least-loaded" }]);
    const [member] = record.members;
    assert.ok(member !== undefined && Math.abs(Date.parse(member.since) - Date.now()) < 60_000);
    assert.deepEqual({ ...member, since: "" }, { pid, home: "b", protocol: "http", since: "", careOf: [careOf] });

    const headers = { "if-none-match": etag };
    assert.equal((await fetch(url, { headers })).status, 304);
    assert.equal((await fetch(`${url}?wait=1`, { headers })).status, 304);
    const waiting = fetch(`${url}?wait=30`, { headers });
    await b.own.unexpose("web", careOf);
    const next = await within("the answer that waited", waiting);
    assert.equal(next.status, 200);
    assert.deepEqual(((await next.json()) as ServiceRecord).members[0]?.careOf, []);

    const gone = fetch(`${url}?wait=30`, { headers: { "if-none-match": next.headers.get("etag") ?? "" } });
    await a.own.unexpose("web");
    assert.equal((await within("the end of the service", gone)).status, 404);
    const soon = fetch(`${url}?wait=30`);
    await front(a);
    assert.equal((await within("the service that comes", soon)).status, 200);
    await a.own.unexpose("web");
    await b.own.signal(pid, "SIGKILL");
  });

  test(
    "a node that joins tells of the address that it was to hold before it was there",
    { timeout: 60_000 },
    async () => {
      const a = t.get("a");
      const url = `http://${await lookup(a, "http")}/v1/services/late`;
      const { address } = await a.own.expose({ service: "late", address: "http://127.0.0.1:0", at: ["d"] });
      await until("nobody holds it", async () => (await fetch(url)).status === 404);
      const d = await t.add("d");
      await until("it is told of", async () => (await fetch(url)).status === 200);
      const { fronts } = (await (await fetch(url)).json()) as ServiceRecord;
      assert.deepEqual(fronts, [{ address, node: "d", policy: "least-loaded" }]);
      await startServer(d, server("late"), { service: "late", seenBy: [a, d] });
      assert.equal(await (await fetch(address)).text(), "hello");
      await t.kill("d");
      await until("the dead are not told of", async () => (await fetch(url)).status === 404, 30_000);
      await a.own.unexpose("late");
    },
  );

  test(
    "a node that others took for dead, and that comes back, tells again what it has",
    { timeout: 90_000 },
    async () => {
      const a = t.get("a");
      const e = await t.add("e");
      const url = `http://${await lookup(a, "http")}/v1/services/back`;
      const pid = await startServer(e, server("back"), { service: "back", seenBy: [a, e] });
      const { address } = await e.own.expose({ service: "back", address: "http://127.0.0.1:0", careOf: "" });
      const members = async () => {
        const response = await fetch(url);
        return response.status === 200 ? ((await response.json()) as ServiceRecord).members : undefined;
      };
      const isThere = async () => (await members())?.[0]?.careOf[0] === address;
      await until("it is told of", isThere);
      t.cut("e");
      await until("it is taken for dead", async () => (await members()) === undefined, 30_000);
      t.mend("e");
      await until("it is told of again", isThere, 30_000);
      assert.deepEqual(
        (await members())?.map((one) => one.pid),
        [pid],
      );
      assert.equal(await (await fetch(address)).text(), "hello");
      await t.remove("e");
      await a.own.unexpose("back");
    },
  );

  test("a service whose processes are chosen by a key is told of at its stable address alone", async () => {
    const [a, b] = [t.get("a"), t.get("b")];
    const pid = await startServer(b, server("keyed"), { service: "keyed", seenBy: [a, b] });
    await b.own.expose({ service: "keyed", address: "http://127.0.0.1:0", careOf: "127.0.0.1" });
    const stable = await front(a, { service: "keyed", policy: "hash:remote" });
    const resolver = resolverOf(await lookup(b, "dns", { zone: "Svc.Example" }));
    await until("it is known", async () => (await srv(resolver, "_keyed._tcp.svc.example")).length === 1);
    const [{ port } = { port: 0 }] = await resolver.resolveSrv("_keyed._tcp.svc.example");
    assert.equal(port, portOf(stable));
    await a.control.unexpose("keyed");
    await b.own.signal(pid, "SIGKILL");
  });

  test("addresses for datagrams and for connections are told apart", { timeout: 30_000 }, async () => {
    const a = t.get("a");
    const resolver = resolverOf(await lookup(a, "dns"));
    const ports = new Map<string, number>();
    for (const scheme of ["udp", "tcp"]) {
      const { address } = await a.own.expose({ service: "clock", address: `${scheme}://127.0.0.1:0` });
      ports.set(scheme, Number(address.slice(address.lastIndexOf(":") + 1)));
    }
    for (const [scheme, port] of ports) {
      for (const name of [`_clock._${scheme}.godwit`, `_${scheme}._${scheme}.clock.godwit`])
        assert.deepEqual(await srv(resolver, name), [{ target: "127-0-0-1.godwit", port, priority: 20 }], name);
    }
    assert.equal((await srv(resolver, "clock.godwit")).length, 2);
    await a.own.unexpose("clock");
  });

  test("over TCP: one question after the other, in pieces, and what is none", { timeout: 30_000 }, async () => {
    const a = t.get("a");
    await front(a, { service: "plain" });
    const place = await lookup(a, "dns");
    const port = Number(place.split(":")[1]);
    const question = (id: number) =>
      streamEncode({ type: "query", id, questions: [{ name: "_plain._tcp.godwit", type: "SRV" }] });
    const socket = connect(port, "127.0.0.1");
    const pieces: Buffer[] = [];
    socket.on("data", (bytes) => pieces.push(bytes));
    const asked = Buffer.concat([question(1), question(2)]);
    for (const byte of asked) socket.write(Buffer.of(byte));
    const answers = () => {
      const ids: number[] = [];
      let rest = Buffer.concat(pieces);
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
        const { id, answers: told } = decode(rest.subarray(2, 2 + rest.readUInt16BE(0)));
        assert.equal(told?.length, 1);
        ids.push(id ?? 0);
        rest = rest.subarray(2 + rest.readUInt16BE(0));
      }
      return ids;
    };
    await until("both are answered", () => answers().join() === "1,2");
    socket.write(Buffer.from([0xff, 0xff, 0]));
    await within("the end", once(socket, "close"));

    // Datagrams that are no questions, or too many: it goes on.
    const noisy = createSocket("udp4");
    for (let length = 0; length < 64; length++) noisy.send(Buffer.alloc(length, 0xaa), port, "127.0.0.1");
    const loop = encode({ type: "response", questions: [{ name: "_plain._tcp.godwit", type: "SRV" }] });
    noisy.send(loop, port, "127.0.0.1");
    assert.equal((await resolverOf(place).resolveSrv("_plain._tcp.godwit")).length, 1);
    noisy.close();
    await a.own.unexpose("plain");
  });

  test("by HTTP: of all that a connection asks at once one question waits", { timeout: 30_000 }, async () => {
    const client = await RawClient.connect(`http://${await lookup(t.get("a"), "http")}`);
    const ask = (waitS: number) => `GET /v1/services/nobody?wait=${waitS} HTTP/1.1\r\nHost: x\r\n\r\n`;
    client.send(ask(1) + ask(60).repeat(3));
    await until("all are answered", () => client.statuses.join() === "404,404,404,404");
    client.socket.destroy();
  });

  test("by HTTP: what is no question", async () => {
    const place = await lookup(t.get("a"), "http");
    for (const [path, method, status] of [
      ["/v1/services/", "GET", 404],
      ["/v1/services/UPPER", "GET", 404],
      ["/v1/services/a/b", "GET", 404],
      ["/", "GET", 404],
      ["//", "GET", 404],
      ["/v1/services?wait=61", "GET", 400],
      ["/v1/services?wait=x", "GET", 400],
      ["/v1/services", "POST", 405],
    ] as const) {
      const response = await fetch(`http://${place}${path}`, { method });
      assert.equal(response.status, status, path);
      assert.equal(typeof ((await response.json()) as { message: string }).message, "string");
    }
    assert.equal((await fetch(`http://${place}/v1/services`, { method: "HEAD" })).status, 200);
  });

  describe("by dig and host", missing === "" ? {} : { skip: missing }, () => {
    test("SRV, truncation, TCP and what there is not", { timeout: 60_000 }, async () => {
      assert.ok("path" in dig && "path" in host);
      const a = t.get("a");
      for (let index = 0; index < 20; index++) await front(a, { service: "wide" });
      const place = await lookup(a, "dns");
      const port = String(place.split(":")[1]);
      const asked = async (...args: string[]) =>
        (await run(dig.path, ["@127.0.0.1", "-p", port, "+norecurse", ...args], { env: dig.environment })).stdout;
      const lines = (text: string) => text.split("\n").filter((line) => /\tSRV\t20 /.test(line));
      const whole = await asked("_wide._tcp.godwit", "SRV");
      assert.equal(lines(whole).length, 20, whole);
      assert.match(whole, /flags: qr aa;/);
      assert.match(await asked("+ignore", "+noedns", "_wide._tcp.godwit", "SRV"), /flags: qr aa tc;/);
      assert.equal(lines(await asked("+tcp", "+noedns", "_wide._tcp.godwit", "SRV")).length, 20);
      assert.match(await asked("none.godwit"), /status: NXDOMAIN/);
      assert.match(
        await asked("wide.godwit", "MX"),
        /status: NOERROR.*[^]*AUTHORITY SECTION:\ngodwit\.\s+1\s+IN\s+SOA/,
      );
      assert.match(await asked("godwit", "AXFR"), /Transfer failed|REFUSED/);
      assert.match(await asked("+edns=1", "+noednsneg", "wide.godwit"), /status: BADVERS/);
      assert.doesNotMatch(whole, /WARNING|malformed/i);
      const told = await run(host.path, ["-p", port, "wide.godwit", "127.0.0.1"], { env: host.environment });
      assert.match(told.stdout, /wide\.godwit has address 127\.0\.0\.1/);
      await a.own.unexpose("wide");
    });
  });
});
