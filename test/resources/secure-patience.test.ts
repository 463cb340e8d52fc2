/** Clients of HTTP/1.1 over TLS: those that are slow or idle, and a server that is let go. It is as without TLS. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { test, type TestContext } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { foundCluster, identify } from "../../src/cluster/identity-authority.ts";
import { HTTP1_IDLE_MS } from "../../src/limits.ts";
import { wholeFrame } from "../../src/resources/frame.ts";
import { Listeners } from "../../src/resources/listener.ts";
import { until, within } from "../cluster/condition.ts";

const { certificate, key } = await identify(await foundCluster(), "localhost");
const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/** A server that answers at once. */
async function listen(t: TestContext, headTimeoutMs: number) {
  let address = "";
  const line = { push: () => true, break: () => {} };
  const listeners = new Listeners({ headTimeoutMs, idleMaxMs: 30_000 });
  const server = await listeners.join(
    "127.0.0.1:0",
    line,
    (_frame, drive) => {
      const driver = drive(line);
      const head = { status: 200, statusText: "", headers: [] };
      setImmediate(() => void driver.take(wholeFrame(head, Buffer.from("answer"))));
    },
    { credentials: { certificate, key }, listening: (at) => (address = at) },
  );
  t.after(() => server.close());
  return { server, port: Number(address.slice(address.lastIndexOf(":") + 1)) };
}

class Client {
  readonly socket: TLSSocket;
  text = "";
  readonly closed: Promise<unknown>;

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once("close", resolve));
    socket.setEncoding("latin1").on("data", (text: string) => (this.text += text));
    socket.on("error", () => {});
  }

  static async connect(t: TestContext, port: number): Promise<Client> {
    const client = new Client(connect({ host: "127.0.0.1", port, rejectUnauthorized: false }));
    t.after(() => void client.socket.destroy());
    await once(client.socket, "secureConnect");
    return client;
  }

  async ask(): Promise<void> {
    const answers = this.text.split("answer").length;
    this.socket.write(GET);
    await until("it is answered", () => this.text.split("answer").length > answers);
  }
}

test("a head that does not come to its end is waited for so long and no longer", { timeout: 60_000 }, async (t) => {
  const { port } = await listen(t, 300);
  const client = await Client.connect(t, port);
  client.socket.write(GET.slice(0, -2));
  await within("the end", client.closed, 20_000);
  assert.match(client.text, /^HTTP\/1\.1 408 /);
});

test("a connection that is idle after an answer is closed", { timeout: 60_000 }, async (t) => {
  const { port } = await listen(t, 30_000);
  const client = await Client.connect(t, port);
  await client.ask();
  await within("the end", client.closed, HTTP1_IDLE_MS + 20_000);
});

test("a server that is let go answers what still comes over its connections", { timeout: 60_000 }, async (t) => {
  const { server, port } = await listen(t, 30_000);
  const client = await Client.connect(t, port);
  await client.ask();
  const retired = server.retire();
  await assert.rejects(Client.connect(t, port), { code: "ECONNREFUSED" });
  await client.ask();
  assert.match(client.text, /connection: close/i);
  await within("the end", Promise.all([client.closed, retired]));
});
