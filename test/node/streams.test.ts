/** `listen`: raw streams, between programs in guests and clients over real connections. */

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import type { SpawnOptions } from "../../src/abi/control.ts";
import { CHANNEL_WINDOW_BYTES } from "../../src/limits.ts";
import { type Started, type TestNode, withNode } from "./bench-node.ts";

const MAY_LISTEN = { capabilities: { listen: "all" } } as const;
const LISTENING = `const { listen } = globalThis.__godwit.exports;
const listener = listen({ address: "127.0.0.1:0" });
console.log("at " + listener.address + " ");\n`;
/** A thread for each connection, which blocks. */
const THREADED = `${LISTENING}
for (const connection of listener)
  Thread.create(() => {
    for (const bytes of connection) connection.write(bytes);
    connection.close();
  });`;
/** All on the event loop. */
const AWAITED = `${LISTENING}
async function echo(connection) {
  for await (const bytes of connection) await connection.writeAsync(bytes);
  connection.close();
}
for await (const connection of listener) echo(connection);`;
/** By the web's streams. */
const PIPED = `${LISTENING}
for await (const connection of listener) connection.readable.pipeTo(connection.writable);`;

interface Site {
  readonly process: Started;
  readonly port: number;
}

async function start(t: TestNode, source: string, options: Partial<SpawnOptions> = {}): Promise<Site> {
  const process = await t.start(source, { ...MAY_LISTEN, ...options });
  const port = Number((await process.match(/at 127\.0\.0\.1:(\d+) /))[1]);
  return { process, port };
}

async function client(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}

async function readAll(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of socket as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Sends it and an end; what came back up to the other end. */
async function exchange(port: number, bytes: string | Buffer): Promise<Buffer> {
  const socket = await client(port);
  socket.end(bytes);
  return readAll(socket);
}

async function kill(t: TestNode, { process }: Site): Promise<string> {
  await t.node.signal(process.pid, "SIGKILL");
  return (await process.ended).stderr;
}

const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

await withNode({ lwps: 2 }, (t) => {
  for (const [name, source] of Object.entries({ THREADED, AWAITED, PIPED })) {
    test(`echoes, ${name.toLowerCase()}: many clients at once, each its own bytes, to both ends`, async () => {
      const site = await start(t, source);
      const sent = Array.from({ length: 20 }, (_, index) => randomBytes(index * 10_000));
      const got = await Promise.all(sent.map((bytes) => exchange(site.port, bytes)));
      assert.deepEqual(got.map(digest), sent.map(digest));
      assert.equal(await kill(t, site), "");
    });
  }

  test("says who is connected, reads no more than is asked, and tells a timeout from an end", async () => {
    const site = await start(
      t,
      `const { listen } = globalThis.__godwit.exports;
      const listener = listen({ address: "127.0.0.1:0" });
      console.log(listener.accept({ timeoutMs: 1 }));
      console.log("at " + listener.address + " ");
      using connection = listener.accept();
      console.log(connection.local === listener.address, connection.protocol, connection.serverName, connection.remote);
      console.log(connection.read(1, { timeoutMs: 1 }));
      connection.write("ready");
      const read = (...args) => String.fromCharCode(...connection.read(...args));
      console.log(read(2), read(1), read());
      console.log(connection.read(), connection.read(10, { timeoutMs: 0 }));
      connection.write("and ");
      connection.write(new Uint8Array([98, 121, 101]));
      connection.end();
      connection.end();
      try { connection.write("x"); } catch (error) { console.log(error.code); }
      for (const bad of [0, -1, NaN]) try { connection.read(bad); } catch (error) { console.log(error.name); }`,
    );
    const socket = await client(site.port);
    const { localPort } = socket;
    assert.equal(String((await once(socket, "data"))[0]), "ready");
    socket.end("abcdef");
    assert.equal(String(await readAll(socket)), "and bye");
    const { stdout, stderr, status } = await site.process.ended;
    assert.equal(stderr, "");
    assert.equal(status.code, 0);
    assert.deepEqual(stdout.split("\n").slice(2, -1), [
      `true tcp undefined 127.0.0.1:${localPort}`,
      "undefined",
      "ab c def",
      "null null",
      "EPIPE",
      ...Array.from({ length: 3 }, () => "RangeError"),
    ]);
  });

  test("what was written before a close, or before the end of the process, reaches a client that is slow", async () => {
    const site = await start(
      t,
      `${LISTENING}
      const connection = listener.accept();
      for (let sent = 0; sent < 6; sent++) connection.write(new Uint8Array(32768).fill(sent));
      connection.close();
      exit(0);`,
    );
    const socket = await client(site.port);
    await site.process.ended;
    const bytes = await readAll(socket);
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5].map((index) => bytes[index * 32768]),
      [0, 1, 2, 3, 4, 5],
    );
    assert.equal(bytes.length, 6 * 32768);
  });

  test("a process that ends, or resets, without an end is a reset to its client", async () => {
    for (const ending of ["exit(0)", "connection.reset(); listener.accept()"]) {
      const site = await start(t, `${LISTENING} const connection = listener.accept(); connection.read(); ${ending};`);
      const socket = await client(site.port);
      socket.write("x");
      const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
      assert.equal(error.code, "ECONNRESET", ending);
      await kill(t, site).catch(() => {}); // it has ended, in one case
    }
  });

  test("a client's reset ends who reads and who writes, and those alone", async () => {
    const site = await start(
      t,
      `${LISTENING}
      for (let count = 0; count < 2; count++) {
        const connection = listener.accept();
        connection.write("hello");
        const reader = Thread.create(() => {
          try { for (;;) connection.read(); } catch (error) { return "read " + error.code; }
        });
        const writer = Thread.create(() => {
          try { for (;;) connection.write(new Uint8Array(100_000)); } catch (error) { return "write " + error.code; }
        });
        console.log(reader.join(), writer.join());
        try { connection.read(); } catch (error) { console.log("again " + error.code); }
        connection.close();
      }
      const last = listener.accept();
      for (const bytes of last) last.write(bytes);
      last.close();`,
    );
    for (let count = 0; count < 2; count++) {
      const socket = await client(site.port);
      await once(socket, "data");
      socket.resetAndDestroy();
    }
    await site.process.match(/(read ECONNRESET write ECONNRESET\nagain ECONNRESET\n){2}/);
    assert.equal(String(await exchange(site.port, "still here")), "still here");
    assert.equal((await site.process.ended).stderr, "");
  });

  test("a client that writes and writes is slowed by a guest that does not read, and nothing is lost", async () => {
    const site = await start(
      t,
      `${LISTENING}
      const connection = listener.accept();
      stdin.readLine();
      let total = 0, sum = 0;
      for (const bytes of connection) { total += bytes.length; for (const byte of bytes) sum = (sum * 31 + byte) % 65521; }
      connection.close();
      console.log("total " + total + " sum " + sum);`,
    );
    const socket = await client(site.port);
    const sent = randomBytes(64 * 2 ** 20);
    socket.end(sent);
    // It comes to a stand when the guest's window and the system's buffers are full.
    let before = -1;
    while (before !== socket.bytesWritten - socket.writableLength) {
      before = socket.bytesWritten - socket.writableLength;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    assert.ok(socket.writableLength > sent.length / 2, `${socket.writableLength} bytes wait at the client`);
    await t.node.input(site.process.pid, Buffer.from("go\n"));
    let sum = 0;
    for (const byte of sent) sum = (sum * 31 + byte) % 65521;
    await site.process.printed(`total ${sent.length} sum ${sum}`);
    await site.process.ended;
  });

  test("a guest that writes and writes waits for a client that does not read, in the blocking and the awaiting way", async () => {
    for (const write of ["connection.write(piece)", "await connection.writeAsync(piece)"]) {
      const site = await start(
        t,
        `${LISTENING}
        const connection = listener.accept();
        const piece = new Uint8Array(32768);
        let written = 0;
        Thread.create(() => { stdin.readLine(); console.log("written " + written); }, { daemon: true });
        while (written < 64 * 2 ** 20) { piece.fill(written / 32768); ${write}; written += piece.length; }
        connection.close();`,
      );
      const socket = await client(site.port);
      socket.pause();
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      await t.node.input(site.process.pid, Buffer.from("how far\n"));
      const written = Number((await site.process.match(/written (\d+)/))[1]);
      assert.ok(
        written < 32 * 2 ** 20 && written >= CHANNEL_WINDOW_BYTES,
        `${written} bytes were taken from the guest`,
      );
      const bytes = await readAll(socket);
      assert.equal(bytes.length, 64 * 2 ** 20);
      for (let index = 0; index < bytes.length / 32768; index++) assert.equal(bytes[index * 32768], index % 256);
      assert.equal((await site.process.ended).stderr, "");
    }
  });

  for (const { stress, sizeBytes } of [
    { stress: { every: 11, at: "call" }, sizeBytes: 70_000 },
    { stress: { every: 1, at: "poll" }, sizeBytes: 2 ** 20 },
  ] as const) {
    test(`random bytes there and back, into a fresh instance at every ${stress.every}. ${stress.at}`, async () => {
      for (const source of [THREADED, AWAITED]) {
        const site = await start(t, source, { stress });
        const sent = [randomBytes(sizeBytes), ...(stress.at === "poll" ? [randomBytes(sizeBytes / 2)] : [])];
        const got = await Promise.all(sent.map((bytes) => exchange(site.port, bytes)));
        assert.deepEqual(got.map(digest), sent.map(digest));
        assert.equal(await kill(t, site), "");
      }
    });
  }

  test("a closed listener ends its loops, and its connections go on", async () => {
    const site = await start(
      t,
      `${LISTENING}
      const connections = [];
      const thread = Thread.create(() => { for (const one of listener) connections.push(one); return "closed"; });
      while (connections.length < 1) sleep(1);
      listener.close();
      console.log(thread.join());
      try { listener.accept(); } catch (error) { console.log(error.code); }
      connections[0].write("late");
      connections[0].close();`,
    );
    const socket = await client(site.port);
    assert.equal(String(await readAll(socket)), "late");
    assert.equal((await site.process.ended).stdout.split("\n").slice(1).join(" "), "closed ECANCELED ");
    await assert.rejects(client(site.port), { code: "ECONNREFUSED" });
  });

  test("a fork's child accepts at an address of its own, or in turn at the same, and loses its parent's connections", async () => {
    const port = (await freePort()).toString();
    const site = await start(
      t,
      `const { listen } = globalThis.__godwit.exports;
      const listener = listen({ address: "127.0.0.1:${port}" });
      console.log("at " + listener.address + " ");
      const connection = listener.accept();
      connection.write("a");
      const child = fork();
      if (child === 0) {
        let code = "";
        try { connection.read(); } catch (error) { code = error.code; }
        console.log("child: " + code + " " + listener.address + " ");
      }
      for (const next of listener) { next.write(child === 0 ? "child" : "parent"); next.close(); }`,
    );
    const first = await client(site.port);
    await once(first, "data");
    await site.process.match(/child: ECONNRESET 127\.0\.0\.1:\d+ /);
    const answers = new Set<string>();
    // What a client left open counts for who is less busy.
    for (let count = 0; count < 200 && answers.size < 2; count++) answers.add(String(await exchange(site.port, "")));
    first.destroy();
    assert.ok(answers.has("child"));
    await t.node.signal(site.process.pid, "SIGKILL");
    for (const { pid } of await t.node.list()) await t.node.signal(pid, "SIGKILL").catch(() => {});
  });

  test("what is restored from an image listens on its own, and its connections are lost", async () => {
    const site = await start(
      t,
      `const { listen } = globalThis.__godwit.exports;
      const listener = listen({ address: "127.0.0.1:0" });
      const socket = listen({ address: "127.0.0.1:0", transport: "udp" });
      console.log("at " + listener.address + " ");
      const connection = listener.accept();
      connection.write("before");
      try { connection.read(); } catch (error) { console.log("lost: " + error.code); }
      connection.close();
      const mine = socket.address;
      console.log("now at " + listener.address + " and " + mine + " ");
      socket.send("to itself", mine);
      console.log("heard " + socket.receive({ timeoutMs: 60_000 }).data.length);
      for (const next of listener) { next.write("after"); next.close(); }`,
      { capabilities: { listen: "all", net: "all" } },
    );
    const first = await client(site.port);
    await once(first, "data");
    const image = await t.node.checkpoint(site.process.pid);
    const restored = t.watch(await t.node.restore(image, { capabilities: { listen: "all", net: "all" } }));
    await restored.printed("lost: ECONNRESET");
    const port = Number((await restored.match(/now at 127\.0\.0\.1:(\d+) and 127\.0\.0\.1:\d+ /))[1]);
    await restored.printed("heard 9");
    assert.notEqual(port, site.port);
    assert.equal(String(await exchange(port, "")), "after");
    // The one that it was made of goes on.
    first.end();
    await site.process.printed("now at");
    assert.equal(String(await exchange(site.port, "")), "after");
    await t.node.signal(restored.pid, "SIGKILL");
    assert.equal((await restored.ended).stderr, "");
    assert.equal(await kill(t, site), "");
  });

  test("an address is a capability, and a service's name is an address", async () => {
    const refused = await t.run(
      `const { listen, serve } = globalThis.__godwit.exports;
      const attempts = {
        other: () => listen({ address: "127.0.0.1:0" }),
        otherUdp: () => listen({ address: "127.0.0.1:2", transport: "udp" }),
        otherService: () => listen({ name: "other" }),
        otherServed: () => serve(() => new Response(), { name: "other" }),
        noName: () => listen({ name: "Not a name" }),
        both: () => listen({ name: "web", address: "127.0.0.1:0" }),
        neither: () => listen({}),
        transport: () => listen({ address: "127.0.0.1:1", transport: "sctp" }),
        otherPort: () => listen({ port: 2 }),
        otherHost: () => listen({ port: 1, hostname: "127.0.0.2" }),
        otherPortServed: () => serve({ port: 2 }, () => new Response()),
        addressAndPort: () => listen({ port: 1, address: "127.0.0.1:1" }),
        hostAlone: () => listen({ hostname: "127.0.0.1" }),
        hostOfAddress: () => listen({ address: "127.0.0.1:1", hostname: "127.0.0.1" }),
        portAsText: () => listen({ port: "1" }),
        ports: () => [-1, 65536, 1.5, NaN].map((port) => { try { listen({ port }); } catch (error) { return error; } })
          .forEach((error) => { if (error?.name !== "RangeError") throw new Error("port"); }),
      };
      const codes = {};
      for (const [name, attempt] of Object.entries(attempts))
        try { attempt(); } catch (error) { codes[name] = error.code ?? error.name; }
      console.log(JSON.stringify(codes));`,
      { capabilities: { listen: ["127.0.0.1:1", "service:web"] } },
    );
    assert.deepEqual(JSON.parse(refused.stdout), {
      other: "EACCES",
      otherUdp: "EACCES",
      otherService: "EACCES",
      otherServed: "EACCES",
      noName: "EINVAL",
      both: "TypeError",
      neither: "TypeError",
      transport: "TypeError",
      otherPort: "EACCES",
      otherHost: "EACCES",
      otherPortServed: "EACCES",
      addressAndPort: "TypeError",
      hostAlone: "TypeError",
      hostOfAddress: "TypeError",
      portAsText: "TypeError",
    });
  });
});

async function freePort(): Promise<number> {
  const { createServer } = await import("node:net");
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
