/** What can go wrong while a connection is given to another node: nobody hangs, nothing is lost, and nothing is left open. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { until } from "../cluster/condition.ts";
import { RawClient } from "../node/raw-client.ts";
import { connectionsOf, isRunning, Launched } from "./launched.ts";

const SITE = (name: string) => `serve((request) => new Response("${name}"), { address: "service:web" });`;
const REQUEST = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

describe("a connection that is given to a node", { timeout: 120_000 }, () => {
  let nodes: Launched;
  let taker: number;
  beforeEach(async () => {
    nodes = await Launched.start(["front", "b"]);
    await nodes.serve("b", SITE("b"));
    taker = await nodes.hostPid("b");
  });
  afterEach(async () => {
    try {
      process.kill(taker, "SIGCONT");
    } catch {
      // it has ended
    }
    await nodes.stop();
  });

  /** Lets one connection come through, so that all is set up between the two. */
  async function ready(address: string): Promise<void> {
    const client = await RawClient.connect(address);
    client.send(REQUEST);
    await client.seen(/\r\n\r\nb$/);
    client.socket.destroy();
    await until(
      "it is over",
      async () => (await nodes.control.services())[0]?.fronts[0]?.connections?.at["b"] === undefined,
    );
  }

  /** Connections that the front's node and the launcher have. */
  async function open(port: number): Promise<readonly [number, number]> {
    return [connectionsOf(await nodes.hostPid("front"), port), connectionsOf(process.pid, port)];
  }

  test("which stands still: it is served where it came in, once, also when that node goes on", async () => {
    const front = await nodes.front("front");
    await ready(front.address);
    await nodes.serve("front", SITE("front"));
    const port = Number(new URL(front.address).port);
    process.kill(taker, "SIGSTOP");
    // More than may be under way at once; of each two one is for the node that stands still.
    const clients = await Promise.all(Array.from({ length: 600 }, () => RawClient.connect(front.address)));
    for (const client of clients) client.send(REQUEST);
    await Promise.all(clients.map((client) => client.seen(/\r\n\r\nfront$/)));
    process.kill(taker, "SIGCONT");
    const isLetGo = () => connectionsOf(process.pid, port) === 0 && connectionsOf(taker, port) === 0;
    await until("b has let go of all that it was passed", isLetGo, 30_000);
    for (const client of clients) client.send(REQUEST);
    await until("all are answered again", () => clients.every(({ statuses }) => statuses.length === 2), 30_000);
    assert.equal((await open(port))[0], 600);
    for (const client of clients) client.socket.destroy();
    await until("nothing is left open", async () => (await open(port))[0] === 0);
    await until("and counted", async () => (await nodes.passed(front)).at["front"] === 0);
    // It is given connections again.
    await until("b takes one", async () => {
      const client = await RawClient.connect(front.address);
      client.send(REQUEST);
      await client.seen(/\r\n\r\n(front|b)$/);
      client.socket.destroy();
      return client.text.endsWith("b");
    });
  });

  test("which dies before it has taken it: it is served where it came in", async () => {
    const front = await nodes.front("front");
    await ready(front.address);
    await nodes.serve("front", SITE("front"));
    const port = Number(new URL(front.address).port);
    process.kill(taker, "SIGSTOP");
    const clients = await Promise.all(Array.from({ length: 40 }, () => RawClient.connect(front.address)));
    for (const client of clients) client.send(REQUEST);
    await until("some are under way", async () => ((await nodes.passed(front)).at["b"] ?? 0) > 0);
    process.kill(taker, "SIGKILL");
    await Promise.all(clients.map((client) => client.seen(/\r\n\r\nfront$/)));
    await until("the launcher has let go of them", () => connectionsOf(process.pid, port) === 0);
    assert.equal((await open(port))[0], 40);
    for (const client of clients) client.socket.destroy();
    await until("nothing is left open", async () => (await open(port))[0] === 0);
  });

  test("whose giver dies before it has let go: the taker goes on with it", async () => {
    // The head is read for the choice, and goes along.
    const front = await nodes.front("front", { policy: "content:/other=other" });
    await ready(front.address);
    const giver = await nodes.hostPid("front");
    const port = Number(new URL(front.address).port);
    process.kill(taker, "SIGSTOP");
    const client = await RawClient.connect(front.address);
    client.send(REQUEST);
    await until("it is under way", async () => ((await nodes.passed(front)).at["b"] ?? 0) > 0);
    // The launcher, which is this process, has passed it on: its copy is closed when that is done.
    await until("the launcher has passed it on", () => connectionsOf(process.pid, port) === 0);
    process.kill(giver, "SIGKILL");
    await until("the giver is gone", () => !isRunning(giver));
    process.kill(taker, "SIGCONT");
    await client.seen(/\r\n\r\nb$/);
    client.send(REQUEST);
    await until("again", () => client.statuses.length === 2);
    client.socket.destroy();
    await until("nothing is left open", () => connectionsOf(taker, port) === 0);
  });

  test("with a client that leaves meanwhile is nobody's in the end", async () => {
    const front = await nodes.front("front");
    await ready(front.address);
    const port = Number(new URL(front.address).port);
    process.kill(taker, "SIGSTOP");
    const client = await RawClient.connect(front.address);
    client.send(REQUEST);
    client.socket.resetAndDestroy();
    process.kill(taker, "SIGCONT");
    await until("nothing is left open", async () => (await open(port))[0] === 0 && connectionsOf(taker, port) === 0);
    await until("nor counted", async () => {
      const { at } = await nodes.passed(front);
      return at["front"] === 0 && at["b"] === undefined;
    });
  });
});
