/** Nodes that have connections of another's front are drained, and processes are moved, under load: no client sees an error. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import autocannon from "autocannon";
import type { ClusterControl } from "../../src/abi/control.ts";
import { until } from "../cluster/condition.ts";
import { RawClient } from "../node/raw-client.ts";
import { isRunning, Launched } from "./launched.ts";

const SITE = `serve((request) => new Response("answer"), { address: "service:web" });`;
const CONNECTIONS = 6;

/** Every third answer takes longer, so that those behind it on a connection are ready before. */
const ITEMS = `serve(async (request) => {
  const item = Number(new URL(request.url).pathname.slice(1));
  if (item % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 3));
  return new Response("item " + item);
}, { address: "service:web" });`;
const ITEMS_COUNT = 32;
/** After a drain. */
const ANSWERS_MORE = 1000;

/** Loads a URL until it is stopped, which resolves to what came of it: each answer is to be that of its request. */
function load(url: string, pipelining: number) {
  let told: (result: autocannon.Result) => void = () => {};
  const result = new Promise<autocannon.Result>((resolve) => (told = resolve));
  const wrong: string[] = [];
  let answered = 0;
  const requests = Array.from({ length: ITEMS_COUNT }, (_, item) => ({
    path: `/${item}`,
    onResponse: (_status: number, body: string) => {
      answered++;
      if (body !== `item ${item}`) wrong.push(`item ${item} was answered: ${body}`);
    },
  }));
  const options = { url, connections: CONNECTIONS, pipelining, duration: 100, requests };
  const running = autocannon(options, (_error, all) => told(all));
  const stop = async () => {
    running.stop();
    const { errors, timeouts, non2xx, resets } = await result;
    return { errors, timeouts, non2xx, resets, wrong: wrong.slice(0, 3) };
  };
  return { stop, answered: () => answered };
}

async function isGone(control: ClusterControl, node: string): Promise<boolean> {
  return (await control.nodes()).every(({ name }) => name !== node);
}

for (const pipelining of [1, 4])
  describe(`a drain with ${pipelining} requests at once on each connection`, { timeout: 120_000 }, () => {
    let nodes: Launched;
    before(async () => {
      nodes = await Launched.start(["front", "b", "c"]);
    });
    after(() => nodes.stop());

    test("no client sees an error", async () => {
      const { control } = nodes;
      const pids = [await nodes.serve("b", ITEMS), await nodes.serve("c", ITEMS)];
      const front = await nodes.front("front");
      const { stop, answered } = load(front.address, pipelining);
      await until("connections are at both", async () => {
        const { at } = await nodes.passed(front);
        return (at["b"] ?? 0) > 0 && (at["c"] ?? 0) > 0;
      });
      // Away from those that have the connections, and back.
      for (const node of ["c", "b", "front", "b"]) {
        const { outcome, reason } = await control.migrate(pids[0] ?? 0, node);
        assert.equal(outcome, "moved", reason);
      }
      const drained = await nodes.hostPid("b");
      const report = await control.drain("b");
      assert.deepEqual(report.left, []);
      // Connections on which there is always something under way stay; the others are given on while they are in use.
      if (pipelining === 1)
        await until(
          "its connections are others'",
          async () => (await nodes.passed(front)).at["b"] === undefined,
          30_000,
        );
      const sofar = answered();
      await until("it goes on", () => answered() > sofar + ANSWERS_MORE, 60_000);
      assert.deepEqual(await stop(), { errors: 0, timeouts: 0, non2xx: 0, resets: 0, wrong: [] });
      await until("the node has gone", () => isGone(control, "b"), 30_000);
      await until("and ended", () => !isRunning(drained), 30_000);
    });
  });

describe("connections of a node that is drained", { timeout: 120_000 }, () => {
  let nodes: Launched;
  before(async () => {
    nodes = await Launched.start(["front", "b", "c"]);
  });
  after(() => nodes.stop());

  test("that are idle, new, or in the middle of a request", async () => {
    const { control } = nodes;
    await nodes.serve("b", SITE);
    const front = await nodes.front("front");
    const clients = await Promise.all(Array.from({ length: 3 }, () => RawClient.connect(front.address)));
    const [idle, fresh, middle] = clients;
    assert.ok(idle !== undefined && fresh !== undefined && middle !== undefined);
    idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await idle.seen(/answer$/);
    middle.send("GET / HTTP/1.1\r\nHo");
    await until("b has them", async () => (await nodes.passed(front)).at["b"] === 3);
    assert.deepEqual((await control.drain("b")).left, []);
    await until("two are others'", async () => (await nodes.passed(front)).at["b"] === 1);
    middle.send("st: x\r\n\r\n");
    await middle.seen(/answer$/);
    // Between two requests it can go.
    await until("b has gone", () => isGone(control, "b"), 30_000);
    for (const client of clients) {
      const before = client.text.length;
      client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      await until("it is answered", () => client.text.length > before && client.text.endsWith("answer"));
      client.socket.destroy();
    }
  });

  test("and a front whose node is drained: its clients go on at the others", async () => {
    const { control } = nodes;
    const front = await nodes.front("front", { address: "http://127.0.0.1:0", policy: "local" });
    await nodes.serve("front", SITE);
    const client = await RawClient.connect(front.address);
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await client.seen(/answer$/);
    assert.equal((await nodes.passed(front)).kept, 1);
    await control.drain("front");
    await control.unexpose("web");
    await until("the front's node has gone", () => isGone(control, "front"), 30_000);
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await until("it is answered", () => client.text.split("answer").length === 3);
    client.socket.destroy();
  });
});
