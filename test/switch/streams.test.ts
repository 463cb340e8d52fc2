/** Raw streams over fronts: both ends of both sides, what is held back, and what goes on while processes and their homes move. */

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { connect as connectSecurely } from "node:tls";
import { foundCluster, identify } from "../../src/cluster/identity-authority.ts";
import type { ClusterMember } from "../../src/node/cluster-member.ts";
import { until } from "../cluster/condition.ts";
import { withMembers } from "../node/bench-members.ts";
import { echoOf, startServer } from "./served.ts";

const LISTENING = `const { listen, exit } = globalThis.__godwit.exports;\n`;
const authority = await foundCluster();
const { certificate, key } = await identify(authority, "localhost");
const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

type Scheme = "tcp" | "tls";

async function front(at: ClusterMember, service: string, scheme: Scheme, policy = "least-loaded"): Promise<number> {
  const secrets = scheme === "tls" ? { certificate, key } : {};
  const { address } = await at.own.expose({ service, address: `${scheme}://127.0.0.1:0`, policy, ...secrets });
  return Number(/^\w+:\/\/127\.0\.0\.1:(\d+)$/.exec(address)?.[1]);
}

/** @param connected what carries the client's stream, which TLS cannot reset. */
async function client(
  port: number,
  scheme: Scheme = "tcp",
  servername = "localhost",
  connected: (connection: Socket) => void = () => {},
): Promise<Socket> {
  const connection = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  connected(connection);
  if (scheme === "tcp") {
    await once(connection, "connect");
    return connection;
  }
  const options = { socket: connection, ca: authority.ca, servername, checkServerIdentity: () => undefined };
  const socket = connectSecurely(options);
  await once(socket, "secureConnect");
  return socket;
}

/** Up to the other side's end; this one's stays open. */
function readAll(socket: Socket, passed: (bytes: number) => void = () => {}): Promise<Buffer> {
  const pieces: Buffer[] = [];
  return new Promise((resolve, reject) => {
    socket.on("data", (piece: Buffer) => {
      pieces.push(piece);
      passed(piece.length);
    });
    socket.on("end", () => resolve(Buffer.concat(pieces))).on("error", reject);
    socket.resume();
  });
}

/** Keeps what a process says on its standard error. */
function heard(at: ClusterMember, pid: number): { text: string } {
  const all = { text: "" };
  at.own.output(pid, true, (_, bytes) => {
    all.text += Buffer.from(bytes).toString();
  });
  return all;
}

/** How a connection ends for its client. */
async function ending(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
    socket.on("end", () => resolve("end"));
    socket.resume();
  });
}

await withMembers(["front", "b", "c"], (t) => {
  const all = () => ["front", "b", "c"].map((name) => t.get(name));

  for (const scheme of ["tcp", "tls"] as const)
    test(`${scheme}: every byte both ways while the process moves, and its home`, { timeout: 180_000 }, async () => {
      const pid = await startServer(t.get("b"), echoOf("echo"), { service: "echo", seenBy: all() });
      const port = await front(t.get("front"), "echo", scheme);
      const idle = await client(port, scheme);
      const sent = Array.from({ length: 3 }, () => randomBytes(4 * 2 ** 20));
      const moves = ["c", "front", "b", "front", "c", "b"];
      let [at, passed] = ["b", 0];
      let moving = Promise.resolve();
      /** Its process goes, and its home after it; in the middle of everything. */
      const move = (to: string) => {
        moving = moving.then(async () => {
          const { outcome, reason } = await t.get(at).control.migrate(pid, to);
          assert.equal(outcome, "moved", reason);
          await t.get(at).cluster.handHome([t.get(at).cluster.node.table.living(pid)], to);
          at = to;
        });
      };
      const exchange = async (bytes: Buffer) => {
        const socket = await client(port, scheme);
        socket.end(bytes);
        return readAll(socket, (length) => {
          passed += length;
          if (passed < (7 - moves.length) * 1_500_000) return;
          const to = moves.shift();
          if (to !== undefined) move(to);
        });
      };
      const got = await Promise.all(sent.map(exchange));
      assert.deepEqual(got.map(digest), sent.map(digest));
      await moving;
      assert.equal(moves.length, 0, "it was moved as often as was meant");
      idle.end("still here");
      assert.equal(String(await readAll(idle)), "still here");
      await t.get("front").own.unexpose("echo");
      await t.get(at).own.signal(pid, "SIGKILL");
    });

  test("half-closed by either side first, and who is connected", { timeout: 60_000 }, async () => {
    const pid = await startServer(
      t.get("b"),
      `${LISTENING}
      for (const connection of listen({ name: "polite" }))
        Thread.create(() => {
          const { remote, local, protocol, serverName } = connection;
          connection.write(JSON.stringify({ remote, local, protocol, serverName }));
          connection.end();
          let length = 0;
          for (const bytes of connection) length += bytes.length;
          connection.close();
          console.error("read " + length);
        });`,
      { service: "polite", seenBy: all() },
    );
    const told = heard(t.get("b"), pid);
    for (const scheme of ["tcp", "tls"] as const) {
      const port = await front(t.get("front"), "polite", scheme);
      const socket = await client(port, scheme, "a.example");
      const said = JSON.parse(String(await readAll(socket))) as object;
      const own = { remote: `127.0.0.1:${socket.localPort}`, local: `127.0.0.1:${port}`, protocol: scheme };
      assert.deepEqual(said, scheme === "tls" ? { ...own, serverName: "a.example" } : own);
      told.text = "";
      socket.end(Buffer.alloc(1_000_000));
      await until("all was read after the end", () => told.text.includes("read 1000000"), 30_000);
    }
    await t.get("front").own.unexpose("polite");
    await t.get("b").own.signal(pid, "SIGKILL");
  });

  test("a reset by either side is one for the other", { timeout: 60_000 }, async () => {
    const pid = await startServer(
      t.get("b"),
      `${LISTENING}
      for (const connection of listen({ name: "brusque" }))
        Thread.create(() => {
          connection.write("ready");
          if (String.fromCharCode(...connection.read()) === "reset") return connection.reset();
          connection.write("waiting");
          try { for (;;) connection.read(); } catch (error) { console.error("lost " + error.code); }
          try { for (;;) connection.write("x"); } catch (error) { console.error("lost " + error.code); }
        });`,
      { service: "brusque", seenBy: all() },
    );
    const told = heard(t.get("b"), pid);
    for (const scheme of ["tcp", "tls"] as const) {
      const port = await front(t.get("front"), "brusque", scheme);
      const reset = await client(port, scheme);
      await once(reset, "data");
      reset.write("reset");
      assert.equal(await ending(reset), "ECONNRESET", scheme);
      told.text = "";
      let carrier: Socket | undefined;
      const leaving = await client(port, scheme, "localhost", (connection) => (carrier = connection));
      const waiting = new Promise<void>((resolve) => {
        let text = "";
        leaving.on("data", (piece: Buffer) => {
          text += String(piece);
          if (text === "readywaiting") resolve();
        });
      });
      leaving.write("wait");
      await waiting;
      leaving.on("error", () => {});
      carrier?.resetAndDestroy();
      await until("the process hears of it", () => /lost E\w+\n(.|\n)*lost E\w+/.test(told.text), 30_000);
    }
    const killed = await client(await front(t.get("front"), "brusque", "tls"), "tls");
    await once(killed, "data");
    const killing = ending(killed);
    await t.get("b").own.signal(pid, "SIGKILL");
    assert.equal(await killing, "ECONNRESET");
    await t.get("front").own.unexpose("brusque");
  });

  test("who does not read holds the other back, either way", { timeout: 120_000 }, async () => {
    const pid = await startServer(
      t.get("b"),
      `${LISTENING}
      let wanted = false, written = 0;
      const listener = listen({ name: "slow" });
      const go = listener.accept();
      Thread.create(() => { go.read(); wanted = true; });
      const reading = listener.accept();
      Thread.create(() => {
        while (!wanted) sleep(5);
        let length = 0;
        for (const bytes of reading) length += bytes.length;
        reading.write(String(length));
        reading.close();
      });
      const writing = listener.accept();
      Thread.create(() => { for (;;) written += writing.write(new Uint8Array(32768)) ?? 32768; });
      for (const asking of listener) { asking.write(String(written)); asking.close(); }`,
      { service: "slow", seenBy: all() },
    );
    const port = await front(t.get("front"), "slow", "tcp");
    const go = await client(port);
    const reading = await client(port);
    const writing = await client(port);
    writing.pause();
    const piece = Buffer.alloc(65_536);
    let taken = 0;
    // What is taken of it: windows, and what the system has for a connection.
    const stopped = async (count: () => number | Promise<number>) => {
      for (let before = -1; ;) {
        const now = await count();
        if (now === before) return now;
        before = now;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    };
    const pump = setInterval(() => {
      while (reading.writableLength === 0) reading.write(piece, () => (taken += piece.length));
    }, 5);
    assert.ok((await stopped(() => taken)) < 16 * 2 ** 20, `${taken} bytes were taken that nobody reads`);
    clearInterval(pump);
    const written = await stopped(async () => Number(String(await readAll(await client(port)))));
    assert.ok(written > 0 && written < 16 * 2 ** 20, `${written} bytes were written that nobody reads`);
    const sent = reading.bytesWritten;
    reading.end();
    go.write("go");
    assert.equal(String(await readAll(reading)), String(sent));
    go.destroy();
    writing.destroy();
    await t.get("front").own.unexpose("slow");
    await t.get("b").own.signal(pid, "SIGKILL");
  });

  test("what a process wrote before it closed still comes when its home moves then", { timeout: 60_000 }, async () => {
    const pid = await startServer(
      t.get("b"),
      `${LISTENING}
      const connection = listen({ name: "last" }).accept();
      let isEnough = false, count = 0;
      Thread.create(() => {
        for (; !isEnough; count++) connection.write(new Uint8Array(32768).fill(count));
        connection.close();
        console.error("closed after " + count + ".");
      });
      for (let before = -1; before !== count; sleep(500)) before = count;
      isEnough = true;
      console.error("stuck");
      sleep(60000);`,
      { service: "last", seenBy: all() },
    );
    const told = heard(t.get("b"), pid);
    const port = await front(t.get("front"), "last", "tcp");
    const socket = await client(port);
    socket.pause();
    await until("nobody takes any more", () => told.text.includes("stuck"), 30_000);
    // Room for one more, after which it closes: what waits for the client then has no process any more.
    const pieces: Buffer[] = [];
    await until("the process has closed it", () => {
      const piece = socket.read(65_536) as Buffer | null;
      if (piece !== null) pieces.push(piece);
      return told.text.includes("closed after");
    });
    const { outcome, reason } = await t.get("b").control.migrate(pid, "c");
    assert.equal(outcome, "moved", reason);
    await t.get("b").cluster.handHome([t.get("b").cluster.node.table.living(pid)], "c");
    const bytes = Buffer.concat([...pieces, await readAll(socket)]);
    const count = Number(/closed after (\d+)\./.exec(told.text)?.[1]);
    assert.equal(bytes.length, count * 32_768);
    for (let at = 0; at < count; at++) assert.equal(bytes[at * 32_768], at & 255);
    await t.get("front").own.unexpose("last");
    await t.get("c").own.signal(pid, "SIGKILL");
  });

  test("by the name that a client of TLS asks for", { timeout: 60_000 }, async () => {
    const named = (name: string) =>
      `${LISTENING} for (const c of listen({ name: "${name}" })) { c.write("${name}"); c.close(); }`;
    await startServer(t.get("b"), named("mail"), { service: "mail", seenBy: all() });
    await startServer(t.get("c"), named("chat"), { service: "chat", seenBy: all() });
    const port = await front(t.get("front"), "mail", "tls", "content:chat.example=chat");
    const asked = async (name: string) => String(await readAll(await client(port, "tls", name)));
    assert.deepEqual([await asked("chat.example"), await asked("else.example")], ["chat", "mail"]);
  });

  test("connections wait for a process, and are reset when none comes", { timeout: 60_000 }, async () => {
    const port = await front(t.get("front"), "late", "tcp");
    const early = await client(port);
    early.end("early");
    const source = echoOf("late");
    const pid = await startServer(t.get("b"), source, { service: "late", seenBy: all() });
    assert.equal(String(await readAll(early)), "early");
    await t.get("b").own.signal(pid, "SIGKILL");
    await until("nobody serves", async () => {
      const services = await t.get("front").own.services();
      return services.find(({ name }) => name === "late")?.members.length === 0;
    });
    const vain = await client(port);
    vain.write("x");
    assert.equal(await ending(vain), "ECONNRESET");
    await assert.rejects(front(t.get("front"), "late", "tcp", "random"), { code: "EINVAL" });
    const twice = t.get("front").own.expose({ service: "other", address: `tcp://127.0.0.1:${port}` });
    await assert.rejects(twice, { code: "EADDRINUSE" });
  });
});
