/** Where connections that were given away, or come back, go in: what is known of them, and for how long. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { HANDOFF_DOOR_IDLE_MS, HANDOFF_PAPERS_MAX, HANDOFF_REPORT_MS, HANDOFF_TIMEOUT_MS } from "../../src/limits.ts";
import type { Entrance } from "../../src/resources/entrance.ts";
import { until } from "../cluster/condition.ts";
import type { RawClient } from "../node/raw-client.ts";
import { TwoNodes, untilTurn } from "./two-nodes.ts";

const REQUEST = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

function begin(t: TestContext): TwoNodes {
  const nodes = new TwoNodes();
  t.after(() => nodes.stop());
  return nodes;
}

/** A client whose connection b has, of a front of a's. */
async function away(nodes: TwoNodes, url: string): Promise<RawClient> {
  const client = await nodes.client(url);
  client.send(REQUEST);
  await client.seen(/\r\n\r\nb$/);
  return client;
}

async function ask(client: RawClient, answers: number): Promise<void> {
  client.send(REQUEST);
  await until("it is answered", () => client.statuses.length === answers);
}

test("a connection that comes back stays when the front closes, whenever it does", async (t) => {
  const nodes = begin(t);
  const { a, b } = nodes;
  const { url, door, listening } = await nodes.front();
  const [early, late] = [await away(nodes, url), await away(nodes, url)];
  a.choice = undefined;
  // One is there when the front closes, the other on its way: it has been taken, and not been let go of.
  a.byLauncher.hold();
  b.handoff.leave();
  await until("both are on their way", () => b.passed === 2);
  b.byLink.hold();
  a.byLauncher.release();
  await until("a has taken them", () => a.handoff.isInUse);
  let isRetired = false;
  void listening.retire().then(() => (isRetired = true));
  a.handoff.close(door);
  await until("the front has no connections of its own", () => isRetired);
  assert.ok(a.handoff.isInUse, "what is on its way keeps the node");
  b.byLink.release();
  for (const client of [early, late]) await ask(client, 2);
  assert.deepEqual([a.answered, b.answered], [2, 2]);
  assert.ok(a.handoff.isInUse && !b.handoff.isInUse);
  for (const client of [early, late]) client.socket.destroy();
  await until("nothing is in use", () => !a.handoff.isInUse);
});

test("a connection that has come back is not closed with the last of those that never went away", async (t) => {
  const nodes = begin(t);
  const { a, b } = nodes;
  const { url, door, listening } = await nodes.front();
  const back = await away(nodes, url);
  a.choice = undefined;
  const own = await nodes.client(url);
  await ask(own, 1);
  b.handoff.leave();
  await until("it has come back", () => door.at("a") === 2 && door.at("b") === 0);
  assert.deepEqual(door.connections.at, { a: 2 });
  const retired = listening.retire();
  a.handoff.close(door);
  own.socket.destroy();
  await retired;
  await ask(back, 2);
  assert.deepEqual(back.statuses, [200, 200]);
  assert.ok(a.handoff.isInUse);
  back.socket.destroy();
  await until("nothing is in use", () => !a.handoff.isInUse);
});

test("a connection that was being let in when its front closed keeps the node", async (t) => {
  const nodes = begin(t);
  const { a } = nodes;
  const { url, door } = await nodes.front(a, "hash:path");
  a.choice = undefined;
  const client = await nodes.client(url);
  client.send("GET / HT");
  await until("its head is waited for", () => a.handoff.isInUse);
  a.handoff.close(door);
  assert.ok(a.handoff.isInUse);
  client.send("TP/1.1\r\nHost: x\r\n\r\n");
  await client.seen(/\r\n\r\na$/);
  assert.ok(a.handoff.isInUse, "it may ask for more");
  const before = a.unused;
  client.socket.destroy();
  await until("nothing is in use, and that is told", () => !a.handoff.isInUse && a.unused > before);
});

test("what is counted of connections elsewhere stays right, and bounded, however often the policy changes", async (t) => {
  const nodes = begin(t);
  const { a } = nodes;
  const { url, door, order } = await nodes.front();
  const clients: RawClient[] = [];
  for (let at = 0; at < 3; at++) {
    clients.push(await away(nodes, url));
    a.handoff.revise(door);
  }
  assert.deepEqual(door.connections.at, { a: 0, b: 3 });
  for (const client of clients) client.socket.destroy();
  await until("they have gone", () => door.at("b") === 0);
  assert.equal(order.policy.kind, "least-loaded");
  // A paper that nobody has anything of is forgotten with the next change; of the others so many are known.
  assert.equal(door.revise({ ...door.paper, id: "first" }).length, 4);
  const forgotten: string[] = [];
  for (let at = 0; at < 2 * HANDOFF_PAPERS_MAX; at++) {
    door.count(door.paper.id, "b", 1);
    forgotten.push(...door.revise({ ...door.paper, id: String(at) }));
  }
  assert.equal(forgotten.length, HANDOFF_PAPERS_MAX);
  assert.equal(forgotten[0], "first");
  assert.equal(door.at("b"), HANDOFF_PAPERS_MAX);
  for (const id of forgotten) door.count(id, "b", -1);
  assert.equal(door.at("b"), HANDOFF_PAPERS_MAX);
});

test("a node that is drained looks for idle connections once for all answers of one turn", async (t) => {
  const nodes = begin(t);
  const { a, b } = nodes;
  const { url } = await nodes.front();
  const clients = [await away(nodes, url), await away(nodes, url), await away(nodes, url)];
  const [server] = b.adopted;
  assert.ok(server?.idleOf !== undefined);
  const { mock } = t.mock.method(server as Required<Entrance>, "idleOf");
  const listeners: (() => void)[] = [];
  server.answered = (listener) => void listeners.push(listener);
  t.mock.timers.enable({ apis: ["setInterval"] });
  a.byLink.hold(); // so they stay for now
  b.handoff.leave();
  assert.deepEqual([listeners.length, mock.callCount()], [1, 1]);
  for (let at = 0; at < 100; at++) listeners[0]?.();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(mock.callCount(), 2);
  for (const client of clients) client.socket.destroy();
});

test("a connection that is idle, is offered and not taken, is closed when it was idle for as long as any", async (t) => {
  const nodes = begin(t);
  const { a, b } = nodes;
  const { url } = await nodes.front();
  const client = await away(nodes, url);
  const [socket] = b.sockets;
  assert.ok(socket !== undefined);
  await until("its time runs", () => (socket.timeout ?? 0) > 0);
  const { timeout } = socket;
  a.handoff.leave(); // takes none
  a.byLink.hold();
  b.handoff.leave();
  assert.equal(socket.timeout, 0, "nor does it end while it is offered");
  t.mock.timers.enable({ apis: ["setInterval"] });
  a.byLink.release();
  await until("its time runs again", () => socket.timeout === timeout);
  client.socket.destroy();
});

test("a connection that ends while it is offered: its node hears that it is not kept by it", async (t) => {
  const nodes = begin(t);
  const { a, b } = nodes;
  const { url } = await nodes.front();
  const client = await away(nodes, url);
  a.byLink.hold();
  b.handoff.leave();
  b.sockets[0]?.destroy();
  await client.closed;
  assert.ok(b.handoff.isInUse);
  const before = b.freed;
  a.byLink.release();
  await until("it is given up", () => !b.handoff.isInUse);
  assert.equal(b.freed, before + 1);
});

test("a connection on which either side has said that it says no more is not given away", async (t) => {
  const nodes = begin(t);
  const { a } = nodes;
  const order = { service: "web", scheme: "http", policy: { kind: "local" } } as const;
  const { door } = a.open({ ...order, protocol: "http", isNear: true, isCareOf: false, isSpread: true });
  door.entrance = { enter: () => {}, idleOf: (sockets) => [...sockets] };
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    door.enter(socket, Buffer.alloc(0));
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clients = [];
  for (let at = 0; at < 3; at++) clients.push(await nodes.client(url, { allowHalfOpen: true }));
  await until("they have come in", () => door.size === 3);
  const [ending, ended, open] = sockets;
  assert.ok(ending !== undefined && ended !== undefined && open !== undefined);
  assert.deepEqual(door.idle(), sockets);
  ending.end();
  clients[1]?.socket.end();
  await until("that is known", () => ended.readableEnded);
  assert.deepEqual(door.idle(), [open]);
  for (const { socket } of clients) socket.destroy();
});

test("a front of which a connection was on its way when its time was up is forgotten later", async (t) => {
  const nodes = begin(t);
  const { a, b } = nodes;
  const { url } = await nodes.front();
  t.mock.timers.enable({ apis: ["setTimeout"] });
  a.byLink.hold();
  const client = await nodes.client(url);
  client.send(REQUEST);
  await untilTurn("it is on its way", () => b.handoff.isInUse);
  a.isHeard = false;
  t.mock.timers.tick(HANDOFF_DOOR_IDLE_MS + HANDOFF_TIMEOUT_MS);
  assert.equal(b.adoptedClosed, 0);
  a.hear();
  await untilTurn("a has kept it", () => !b.handoff.isInUse);
  t.mock.timers.tick(HANDOFF_DOOR_IDLE_MS + HANDOFF_REPORT_MS);
  assert.equal(b.adoptedClosed, 1);
  client.socket.destroy();
});
