/** `serve`: programs as HTTP servers, seen by clients over real connections. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, type IncomingMessage, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { withNode } from "../node/bench-node.ts";
import { ask, MAY_LISTEN, start, stopped } from "./server.ts";

const SITE = `async (request, environment, context) => {
  const { pathname } = new URL(request.url);
  switch (pathname) {
    case "/json": return Response.json({ method: request.method, url: new URL(request.url).search, type: request.headers.get("content-type"), body: await request.text(), keys: Object.keys(context.props), environment });
    case "/echo": return new Response(request.body, { headers: { "x-body": String(request.body !== null) } });
    case "/cookies": return new Response("c", { headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"], ["x-latin", "\\u00fc"]] });
    case "/none": return new Response(null, { status: 204 });
    case "/same": return new Response(null, { status: 304, headers: { etag: "x" } });
    case "/status": return new Response("teapot", { status: 418, statusText: "Short and stout" });
    case "/large": return new Response("x".repeat(3_000_000));
    case "/bytes": return new Response(new Uint8Array([0, 255, 10]));
    case "/throw": throw new Error("thrown here");
    case "/reject": return Promise.reject(new RangeError("rejected here"));
    case "/nothing": return undefined;
    case "/foreign": return { status: 200 };
    case "/error": return Response.error();
    case "/used": { const r = new Response("x"); await r.text(); return r; }
    case "/bad-header": return new Response("x", { headers: { "x-bad": "a\\u0001b" } });
    case "/stream": return new Response(new ReadableStream({ async start(c) { for (const part of ["a", "b", "c"]) { c.enqueue(new TextEncoder().encode(part)); await new Promise((r) => setTimeout(r, 1)); } c.close(); } }));
    case "/broken": return new Response(new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(10)); if (this.n++ > 2) throw new Error("broken stream"); }, n: 0 }));
    case "/form": { const form = await request.formData(); return Response.json([...form].map(([name, value]) => [name, typeof value === "string" ? value : [value.name, value.size]])); }
    case "/later": context.waitUntil(Promise.resolve().then(() => console.log("afterwards"))); return new Response("now");
    default: return new Response("not found", { status: 404 });
  }
}`;

await withNode({ lwps: 1 }, (t) => {
  test("requests and responses of every kind", { timeout: 60_000 }, async () => {
    const site = await start(t, SITE, "", { environment: { GIVEN: "1" } });
    const at = (path: string) => new URL(path, site.url).href;
    const post = { method: "POST", headers: { "content-type": "text/x" } };
    const json = await ask(at("/json?a=b"), post, "böd");
    assert.equal(json.headers["content-type"], "application/json");
    assert.deepEqual(JSON.parse(json.text), {
      method: "POST",
      url: "?a=b",
      type: "text/x",
      body: "böd",
      keys: [],
      environment: { GIVEN: "1" },
    });
    const large = Buffer.alloc(3_000_000, "y");
    const echo = await ask(at("/echo"), { method: "PUT" }, large);
    assert.deepEqual([echo.text.length, echo.headers["x-body"]], [3_000_000, "true"]);
    assert.equal((await ask(at("/echo"))).headers["x-body"], "false");
    const cookies = await ask(at("/cookies"));
    assert.deepEqual(cookies.headers["set-cookie"], ["a=1", "b=2"]);
    assert.equal(cookies.headers["x-latin"], "ü");
    const none = await ask(at("/none"));
    assert.deepEqual([none.status, none.text, none.headers["content-length"]], [204, "", undefined]);
    const same = await ask(at("/same"));
    assert.deepEqual([same.status, same.headers["etag"]], [304, "x"]);
    assert.equal((await ask(at("/status"))).status, 418);
    assert.equal((await ask(at("/large"))).text.length, 3_000_000);
    const head = await ask(at("/large"), { method: "HEAD" });
    assert.deepEqual([head.status, head.text], [200, ""]);
    assert.deepEqual([...Buffer.from((await ask(at("/bytes"))).text, "utf8")].length > 0, true);
    assert.equal((await ask(at("/stream"))).text, "abc");
    assert.equal((await ask(at("/nowhere"))).status, 404);
    const form = Buffer.from('--b\r\nContent-Disposition: form-data; name="f"; filename="n"\r\n\r\n12345\r\n--b--\r\n');
    const multipart = { method: "POST", headers: { "content-type": "multipart/form-data; boundary=b" } };
    assert.equal((await ask(at("/form"), multipart, form)).text, '[["f",["n",5]]]');
    assert.equal((await ask(at("/later"))).text, "now");
    await site.process.printed("afterwards");
    assert.equal(await stopped(site, t), "");
  });

  test("what goes wrong in a handler is a 500, and told on standard error", { timeout: 60_000 }, async () => {
    const site = await start(t, SITE);
    const wrong = {
      "/throw": "thrown here",
      "/reject": "rejected here",
      "/nothing": "must return a Response, not undefined",
      "/foreign": "must return a Response, not a Object",
      "/error": "Response.error()",
      "/used": "was read already",
    };
    for (const path of Object.keys(wrong)) {
      const answer = await ask(new URL(path, site.url).href);
      assert.deepEqual([answer.status, answer.text], [500, "Internal Server Error"], path);
    }
    assert.equal((await ask(new URL("/bad-header", site.url).href)).status, 500);
    await assert.rejects(ask(new URL("/broken", site.url).href), { code: "ECONNRESET" });
    const stderr = await stopped(site, t);
    for (const text of [...Object.values(wrong), "broken stream"])
      assert.ok(stderr.includes(text), `${text}\n${stderr}`);
    assert.ok(!stderr.includes("godwit:guest"), stderr);
  });

  test("onError answers instead, and may fail itself", { timeout: 60_000 }, async () => {
    const options = `onError: (error, request) => { if (request.url.endsWith("/twice")) throw new Error("second"); return new Response(error.message, { status: 503 }); }`;
    const site = await start(t, `() => { throw new Error("first"); }`, options);
    const answer = await ask(site.url);
    assert.deepEqual([answer.status, answer.text], [503, "first"]);
    assert.equal((await ask(new URL("/twice", site.url).href)).status, 500);
    const stderr = await stopped(site, t);
    assert.ok(stderr.includes("second") && !stderr.includes("first"), stderr);
  });

  test("a connection is used for request after request, by many clients at once", { timeout: 60_000 }, async () => {
    const site = await start(t, `(request) => new Response(new URL(request.url).pathname)`);
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const paths = Array.from({ length: 200 }, (_, index) => `/${index}`);
    const answers = await Promise.all(paths.map((path) => ask(new URL(path, site.url).href, { agent })));
    assert.deepEqual(
      answers.map(({ text }) => text),
      paths,
    );
    agent.destroy();
    assert.equal(await stopped(site, t), "");
  });

  test("both directions stream at once", { timeout: 60_000 }, async () => {
    const upper = `new TransformStream({ transform(chunk, c) { c.enqueue(new TextEncoder().encode(new TextDecoder().decode(chunk).toUpperCase())); } })`;
    const site = await start(t, `(request) => new Response(request.body.pipeThrough(${upper}))`);
    const request = httpRequest(site.url, { method: "POST", agent: false });
    request.write("one");
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const first = (await once(response, "data")) as [Buffer];
    assert.equal(String(first[0]), "ONE");
    request.write("two");
    const second = (await once(response, "data")) as [Buffer];
    assert.equal(String(second[0]), "TWO");
    request.end();
    response.resume();
    await once(response, "end");
    assert.equal(await stopped(site, t), "");
  });

  test("a client that leaves aborts the request's signal and cancels the stream, without noise", async () => {
    const handler = `(request) => {
      request.signal.addEventListener("abort", () => console.log("aborted", request.signal.reason.name));
      return new Response(new ReadableStream({ start(c) { c.enqueue(new Uint8Array([65])); }, cancel() { console.log("cancelled"); } }));
    }`;
    const site = await start(t, handler);
    const request = httpRequest(site.url, { agent: false });
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    await once(response, "data");
    request.destroy();
    await site.process.printed("aborted AbortError");
    await site.process.printed("cancelled");
    assert.equal(await stopped(site, t), "");
  });

  test("a slow client slows the program down", { timeout: 60_000 }, async () => {
    const handler = `() => { let pieces = 0; setInterval(() => console.log("made " + pieces + " then"), 20);
      return new Response(new ReadableStream({ pull(c) { pieces++; c.enqueue(new Uint8Array(65536)); if (pieces === 2000) c.close(); } })); }`;
    const site = await start(t, handler);
    const { hostname, port } = new URL(site.url);
    const socket = connect(Number(port), hostname);
    socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    socket.pause();
    // It comes to a halt: the same number twice, long before all is made.
    const made = await site.process.match(/made (\d+) then\nmade \1 then/);
    assert.ok(Number(made[1]) < 1000, made[1]);
    let received = 0;
    socket.on("data", (bytes: Buffer) => (received += bytes.length));
    socket.resume();
    await site.process.match(/made 2000 then/);
    while (received < 2000 * 65_536) await once(socket, "data");
    socket.destroy();
    assert.equal(await stopped(site, t), "");
  });

  test("stop lets what is in flight finish, and the process end", { timeout: 60_000 }, async () => {
    const source = `const { serve } = globalThis.__godwit.exports;
      let answer; const server = serve(() => new Promise((resolve) => { answer = resolve; console.log("asked"); }), { address: "127.0.0.1:0", onListen: ({ address }) => console.log("at http://" + address + "/") });
      onSignal("SIGUSR1", async () => { const all = server.stop(); answer(new Response("last")); await all; await server.finished; console.log("finished"); });`;
    const process = await t.start(source, MAY_LISTEN);
    const url = (await process.match(/at (\S+)\n/))[1] ?? "";
    const answer = ask(url);
    await process.printed("asked");
    await t.node.signal(process.pid, "SIGUSR1");
    assert.equal((await answer).text, "last");
    assert.deepEqual((await process.ended).status.code, 0);
    await assert.rejects(ask(url));
  });

  test("a port in place of an address; options first, last, or with the handler", { timeout: 60_000 }, async () => {
    const site = await t.start(
      `const { listen, serve } = globalThis.__godwit.exports;
      const app = { says: "an application", fetch() { return new Response(this.says); } };
      const servers = [
        serve({ port: 0 }, () => new Response("options first")),
        serve(() => new Response("options last"), { port: 0, hostname: "127.0.0.1" }),
        serve({ port: 0, handler: () => new Response("one object") }),
        serve({ port: 0 }, app),
        serve(app, { port: 0 }),
        serve({ port: 0, handler: app }),
        serve({ port: 0, hostname: "::1", organisation: "thread-pool" }, () => new Response("in a thread")),
      ];
      const datagrams = listen({ port: 0, transport: "udp" });
      const streams = listen({ port: 0 });
      console.log("at " + JSON.stringify([...servers, datagrams, streams].map(({ address }) => address)));`,
      { capabilities: { listen: ["127.0.0.1:0", "[::1]:0"] } },
    );
    const addresses = JSON.parse((await site.match(/at (.*)\n/))[1] ?? "") as string[];
    const said = await Promise.all(
      addresses.slice(0, 7).map(async (address) => (await ask(`http://${address}/`)).text),
    );
    const app = "an application";
    assert.deepEqual(said, ["options first", "options last", "one object", app, app, app, "in a thread"]);
    assert.deepEqual(
      addresses.map((address) => address.replace(/:\d+$/, "")),
      [...Array.from({ length: 6 }, () => "127.0.0.1"), "[::1]", "127.0.0.1", "127.0.0.1"],
    );
    await t.node.signal(site.pid, "SIGKILL");
  });

  test("what cannot be served says why", { timeout: 60_000 }, async () => {
    for (const [call, told] of [
      ["serve(5, {})", /TypeError: serve needs a function/],
      ["serve({ port: 0 })", /TypeError: serve needs a function/],
      ["serve({ port: 0 }, {})", /TypeError: serve needs a function/],
      ["serve(null, { port: 0 })", /TypeError: serve needs a function/],
      ["serve(undefined)", /TypeError: serve needs a function/],
      ["serve(() => {})", /TypeError: where to listen: give an address such as 127\.0\.0\.1:8080, a port, or/],
      ["serve({ port: 65536 }, () => {})", /RangeError: port is 65536: give a whole number from 0 to 65535/],
      [`serve({ port: "80" }, () => {})`, /TypeError: port is a string: give a number/],
      [`serve({ hostname: "127.0.0.1" }, () => {})`, /TypeError: where to listen/],
      [
        `serve({ name: "web", hostname: "127.0.0.1" }, () => {})`,
        /TypeError: the hostname 127\.0\.0\.1 goes with a port/,
      ],
    ] as const)
      assert.match((await t.run(`globalThis.__godwit.exports.${call}`, MAY_LISTEN)).stderr, told, call);
  });

  test("an address that was not given, or that is none", { timeout: 60_000 }, async () => {
    const attempt = (address: string) =>
      `try { globalThis.__godwit.exports.serve(() => {}, { address: ${JSON.stringify(address)} }); } catch (e) { console.log(e.code ?? e.name, e.message); }`;
    assert.match((await t.run(attempt("127.0.0.1:0"))).stdout, /^EACCES .*--allow-listen=127\.0\.0\.1:0/);
    assert.match((await t.run(attempt("nonsense"), MAY_LISTEN)).stdout, /^EINVAL /);
  });

  /** Counts, and tells of itself: `/wait` is answered at the next `/go`. */
  const COUNTING = `(request) => {
    globalThis.count = (globalThis.count ?? 0) + 1;
    switch (new URL(request.url).pathname) {
      case "/fork": { const pid = fork(); if (pid === 0) { console.log("child at http://" + server.address + "/"); return new Response("from the child"); } return new Response(String(pid)); }
      case "/wait": console.log("waiting"); return new Promise((resolve) => { globalThis.go = resolve; });
      case "/go": globalThis.go?.(new Response("gone")); return new Response("went");
      case "/where": return new Response(server.address);
      default: return new Response(String(globalThis.count));
    }
  }`;

  test("what is restored from an image serves on, at its own address", { timeout: 60_000 }, async () => {
    const telling = `onListen: (server) => onSignal("SIGUSR1", () => console.log("now at http://" + server.address + "/"))`;
    const site = await start(t, COUNTING, telling);
    assert.equal((await ask(site.url)).text, "1");
    const waiting = ask(new URL("/wait", site.url).href);
    await site.process.printed("waiting");
    const image = await t.node.checkpoint(site.process.pid);
    // The original goes on, with what was in flight.
    assert.equal((await ask(new URL("/go", site.url).href)).text, "went");
    assert.equal((await waiting).text, "gone");
    assert.equal((await ask(site.url)).text, "4");
    assert.equal(await stopped(site, t), "");

    const pid = await t.node.restore(image, { capabilities: { listen: "all" } });
    const restored = { process: t.watch(pid), url: "" };
    await t.node.signal(pid, "SIGUSR1");
    const url = (await restored.process.match(/now at (\S+)\n/))[1] ?? "";
    assert.equal((await ask(url)).text, "3");
    assert.equal((await ask(new URL("/go", url).href)).text, "went");
    assert.equal(`http://${(await ask(new URL("/where", url).href)).text}/`, url);
    assert.equal((await ask(url)).text, "6");
    assert.equal(await stopped(restored, t), "");
  });

  test("a fork's child serves too; the parent keeps its connections", { timeout: 60_000 }, async () => {
    const site = await start(t, COUNTING);
    const child = Number((await ask(new URL("/fork", site.url).href)).text);
    const watched = t.watch(child);
    const url = (await watched.match(/child at (\S+)\n/))[1] ?? "";
    assert.equal((await ask(url)).text, "2");
    assert.equal((await ask(url)).text, "3");
    assert.equal((await ask(site.url)).text, "2");
    assert.equal(await stopped({ process: watched, url }, t), "");
    assert.equal(await stopped(site, t), "");
  });

  describe("under stress", () => {
    test("answers are the same", { timeout: 200_000 }, async () => {
      const paths = ["/json?q=1", "/echo", "/cookies", "/none", "/stream", "/form", "/status"];
      const results: unknown[] = [];
      for (const stress of [undefined, { every: 13, at: "call" } as const]) {
        const site = await start(t, SITE, "", stress === undefined ? {} : { stress });
        const seen: unknown[] = [];
        for (const path of paths) {
          const options = {
            method: "POST",
            headers: { "content-type": "application/x-www-form-urlencoded" },
          };
          const { status, text, headers } = await ask(new URL(path, site.url).href, options, "a=1&b=%C3%BC");
          seen.push([path, status, text, headers["set-cookie"], headers["content-type"]]);
        }
        results.push(seen);
        assert.equal(await stopped(site, t), "");
      }
      assert.deepEqual(results[1], results[0]);
    });
  });
});
