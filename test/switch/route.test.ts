/** Route optimisation: where answers say that a client could ask without a relay, and clients that go there. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from "node:net";
import { test, type TestContext } from "node:test";
import { foundCluster, identify } from "../../src/cluster/identity-authority.ts";
import { alternativesOf } from "../../src/client/alt-svc.ts";
import { openService, type ServiceClient, type ServiceOptions } from "../../src/client/index.ts";
import { Routes } from "../../src/client/routes.ts";
import type { ClusterMember } from "../../src/node/cluster-member.ts";
import { ROUTE_REST_MS } from "../../src/limits.ts";
import { until, within } from "../cluster/condition.ts";
import { withMembers } from "../node/bench-members.ts";
import { front, startServer } from "./served.ts";

const server = (service: string) => `serve(async (request) => {
  const { pathname } = new URL(request.url);
  const seen = pathname + " " + request.headers.get("host") + " " + (request.headers.get("alt-used") ?? "relayed");
  const headers = { "alt-svc": 'h2="evil.example:443"', "x-pid": String(self.pid) };
  return new Response(request.method + " " + seen + " " + (await request.text()), { headers });
}, { address: "service:${service}" });`;

async function opened(t: TestContext, service: string, options: ServiceOptions): Promise<ServiceClient> {
  const client = await openService(service, options);
  t.after(() => client.close());
  return client;
}

/** Opens a care-of front of a service at a node. */
async function careOf(at: ClusterMember, service: string, scheme = "http"): Promise<string> {
  const told = await at.own.expose({ service, address: `${scheme}://127.0.0.1:0`, careOf: "" });
  assert.ok(told.careOf !== undefined && told.careOf === told.address);
  return told.careOf;
}

const hostOf = (address: string) => address.slice(address.indexOf("://") + 3);

async function lookup(at: ClusterMember): Promise<string> {
  return (await at.own.openLookup({ address: "http://127.0.0.1:0" })).address;
}

/** A lookup that says what it is told to. */
async function falseLookup(t: TestContext, stable: string, direct: readonly string[]): Promise<string> {
  const members = direct.map((address, pid) => ({ pid, home: "x", protocol: "http", since: "", careOf: [address] }));
  const fronts = [{ address: stable, node: "x", policy: "local" }];
  const body = JSON.stringify({ service: "false", fronts, members });
  return listening(
    t,
    createServer((request, response) => {
      response.setHeader("etag", '"1"');
      // Who knows it already waits until the test is over.
      if (request.headers["if-none-match"] === undefined) response.end(body);
    }),
  );
}

async function listening(t: TestContext, server: Server | TcpServer): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    if ("closeAllConnections" in server) server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An address where nobody listens. */
async function deadAddress(): Promise<string> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

test("Alt-Svc is read as RFC 7838 has it, and what is malformed is left out", () => {
  assert.equal(alternativesOf(" clear "), "clear");
  assert.deepEqual(alternativesOf('h2="a.example:8000"; ma=30; persist=1, http%2F1.1=":81"'), [
    { protocol: "h2", host: "a.example", port: 8000, maxAgeS: 30 },
    { protocol: "http/1.1", host: "", port: 81, maxAgeS: 86_400 },
  ]);
  assert.deepEqual(alternativesOf('h2="[::1]:443";ma="5"'), [{ protocol: "h2", host: "[::1]", port: 443, maxAgeS: 5 }]);
  for (const text of ["", "h2", "h2=a:1", 'h2="a"', 'h2="a:0"', 'h2="a:99999"', 'h2="a/b:1"', '%zz="a:1"', 'h2="a:1'])
    assert.deepEqual(alternativesOf(text), [], text);
  assert.equal(alternativesOf(Array.from({ length: 1000 }, () => 'h2="a:1"').join(",")).length, 64);
});

test("ways are tried by weight, those that answer before those that do not", () => {
  let chance = 0.5;
  const routes = new Routes(() => chance);
  assert.deepEqual(routes.inOrder(0), []);
  const [far, near] = [
    { address: "http://b:1", weight: 1, untilMs: Infinity },
    { address: "http://c:1", weight: 3, untilMs: 100 },
  ];
  routes.set(["http://a:1"], [far, near]);
  assert.deepEqual(routes.inOrder(0), ["http://c:1", "http://b:1", "http://a:1"]);
  assert.deepEqual(routes.inOrder(100), ["http://b:1", "http://a:1"], "what is too old is not gone to");
  routes.rest("http://c:1", 0);
  assert.deepEqual(routes.inOrder(1), ["http://b:1", "http://a:1", "http://c:1"]);
  routes.rest("http://a:1", 1);
  routes.rest("http://b:1", 1);
  assert.deepEqual(routes.inOrder(2), ["http://a:1", "http://c:1", "http://b:1"], "somewhere it must go");
  routes.set(["http://a:1"], [{ ...far }]);
  assert.deepEqual(routes.inOrder(ROUTE_REST_MS + 2), ["http://b:1", "http://a:1"]);
  routes.set(["http://a:1"], [far, { ...near, untilMs: Infinity }]);
  const firsts = { "http://b:1": 0, "http://c:1": 0 } as Record<string, number>;
  const draws = new Routes();
  draws.set([], [far, { ...near, untilMs: Infinity }]);
  for (let index = 0; index < 2000; index++) {
    const [first = ""] = draws.inOrder(0);
    firsts[first] = (firsts[first] ?? 0) + 1;
  }
  chance = (firsts["http://c:1"] ?? 0) / 2000;
  assert.ok(chance > 0.65 && chance < 0.85, `three of four: ${chance}`);
});

await withMembers(["a", "b", "c"], (t) => {
  const seen = () => [t.get("a"), t.get("b")];

  test("an answer that was relayed says where its process is at home", { timeout: 60_000 }, async () => {
    const [a, b] = [t.get("a"), t.get("b")];
    const far = await startServer(b, server("told"), { service: "told", seenBy: seen() });
    const stable = await front(a, { service: "told" });
    const keyed = await front(a, { service: "told", policy: "hash:remote" });
    const field = async (url: string) => (await fetch(url)).headers.get("alt-svc");
    assert.equal(await field(stable), null, "there is nowhere else, and what the program says does not go out");
    const direct = await careOf(b, "told");
    await until("the front knows", async () => (await field(stable)) !== null);
    assert.equal(await field(stable), `http%2F1.1="${hostOf(direct)}"; ma=30`);
    assert.equal(await field(direct), null);
    assert.equal(await field(keyed), null, "what belongs to one process is asked for where that is known");

    const near = await startServer(a, server("told"), { service: "told", seenBy: seen() });
    const relayed = async () => {
      const response = await fetch(stable);
      return [response.headers.get("x-pid"), response.headers.get("alt-svc") !== null].join();
    };
    const said = new Set<string>();
    for (let index = 0; index < 8; index++) said.add(await relayed());
    assert.deepEqual([...said].sort(), [`${far},true`, `${near},false`].sort());

    await b.own.signal(far, "SIGKILL");
    await until("the other front has only the near one", async () => (await field(direct)) === "clear");
    await a.control.unexpose("told");
    await a.own.signal(near, "SIGKILL");
  });

  test("a client goes to care-of addresses, and back to the stable one", { timeout: 60_000 }, async (context) => {
    const [a, b] = [t.get("a"), t.get("b")];
    const pid = await startServer(b, server("near"), { service: "near", seenBy: seen() });
    const stable = await front(a, { service: "near" });
    const client = await opened(context, "near", { lookup: await lookup(a) });
    const ask = async (path: string, init?: Parameters<ServiceClient["fetch"]>[1]) =>
      (await client.fetch(path, init)).text();
    assert.equal(await ask("/x"), `GET /x ${hostOf(stable)} relayed `);
    const direct = await careOf(b, "near");
    await until("it is told", () => client.addresses()[0] === direct);
    assert.deepEqual(client.addresses(), [direct, stable]);
    assert.equal(await ask("/y"), `GET /y ${hostOf(stable)} ${hostOf(direct)} `, "asked as the same, at another place");
    assert.equal(
      await ask("z", { method: "POST", body: "text", headers: [["x", "1"]] }),
      `POST /z ${hostOf(stable)} ${hostOf(direct)} text`,
    );
    // Without the relay it goes on; without the other, it is relayed.
    await a.control.unexpose("near", stable);
    assert.match(await ask("/"), / 127\.0\.0\.1:\d+ $/);
    const again = await front(a, { service: "near", address: stable });
    assert.equal(again, stable);
    await b.control.unexpose("near", direct);
    for (let index = 0; index < 5; index++) assert.match(await ask("/"), / relayed $/);
    await a.control.unexpose("near");
    await b.own.signal(pid, "SIGKILL");
  });

  test("when one lookup is gone another is asked, and without any it goes on", { timeout: 60_000 }, async (context) => {
    const [a, b] = [t.get("a"), t.get("b")];
    const pid = await startServer(b, server("led"), { service: "led", seenBy: seen() });
    const stable = await front(a, { service: "led" });
    const [first, second] = [await lookup(a), await lookup(b)];
    const client = await opened(context, "led", { lookup: [first, second] });
    assert.deepEqual(client.addresses(), [stable]);
    await a.own.closeLookup(first);
    const direct = await careOf(b, "led");
    await until("the other lookup tells", () => client.addresses()[0] === direct);
    await b.own.closeLookup(second);
    await a.control.unexpose("led", stable);
    assert.match(await (await client.fetch("/")).text(), new RegExp(hostOf(direct)));
    await a.control.unexpose("led");
    await b.own.signal(pid, "SIGKILL");
  });

  test("by what answers say alone, if it may follow them", { timeout: 60_000 }, async (context) => {
    const [a, b] = [t.get("a"), t.get("b")];
    const pid = await startServer(b, server("alone"), { service: "alone", seenBy: seen() });
    const home = await front(a, { service: "alone" });
    const direct = await careOf(b, "alone");
    const follower = await opened(context, "alone", { home, follow: true });
    const careful = await opened(context, "alone", { home });
    await until("it goes there", async () => (await (await follower.fetch("/")).text()).includes(hostOf(direct)));
    for (let index = 0; index < 3; index++) assert.match(await (await careful.fetch("/")).text(), / relayed $/);
    assert.deepEqual(careful.addresses(), [home]);
    await b.control.unexpose("alone", direct);
    assert.match(await (await follower.fetch("/")).text(), / relayed $/, "nobody is there any more");
    await a.control.unexpose("alone");
    await b.own.signal(pid, "SIGKILL");
  });

  test("what was not sent goes another way, with its body; what was, only if it may be repeated", async (context) => {
    const a = t.get("a");
    const pid = await startServer(a, server("safe"), { service: "safe" });
    const stable = await front(a, { service: "safe" });
    const text = (response: { text(): Promise<string> }) => response.text();

    const dead = await falseLookup(context, stable, [await deadAddress()]);
    const refused = await opened(context, "safe", { lookup: dead });
    const stream = () =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (const part of ["one ", "two ", "three"]) controller.enqueue(Buffer.from(part));
          controller.close();
        },
      });
    const posted = await refused.fetch("/", { method: "POST", body: stream(), duplex: "half" });
    assert.match(await text(posted), / relayed one two three$/);

    let taken = 0;
    const rude = createTcpServer((socket) => {
      socket
        .on("error", () => {})
        .once("data", () => {
          taken++;
          socket.destroy();
        });
    });
    const broken = await falseLookup(context, stable, [await listening(context, rude)]);
    const reset = await opened(context, "safe", { lookup: broken });
    assert.match(await text(await reset.fetch("/")), /^GET .* relayed $/);
    assert.equal(taken, 1);
    const unsafe = await opened(context, "safe", { lookup: broken });
    await assert.rejects(unsafe.fetch("/", { method: "POST", body: "once" }));
    assert.equal(taken, 2);
    const aborted = await opened(context, "safe", { lookup: broken });
    await assert.rejects(aborted.fetch("/", { signal: AbortSignal.abort() }), { name: "AbortError" });
    await a.control.unexpose("safe");
    await a.own.signal(pid, "SIGKILL");
  });

  test("a request for a service that has no address any more fails", { timeout: 30_000 }, async (context) => {
    const members = [{ pid: 1, home: "x", protocol: "http", since: "", careOf: [await deadAddress()] }];
    const body = JSON.stringify({ service: "gone", fronts: [], members });
    let isTold = false;
    const told = createServer((request, response) => {
      if (request.headers["if-none-match"] !== undefined) response.writeHead(404).end("{}");
      // Who has heard that waits until the test is over.
      else if (!isTold) response.setHeader("etag", '"1"').end(body);
      isTold = true;
    });
    const client = await opened(context, "gone", { lookup: await listening(context, told) });
    await assert.rejects(within("the answer", client.fetch("/")), /fetch failed/);
    await until("it is told", () => client.addresses().length === 0);
    await assert.rejects(within("the answer", client.fetch("/")), /fetch failed/);
  });

  test("over TLS another address has to prove that it is the same", { timeout: 60_000 }, async (context) => {
    const [a, b] = [t.get("a"), t.get("b")];
    const authority = await foundCluster();
    const [own, other] = [await identify(authority, "localhost"), await identify(authority, "elsewhere")];
    const pid = await startServer(b, server("secure"), { service: "secure", seenBy: seen() });
    const common = { service: "secure", address: "https://127.0.0.1:0" };
    const stable = await a.own.expose({ ...common, certificate: own.certificate, key: own.key });
    const home = stable.address.replace("127.0.0.1", "localhost");
    const client = await opened(context, "secure", { home, ca: authority.ca });
    const way = async () => (await (await client.fetch("/")).text()).split(" ")[3];
    assert.equal(await way(), "relayed");

    const strange = await b.own.expose({ ...common, careOf: "", certificate: other.certificate, key: other.key });
    await until("it is told", async () => (await way()) === "relayed" && client.addresses().length === 2);
    for (let index = 0; index < 3; index++) assert.equal(await way(), "relayed");
    await b.control.unexpose("secure", strange.address);

    const { careOf: direct = "" } = await b.own.expose({
      ...common,
      careOf: "",
      certificate: own.certificate,
      key: own.key,
    });
    await until("it goes there", async () => (await way()) === hostOf(direct));
    const h2 = connectHttp2(stable.address, { ca: authority.ca, servername: "localhost" });
    const [headers] = (await within("the answer", once(h2.request({ ":path": "/" }).resume(), "response"))) as [object];
    const authorities = `"${hostOf(direct)}"; ma=30`;
    assert.equal(Reflect.get(headers, "alt-svc"), `h2=${authorities}, http%2F1.1=${authorities}`, "over HTTP/2 too");
    h2.destroy();
    await a.control.unexpose("secure");
    await b.own.signal(pid, "SIGKILL");
  });

  test("what cannot be opened", async (context) => {
    const told = await lookup(t.get("a"));
    const dead = await deadAddress();
    await assert.rejects(openService("web", {}), { code: "EINVAL" });
    await assert.rejects(openService("Web", { lookup: told }), { code: "EINVAL" });
    await assert.rejects(openService("web", { home: "ftp://a:1" }), { code: "EINVAL" });
    await assert.rejects(openService("web", { lookup: dead }), { code: "EHOSTUNREACH" });
    await assert.rejects(within("the answer", openService("never", { lookup: told })), { code: "ENOENT" });
    const second = await opened(context, "web", { lookup: dead, home: dead });
    await assert.rejects(second.fetch("/"));
    await assert.rejects(second.connect(), { code: "EHOSTUNREACH" });
  });
});
