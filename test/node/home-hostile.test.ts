/** A node that hands over homes, or has others' processes, and does not keep to the protocol: it is told so, and nothing comes of it. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { FRAME_KINDS } from "../../src/abi/channel.ts";
import {
  ANSWERED_WAITS_MAX,
  HANDLES_MAX,
  RECORD_CHANNELS_MAX,
  RECORD_FRAMES_MAX,
  RECORD_HELD_MAX,
  RECORD_PIECES_MAX,
  RECORD_WAITS_MAX,
} from "../../src/limits.ts";
import { homeRecordsOf } from "../../src/node/home-record.ts";
import { withCluster } from "./bench-cluster.ts";

const PID = 999_999;
const cause = randomUUID();
const frame = { kind: FRAME_KINDS.data, bytes: new Uint8Array(1) };
const session = { sent: 1, kept: [frame], received: 1, open: [65] };
const channel = {
  channel: "s1@b",
  arrival: "exchange",
  untaken: 65,
  frames: [frame],
  passing: { kind: FRAME_KINDS.data, cost: 65 },
  isAbandoned: false,
  state: { id: "x", front: "b", session },
};
const listener = { channel: "l1", request: { kind: "listener", address: "service:web" } };
const good = {
  pid: PID,
  parent: 0,
  name: "good.js",
  host: "b",
  epoch: 1,
  quotas: { memoryBytes: 2 ** 26, cpuShare: 100, threadsMax: 4, processesMax: 4, timeoutMs: 0 },
  capabilities: { read: [], write: [], environment: [], run: [], net: "all", listen: ["service:web"] },
  workingDirectory: "/",
  startedMs: 0,
  isDurable: false,
  names: ["x"],
  zombies: [{ pid: 3, code: 0 }],
  waits: [
    { call: 1, pid: -1 },
    { call: 2, pid: 3, leftMs: 0.5 },
  ],
  answeredWaits: [7],
  inputClosed: false,
  unreadBytes: 0,
  output: { id: randomUUID(), endBytes: 1, pieces: [{ stream: "stdout", bytes: new Uint8Array(1) }] },
  listeners: [listener],
  channels: [channel, { ...channel, channel: "s2@b", arrival: "datagrams", state: { lost: 0, clients: [] } }],
  broken: ["f1"],
  held: [{ op: "signal", pid: PID, signal: "SIGUSR1" }],
};

const many = <T>(count: number, one: T): T[] => Array.from({ length: count + 1 }, () => one);
const named = <T extends object>(count: number, one: T) =>
  Array.from({ length: count + 1 }, (_, index) => ({ ...one, channel: `c${index}` }));

/** What is wrong with a record, and the code that says so where it is not EPROTO. */
const BAD: Readonly<Record<string, object>> = {
  "messages that were held, without end": { held: many(RECORD_HELD_MAX, good.held[0]) },
  "a message for another": { held: [{ op: "signal", pid: 4, signal: "SIGKILL" }] },
  "a message that is no home's": { held: [{ op: "depart", pid: PID }] },
  "the end of an LWP": { held: [{ op: "stop", pid: PID }] },
  "waits without end": { waits: many(RECORD_WAITS_MAX, good.waits[0]) },
  "a wait that is over before it began": { waits: [{ call: 1, pid: 3, leftMs: -1 }] },
  "answers without end": { answeredWaits: many(ANSWERED_WAITS_MAX, 1) },
  "broken channels without end": { broken: many(RECORD_CHANNELS_MAX, "x") },
  "channels without end": { channels: named(RECORD_CHANNELS_MAX, channel) },
  "frames without end": { channels: [{ ...channel, frames: many(RECORD_FRAMES_MAX, frame) }] },
  "a frame of no kind": { channels: [{ ...channel, frames: [{ ...frame, kind: 0 }] }] },
  "a frame of less than no cost": { channels: [{ ...channel, passing: { kind: 2, cost: -1 } }] },
  "less than nothing untaken": { channels: [{ ...channel, untaken: -1 }] },
  "one channel twice": { channels: [channel, channel] },
  "a channel without its session": { channels: [{ ...channel, state: null }] },
  "a session with an item that cost nothing": {
    channels: [{ ...channel, state: { ...channel.state, session: { ...session, open: [0] } } }],
  },
  "clients of datagrams with such a one": {
    channels: [
      {
        ...channel,
        arrival: "datagrams",
        state: {
          lost: 0,
          clients: [{ remote: "1.2.3.4:5", session: { ...channel.state, session: { ...session, open: [0] } } }],
        },
      },
    ],
  },
  "listeners without end": { listeners: named(HANDLES_MAX, listener) },
  "output without end": { output: { ...good.output, pieces: many(RECORD_PIECES_MAX, good.output.pieces[0]) } },
  "less than no input": { unreadBytes: -1 },
};

test("a home's record is checked before anything is done with it", () => {
  assert.equal(homeRecordsOf({ cause, records: [good] }).records[0]?.pid, PID);
  for (const [what, bad] of Object.entries(BAD))
    assert.throws(() => homeRecordsOf({ cause, records: [{ ...good, ...bad }] }), { code: "EPROTO" }, what);
  assert.throws(() => homeRecordsOf({ cause, records: [good, good] }), { code: "EPROTO" }, "one process twice");
  const { quotas } = good;
  for (const bad of [{ listeners: [{ ...listener, request: null }] }, { quotas: { ...quotas, cpuShare: -1 } }])
    assert.throws(() => homeRecordsOf({ cause, records: [{ ...good, ...bad }] }), { code: "EINVAL" });
});

await withCluster(["a", "b"], (t) => {
  test("a process that is not here, or is another's, gets no home here", async () => {
    const b = t.get("b");
    const link = await b.links.to("a");
    await assert.rejects(b.asked(link, "home/take", { cause, records: [good] }), { code: "ESRCH" });
    assert.equal(t.directory.entries.has(PID), false, "the directory heard nothing");
    const started = await t.test("a").start(`console.log("up"); receive();`);
    await started.printed("up");
    const { pid } = started;
    assert.equal((await t.get("a").migrate(pid, "b")).outcome, "moved");
    const other = { ...link, peer: "evil" } as typeof link;
    const record = { ...good, pid, held: [], listeners: [], channels: [], broken: [] };
    await assert.rejects(b.asked(other, "home/take", { cause, records: [record] }), { code: "ESRCH" });
    assert.equal(b.hosting.find(pid)?.home.peer, "a");
    await t.get("a").node.signal(pid, "SIGKILL");
    await started.ended;
  });

  test("a host that tells of a child that is another's, and a home that puts a process where there is one", async () => {
    const [a, b] = [t.get("a"), t.get("b")];
    const [moved, stays] = [
      await t.test("a").start(`console.log("up"); receive();`),
      await t.test("a").start(`console.log("up"); receive();`),
    ];
    await Promise.all([moved.printed("up"), stays.printed("up")]);
    assert.equal((await a.migrate(moved.pid, "b")).outcome, "moved");
    const entry = a.node.table.living(stays.pid);
    const toHome = await a.links.to("b");
    a.told(toHome, "told", { op: "forked", pid: moved.pid, child: stays.pid });
    assert.equal(a.node.table.living(stays.pid), entry);
    // The child that a fork is to make has the number of one that is there.
    const toHost = await b.links.to("a");
    const fork = { op: "fork", pid: moved.pid, call: 1, child: moved.pid };
    assert.throws(() => b.told(toHost, "lwp", fork), { code: "EEXIST" });
    const question = { kind: "fork", child: moved.pid };
    await assert.rejects(b.asked(toHost, "ask", { pid: moved.pid, question }), { code: "EEXIST" });
    assert.equal(b.hosting.all().length, 1);
    for (const { pid, ended } of [moved, stays]) {
      await a.node.signal(pid, "SIGKILL");
      await ended;
    }
  });
});
