/** In which order whatever happens to a connection that is given away: it has one owner, who serves each request once. */

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { ChildProcess } from "node:child_process";
import { type TestContext, test } from "node:test";
import { HANDOFF_REPORT_MS, HANDOFF_TIMEOUT_MS } from "../../src/limits.ts";
import { Courier } from "../../src/node/courier.ts";
import type { ToMember } from "../../src/node/member-process.ts";
import type { RawClient } from "../node/raw-client.ts";
import { TwoNodes, untilTurn as until } from "./two-nodes.ts";

const REQUEST = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/** Time stands still in these tests, until they have it go on. */
function begin(t: TestContext): TwoNodes {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const nodes = new TwoNodes();
  t.after(() => nodes.stop());
  return nodes;
}

function answeredBy(name: string, client: RawClient): Promise<void> {
  return until(`${name} answers`, () => client.text.endsWith(`\r\n\r\n${name}`));
}

/** A client whose connection the front has, and offers. */
async function offered(nodes: TwoNodes, url: string, text = REQUEST): Promise<RawClient> {
  const { a } = nodes;
  const before = a.handoff.isInUse;
  const client = await nodes.client(url);
  client.send(text);
  if (!before) await until("it is offered", () => a.handoff.isInUse);
  return client;
}

async function ask(client: RawClient, answers: number): Promise<void> {
  client.send(REQUEST);
  await until("it is answered", () => client.statuses.length === answers);
}

test("the taker goes on when the giver has let go, and again", async (t) => {
  const nodes = begin(t);
  const { a, b } = nodes;
  const { url, door } = await nodes.front();
  const client = await offered(nodes, url);
  await answeredBy("b", client);
  await ask(client, 2);
  assert.deepEqual([a.answered, b.answered, door.handedOff, door.kept], [0, 2, 1, 0]);
  client.socket.destroy();
  await until("nothing is in use", () => !a.handoff.isInUse && !b.handoff.isInUse);
});

test("a giver that ends before it has let go: the taker goes on", async (t) => {
  const nodes = begin(t);
  const { a, b } = nodes;
  const { url } = await nodes.front();
  a.byLink.hold();
  const client = await offered(nodes, url);
  await until("b has taken it", () => b.handoff.isInUse);
  a.die();
  await answeredBy("b", client);
  await ask(client, 2);
  assert.deepEqual([a.answered, b.answered], [0, 2]);
  client.socket.destroy();
});

test("a taker that stands still until its giver has kept it, gone on, and ended: it takes nothing of it", async (t) => {
  const nodes = begin(t);
  const { a, b } = nodes;
  const { url } = await nodes.front();
  const first = await offered(nodes, url);
  await answeredBy("b", first);
  first.socket.destroy();
  await until("nothing is in use", () => !a.handoff.isInUse && !b.handoff.isInUse);
  b.byLauncher.hold();
  const client = await offered(nodes, url);
  await until("it is on its way", () => a.passed === 2);
  t.mock.timers.tick(HANDOFF_TIMEOUT_MS);
  await answeredBy("a", client);
  // In the middle of a request, the first bytes of which nobody else has.
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n");
  await until("a has read it", () => client.socket.writableLength === 0);
  a.die();
  b.byLauncher.release();
  client.send(REQUEST);
  await until("it is closed", () => client.socket.closed);
  await b.byLauncher.heard;
  assert.deepEqual(client.statuses, [200]);
  assert.deepEqual([a.answered, b.answered], [1, 1]);
  assert.ok(!b.handoff.isInUse);
});

test("a taker that has said so too late: its giver keeps it, and it lets go", async (t) => {
  const nodes = begin(t);
  const { a, b } = nodes;
  const { url, door } = await nodes.front();
  const first = await offered(nodes, url);
  await answeredBy("b", first);
  first.socket.destroy();
  await until("nothing is in use", () => !a.handoff.isInUse && !b.handoff.isInUse);
  a.byLink.hold();
  const client = await offered(nodes, url);
  await until("b has taken it", () => b.handoff.isInUse);
  const before = b.unused;
  t.mock.timers.tick(HANDOFF_TIMEOUT_MS);
  await answeredBy("a", client);
  await until("b has let go", () => !b.handoff.isInUse);
  assert.ok(b.unused > before, "a node that waits for it to go away hears of it");
  a.byLink.release();
  await a.byLink.heard;
  await ask(client, 2);
  assert.deepEqual([a.answered, b.answered, door.handedOff, door.kept], [2, 1, 1, 1]);
  assert.deepEqual(door.connections.at, { a: 1 });
  client.socket.destroy();
});

test("while the launcher hears nothing a giver neither goes on with what it has passed on, nor passes on more", async (t) => {
  const nodes = begin(t);
  const { a, b } = nodes;
  const { url } = await nodes.front();
  const client = await offered(nodes, url);
  await answeredBy("b", client);
  a.byLink.hold();
  const second = await offered(nodes, url);
  await until("it is on its way", () => a.passed === 2);
  a.isHeard = false;
  nodes.cut();
  await until("a has kept it", () => a.unheard > 0);
  const third = await nodes.client(url);
  third.send(REQUEST);
  await answeredBy("a", third);
  assert.equal(second.text, "");
  // It could not have told anybody that it went on.
  a.die();
  await answeredBy("b", second);
  assert.deepEqual([a.answered, b.answered, a.passed], [1, 2, 2]);
  for (const one of [client, second, third]) one.socket.destroy();
});

test("a link that is lost between `taken` and `go`: the taker goes on", async (t) => {
  const nodes = begin(t);
  const { a, b } = nodes;
  const { url, door } = await nodes.front();
  const first = await offered(nodes, url);
  await answeredBy("b", first);
  first.socket.destroy();
  b.byLink.hold();
  const client = await offered(nodes, url);
  await until("a has let go", () => door.handedOff === 2);
  nodes.cut();
  await answeredBy("b", client);
  b.byLink.release();
  await b.byLink.heard;
  await ask(client, 2);
  assert.deepEqual([a.answered, b.answered], [0, 3]);
  client.socket.destroy();
  // There is nothing to tell when a link is lost by which nothing was given.
  await until("b tells of it by another link", () => a.isLinked || (t.mock.timers.tick(HANDOFF_REPORT_MS), false));
  nodes.cut();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(a.settled, 1);
});

test("a link that is lost before `taken` is heard: the giver goes on, and the taker lets go", async (t) => {
  const nodes = begin(t);
  const { a, b } = nodes;
  const { url } = await nodes.front();
  const first = await offered(nodes, url);
  await answeredBy("b", first);
  first.socket.destroy();
  await until("nothing is in use", () => !a.handoff.isInUse && !b.handoff.isInUse);
  a.byLink.hold();
  const client = await offered(nodes, url);
  await until("b has taken it", () => b.handoff.isInUse);
  nodes.cut();
  await answeredBy("a", client);
  a.byLink.release();
  await until("b has let go", () => !b.handoff.isInUse);
  await ask(client, 2);
  assert.deepEqual([a.answered, b.answered], [2, 1]);
  client.socket.destroy();
});

test("a taker that has ended: the giver goes on at once, and offers it to nobody before", async (t) => {
  const nodes = begin(t);
  const { a, b } = nodes;
  const { url, door } = await nodes.front();
  const first = await offered(nodes, url);
  await answeredBy("b", first);
  b.die();
  await until("it is closed", () => first.socket.closed);
  const client = await nodes.client(url);
  client.send(REQUEST);
  await answeredBy("a", client);
  assert.deepEqual([a.answered, door.kept], [1, 1]);
  client.socket.destroy();
  await until("nothing is in use", () => !a.handoff.isInUse);
});

test("a client that leaves while it is offered: both let go, and are told that it keeps them no more", async (t) => {
  const nodes = begin(t);
  const { a, b } = nodes;
  const { url, door } = await nodes.front();
  a.byLink.hold();
  const client = await offered(nodes, url);
  client.socket.resetAndDestroy();
  a.byLink.release();
  await until("nothing is in use", () => !a.handoff.isInUse && !b.handoff.isInUse);
  await until("nor counted", () => door.at("a") + door.at("b") === 0 || (t.mock.timers.tick(100), false));
  assert.ok(a.unused > 0);
});

test("the launcher tells of a node's end behind all that it has said", () => {
  const children = new Map<string, ChildProcess>();
  const courier = new Courier(children);
  const told: ToMember[] = [];
  const child = (name: string, send: (message: ToMember) => void) => {
    const made = Object.assign(new EventEmitter(), { connected: true, send }) as unknown as ChildProcess;
    children.set(name, made);
    courier.serve(name, made);
    return made;
  };
  child("b", (message) => void told.push(message));
  const giver = child("a", () => {});
  giver.emit("message", { op: "keep", to: "b", id: "1" });
  giver.emit("exit", null, "SIGKILL");
  // Read from its channel after that.
  giver.emit("message", { op: "keep", to: "b", id: "2" });
  giver.emit("message", { op: "settle", to: "b" });
  giver.emit("close", null, "SIGKILL");
  assert.deepEqual(told, [
    { op: "kept", from: "a", id: "1" },
    { op: "kept", from: "a", id: "2" },
    { op: "settled", from: "a" },
    { op: "dead", name: "a" },
  ]);
});
