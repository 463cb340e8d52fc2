/** Channels under a seed: a server that is moved between two kernels, forked, stressed and restored while frames come and go. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { type Frame, frameCost, FRAME_KINDS } from "../../src/abi/channel.ts";
import { Channel, ChannelTable, newChannel } from "../../src/kernel/channel.ts";
import { CHANNEL_WINDOW_BYTES, CHANNELS_WINDOW_BYTES, FRAME_MAX_BYTES } from "../../src/limits.ts";
import { wholeFrame } from "../../src/resources/frame.ts";
import { type ChannelMessage, World } from "./world.ts";

const CALLS = "const { syscall, syscallAsync } = globalThis.__godwit.core;\n";
const LISTENING = `${CALLS}
const bytesOf = (text) => new Uint8Array([...text].map((char) => char.charCodeAt(0)));
const textOf = (bytes) => String.fromCharCode(...bytes);
const listener = syscall("channelOpen", { kind: "listener", address: "127.0.0.1:80" }, new Uint8Array(0));
`;
/** Answers each exchange with what came in, reversed frame by frame, on a thread of its own. */
const REVERSER = `${LISTENING}
for (let served = 0; served < COUNT; served++) {
  const handle = syscall("channelAccept", listener, -1);
  Thread.create(() => {
    for (;;) {
      const frame = syscall("channelReceive", handle, -1);
      const turned = frame[0] === 2 ? bytesOf([...textOf(frame.subarray(1))].reverse().join("")) : frame.subarray(1);
      syscall("channelSend", handle, frame[0], turned);
      if (frame[0] === 4) return;
    }
  });
}
`;
const LISTEN = { capabilities: { listen: ["127.0.0.1:80"] } };

const bytes = (text: string) => Uint8Array.from(Buffer.from(text));
const text = (frame: Frame) => Buffer.from(frame.bytes).toString();

/** A client of one exchange: sends `pieces`, keeps what comes back, and never more on its way than the window allows. */
class Client {
  readonly received: Frame[] = [];
  readonly id: string;
  closed = false;
  #untaken = 0;
  #next = 0;
  readonly #pieces: readonly Frame[];

  constructor(id: string, pieces: readonly string[]) {
    this.id = id;
    this.#pieces = [
      ...pieces.map((piece): Frame => ({ kind: FRAME_KINDS.data, bytes: bytes(piece) })),
      { kind: FRAME_KINDS.end, bytes: bytes("") },
    ];
  }

  begin(world: World, pid: number, listener: string): void {
    const frame: Frame = { kind: FRAME_KINDS.head, bytes: bytes("{}") };
    world.tell(pid, { op: "incoming", pid, listener, channel: this.id, frame });
    this.#untaken += frameCost(frame);
  }

  /** Sends one more frame, if there is room. */
  push(world: World, pid: number): void {
    const frame = this.#pieces[this.#next];
    if (frame === undefined || this.#untaken >= CHANNEL_WINDOW_BYTES) return;
    this.#next++;
    this.#untaken += frameCost(frame);
    world.tell(pid, { op: "frame", pid, channel: this.id, frame });
  }

  take(world: World, message: ChannelMessage): void {
    if (message.op === "taken") {
      this.#untaken -= message.cost;
      assert.ok(this.#untaken >= 0, "no more is taken than was sent");
    } else if (message.op === "frame") {
      assert.equal(this.closed, false, "nothing comes after the end");
      this.received.push(message.frame);
      this.closed = message.frame.kind === FRAME_KINDS.end;
      const { pid } = message;
      if (!this.closed) world.tell(pid, { op: "room", pid, channel: this.id, cost: frameCost(message.frame) });
    }
  }
}

/** Runs the server against clients; `meddle` does something to it after each turn. */
function serve(seed: number, meddle: (world: World, pid: number) => void, options: object = {}): void {
  const world = new World({ seed, restless: true });
  const clients = Array.from({ length: 5 }, (_, index) => {
    const count = Math.floor(world.random() * 12);
    return new Client(
      `x${index}`,
      Array.from({ length: count }, (_, piece) => `${index}/${piece} `.repeat(piece * 7)),
    );
  });
  let listener: string | undefined;
  world.channels = (message) => {
    if (message.op === "open") listener = message.channel;
    else clients.find(({ id }) => id === message.channel)?.take(world, message);
  };
  const { pid } = world.spawn(REVERSER.replace("COUNT", String(clients.length)), { ...LISTEN, ...options });
  let begun = 0;
  const step = () => {
    if (listener === undefined) return;
    const fresh = clients[begun];
    if (fresh !== undefined && world.random() < 0.2) {
      fresh.begin(world, pid, listener);
      begun++;
    }
    for (const client of clients.slice(0, begun)) if (world.random() < 0.5) client.push(world, pid);
    meddle(world, pid);
  };
  // A world at rest waits for its clients.
  for (let rests = 0; rests < 1000 && world.known.get(pid)?.exit === undefined; rests++) {
    world.run(step);
    step();
  }
  const known = world.known.get(pid);
  assert.deepEqual([known?.exit?.code, known?.stderr], [0, ""], `seed ${seed}`);
  for (const [index, client] of clients.entries()) {
    const [head, ...rest] = client.received;
    assert.equal(head?.kind, FRAME_KINDS.head);
    const sent = rest.slice(0, -1).map((frame) => Array.from(text(frame)).reverse().join(""));
    assert.deepEqual(
      sent,
      sent.map((_, piece) => `${index}/${piece} `.repeat(piece * 7)),
      `seed ${seed}: every frame once, in order`,
    );
    assert.equal(rest.at(-1)?.kind, FRAME_KINDS.end);
  }
}

test("a server answers every exchange, each frame once and in order", () => {
  for (let seed = 1; seed <= 10; seed++) serve(seed, () => {});
});

test("and so it does while it is handed from kernel to kernel", () => {
  for (let seed = 1; seed <= 20; seed++) {
    serve(seed, (world, pid) => {
      if (world.random() < 0.2) world.handOver(pid);
    });
  }
});

test("and when it is captured and continued in a fresh instance, over and over", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const meddle = (world: World, pid: number) => (world.random() < 0.1 ? world.handOver(pid) : undefined);
    serve(seed, meddle, { stress: { every: 5, at: "call" } });
  }
});

/** A world with a server of this source, its listener's name, and what it said on its channels. */
function listening(source: string): { world: World; pid: number; listener: string; messages: ChannelMessage[] } {
  const world = new World({ seed: 7 });
  const messages: ChannelMessage[] = [];
  world.channels = (message) => messages.push(message);
  const { pid } = world.spawn(`${LISTENING}${source}`, LISTEN);
  world.runUntil(() => messages.length > 0);
  return { world, pid, listener: messages[0]?.channel ?? "", messages };
}

test("a writer waits while its window is full, and goes on with room", () => {
  const { world, pid, listener, messages } = listening(`
    const handle = syscall("channelAccept", listener, -1);
    for (let n = 0; n < 40; n++) syscall("channelSend", handle, 2, new Uint8Array(65536).fill(n));
    syscall("channelSend", handle, 4, new Uint8Array(0));
  `);
  const head: Frame = { kind: FRAME_KINDS.head, bytes: bytes("{}") };
  world.tell(pid, { op: "incoming", pid, listener, channel: "x1", frame: head });
  world.run();
  const sent = () => messages.flatMap((message) => (message.op === "frame" ? [message.frame] : []));
  const sum = () => sent().reduce((total, frame) => total + frameCost(frame), 0);
  assert.ok(sum() >= CHANNEL_WINDOW_BYTES && sum() < CHANNEL_WINDOW_BYTES + 70_000, `${sum()} bytes on their way`);
  let acknowledged = 0;
  while (acknowledged < sent().length) {
    const frame = sent()[acknowledged++];
    if (frame !== undefined) world.tell(pid, { op: "room", pid, channel: "x1", cost: frameCost(frame) });
    world.run();
  }
  assert.deepEqual(
    sent().map((frame) => frame.bytes[0] ?? "end"),
    [...Array.from({ length: 40 }, (_, n) => n), "end"],
  );
});

test("what is broken fails those who wait and those who come, with the reason", () => {
  const { world, pid, listener } = listening(`
    const handle = syscall("channelAccept", listener, -1);
    syscallAsync("channelBroken", handle).then((why) => console.log("watched", why));
    const attempt = (name, ...args) => { try { syscall(name, ...args); } catch (error) { console.log(name, error.code, error.message); } };
    console.log(syscall("channelReceive", handle, -1)[0]);
    attempt("channelReceive", handle, -1);
    attempt("channelSend", handle, 2, new Uint8Array(1));
    attempt("channelAccept", handle, -1);
    syscall("close", handle);
    attempt("channelReceive", handle, -1);
  `);
  world.tell(pid, {
    op: "incoming",
    pid,
    listener,
    channel: "x1",
    frame: { kind: FRAME_KINDS.head, bytes: bytes("{}") },
  });
  world.run();
  world.tell(pid, { op: "broken", pid, channel: "x1", why: { code: "ECONNRESET", message: "the client left" } });
  world.run();
  assert.equal(
    world.known.get(pid)?.stdout,
    "1\nchannelReceive ECONNRESET the client left\nchannelSend ECONNRESET the client left\n" +
      "channelAccept EINVAL handle 4 is no listener\nchannelReceive EBADF handle 4 is not open\nwatched ECONNRESET: the client left\n",
  );
});

test("a connection for which the node has no room fails, and is not waited for", () => {
  const world = new World({ seed: 7 });
  let id: string | undefined;
  world.channels = (message) => {
    if (message.op === "open") id = message.channel;
  };
  const { pid } = world.spawn(
    `globalThis.fetch("http://a.test/").then(console.log, ({ cause }) => console.log(cause.code, cause.message));`,
    { capabilities: { net: ["a.test"] } },
  );
  world.runUntil(() => id !== undefined);
  const why = { code: "EAGAIN", message: "too many names are looked up" } as const;
  world.tell(pid, { op: "broken", pid, channel: id ?? "", why });
  world.runUntil(() => world.known.get(pid)?.exit !== undefined, 10_000);
  const { stdout, exit } = world.known.get(pid) ?? {};
  assert.deepEqual([stdout, exit?.code], ["EAGAIN too many names are looked up\n", 0]);
});

test("a WebSocket that both sides have closed takes nobody else's handle away", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new World({ seed });
    const messages: ChannelMessage[] = [];
    world.channels = (message) => messages.push(message);
    const { pid } = world.spawn(
      `${LISTENING}
      const socket = new globalThis.WebSocket("ws://a.test/");
      socket.onopen = () => socket.close();
      socket.onclose = () => console.log("closed");
      syscallAsync("channelAccept", listener, -1).then((handle) => syscall("channelSend", handle, 4, new Uint8Array(0)));`,
      { capabilities: { ...LISTEN.capabilities, net: ["a.test"] } },
    );
    const opened = () => messages.flatMap((message) => (message.op === "open" ? [message.channel] : []));
    world.runUntil(() => opened().length === 2);
    const [listener = "", socket = ""] = opened();
    const json = (value: object) => bytes(JSON.stringify(value));
    const head: Frame = { kind: FRAME_KINDS.head, bytes: json({ protocol: "", extensions: "" }) };
    world.tell(pid, { op: "frame", pid, channel: socket, frame: head });
    world.runUntil(() => messages.some((message) => message.op === "frame" && message.channel === socket));
    const end: Frame = { kind: FRAME_KINDS.end, bytes: json({ code: 1005, reason: "" }) };
    world.tell(pid, { op: "frame", pid, channel: socket, frame: end });
    world.tell(pid, { op: "incoming", pid, listener, channel: "x1", frame: { ...head, bytes: bytes("{}") } });
    world.run();
    const told = messages.flatMap((message) => ("channel" in message && message.channel === "x1" ? [message.op] : []));
    assert.ok(told.includes("frame"), `seed ${seed}: the exchange is answered, and not closed: ${told.join()}`);
    assert.deepEqual([world.known.get(pid)?.stdout, world.known.get(pid)?.stderr], ["closed\n", ""]);
  }
});

test("what is left of an upload that was answered early goes to nobody else", () => {
  const world = new World({ seed: 7 });
  const messages: ChannelMessage[] = [];
  world.channels = (message) => messages.push(message);
  const { pid } = world.spawn(
    `let controller;
    const body = () => new globalThis.ReadableStream({ start: (own) => void (controller = own) });
    const post = () => globalThis.fetch("http://a.test/", { method: "POST", body: body(), duplex: "half" });
    const early = post();
    const first = controller;
    early.then((response) => {
      console.log(response.status);
      void post();
      const second = controller;
      first.enqueue(new Uint8Array([1]));
      setTimeout(() => second.enqueue(new Uint8Array([2])), 10);
    });`,
    { capabilities: { net: ["a.test"] } },
  );
  const opened = () => messages.flatMap((message) => (message.op === "open" ? [message.channel] : []));
  world.runUntil(() => opened().length === 1);
  const frame = wholeFrame({ status: 413, statusText: "", headers: [] }, new Uint8Array(0));
  world.tell(pid, { op: "frame", pid, channel: opened()[0] ?? "", frame });
  world.run();
  const [, second] = opened();
  const sent = messages.flatMap((message) =>
    message.op === "frame" && message.channel === second ? [[...message.frame.bytes]] : [],
  );
  assert.deepEqual([world.known.get(pid)?.stdout, sent], ["413\n", [[2]]]);
});

test("a node is told of what was taken before it could believe the window of all channels to be full", () => {
  const large: Frame = { kind: FRAME_KINDS.data, bytes: new Uint8Array(FRAME_MAX_BYTES) };
  const small: Frame = { kind: FRAME_KINDS.data, bytes: bytes("x") };
  for (const [stuck, frame] of [
    [CHANNELS_WINDOW_BYTES / FRAME_MAX_BYTES, large] as const,
    [CHANNELS_WINDOW_BYTES / CHANNEL_WINDOW_BYTES - 1, { ...large, bytes: new Uint8Array(320 * 1024) }] as const,
  ]) {
    const table = new ChannelTable();
    const make = (index: number, incoming: Frame): Channel => {
      const fields = { id: `x${index}`, handle: index + 3, kind: "stream", description: "" } as const;
      const channel = new Channel({ ...newChannel({ ...fields, request: null, listener: "" }), incoming: [incoming] });
      table.add(channel);
      return channel;
    };
    // What nobody takes fills the window of all, so the node passes on one frame of another at a time.
    for (let index = 0; index < stuck; index++) make(index, frame);
    const untakenBytes = table.all().reduce((sum, { incoming }) => sum + frameCost(incoming[0] ?? small), 0);
    assert.ok(untakenBytes >= CHANNELS_WINDOW_BYTES);
    const going = make(stuck, small);
    assert.ok(going.takeFrame() !== undefined);
    assert.deepEqual(table.toTell(going), [going]);
  }
});

test("who asks without waiting is answered in the same turn", () => {
  const { world, pid } = listening(`
    console.log(syscall("channelAccept", listener, 0), Object.keys(syscall("channelReceive", listener, 0)).length);
    syscallAsync("channelReceive", listener, 0).then((bytes) => console.log("at once", bytes.length));
  `);
  // The world's clock stands still: nothing that waits for a time to come has ended.
  assert.equal(world.known.get(pid)?.stdout, "-1 0\nat once 0\n");
});

test("a fork's child has the listener too, and no connection of its parent's", () => {
  const { world, pid, listener, messages } = listening(`
    const handle = syscall("channelAccept", listener, -1);
    if (fork() === 0) {
      try { syscall("channelReceive", handle, -1); } catch (error) { console.log(error.code); }
      const own = syscall("channelAccept", listener, -1);
      syscall("channelSend", own, 4, new Uint8Array(0));
    } else {
      syscall("channelSend", handle, 4, new Uint8Array(0));
      console.log("child", wait().code);
    }
  `);
  const head: Frame = { kind: FRAME_KINDS.head, bytes: bytes("{}") };
  world.tell(pid, { op: "incoming", pid, listener, channel: "x1", frame: head });
  world.run();
  const opened = messages.filter((message) => message.op === "open");
  const [, second] = opened;
  assert.equal(opened.length, 2, "the child listens at the same address");
  assert.ok(second !== undefined && second.pid !== pid);
  world.tell(second.pid, { op: "incoming", pid: second.pid, listener: second.channel, channel: "x2", frame: head });
  world.run();
  assert.equal(world.known.get(second.pid)?.stdout, "ECONNRESET\n");
  assert.equal(world.known.get(pid)?.stdout, "child 0\n");
});

test("listening and connecting are not given by default", () => {
  const world = new World();
  const { pid } = world.spawn(`${CALLS}
    for (const request of [{ kind: "listener", address: "0.0.0.0:80" }, { kind: "fetch", method: "GET", url: "http://a.test/", headers: [], body: "none" }]) {
      try { syscall("channelOpen", request, new Uint8Array(0)); } catch (error) { console.log(error.code, error.message); }
    }
  `);
  world.run();
  assert.equal(
    world.known.get(pid)?.stdout,
    "EACCES listening on 0.0.0.0:80 was not given: put --allow-listen=0.0.0.0:80, or --listen 0.0.0.0:80, before the program's file\n" +
      "EACCES connecting to a.test was not given: put --allow-net=a.test before the program's file\n",
  );
});
