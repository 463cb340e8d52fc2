/** What is measured, by an SDK that is as small as can be: what the API calls is what one would be told. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Attributes, type Span, type Tracer, metrics, trace } from "@opentelemetry/api";
import type { MoveReport } from "../../src/abi/control.ts";
import { EventLog } from "../../src/node/event-log.ts";
import { startNode } from "../../src/node/node.ts";
import { measure } from "../../src/node/telemetry.ts";

interface Told {
  readonly name: string;
  readonly value: number;
  readonly attributes: Attributes;
}

/** Registers itself, as an SDK does, and returns what it is told. */
function registered() {
  const told: Told[] = [];
  const spans: { name: string; attributes: Attributes; startMs: number; endMs: number; failed: string | undefined }[] =
    [];
  const callbacks = new Set<(result: unknown) => void>();
  const instrument = (name: string) => {
    const take = (value: number, attributes: Attributes) => void told.push({ name, value, attributes });
    return { name, add: take, record: take };
  };
  const meter = {
    createCounter: instrument,
    createHistogram: instrument,
    createObservableGauge: instrument,
    addBatchObservableCallback: (callback: (result: unknown) => void) => callbacks.add(callback),
    removeBatchObservableCallback: (callback: (result: unknown) => void) => callbacks.delete(callback),
  };
  const startSpan = (name: string, { startTime, attributes }: { startTime: number; attributes: Attributes }) => {
    const span = { name, attributes, startMs: startTime, endMs: 0, failed: undefined as string | undefined };
    spans.push(span);
    return {
      addEvent: () => {},
      setStatus: ({ message }: { message: string }) => void (span.failed = message),
      end: (endMs: number) => void (span.endMs = endMs),
    } as unknown as Span;
  };
  metrics.setGlobalMeterProvider({ getMeter: () => meter } as never);
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan }) as unknown as Tracer });
  const collect = () => {
    const observe = ({ name }: { name: string }, value: number, attributes: Attributes) =>
      void told.push({ name, value, attributes });
    for (const callback of callbacks) callback({ observe });
  };
  return { told, spans, callbacks, collect };
}

test("processes and moves are counted, and each move is a span", async () => {
  const { told, spans, callbacks, collect } = registered();
  const node = await startNode({ name: "a", lwps: 1 });
  const events = new EventLog("a");
  const end = measure(node, "1", events);
  const pid = await node.spawn({ name: "p", source: "for (;;);" });
  collect();
  await node.signal(pid, "SIGKILL");
  await node.wait(pid);
  const sum = (name: string) => told.filter((one) => one.name === name).reduce((total, { value }) => total + value, 0);
  assert.equal(sum("godwit.processes"), 1);
  assert.ok(sum("godwit.memory") > 2 ** 20);

  const move: MoveReport = {
    migration: "m",
    pid,
    name: "p",
    from: "a",
    to: "b",
    outcome: "moved",
    rounds: 2,
    pages: 80,
    found: 7,
    bytes: 4096,
    downtimeMs: 5,
    totalMs: 30,
    epoch: 1,
  };
  events.tell({ kind: "started", pid, parent: 0, name: "p" });
  events.tell({ kind: "moved", move });
  events.tell({ kind: "moved", move: { ...move, outcome: "stayed", reason: "no room", downtimeMs: 0 } });
  events.note({ kind: "moved", move, node: "b", atMs: 0 }); // another node's, which counts it itself
  assert.deepEqual(
    ["godwit.processes.started", "godwit.migrations", "godwit.migration.bytes", "godwit.migration.downtime"].map(sum),
    [1, 2, 8192, 5],
  );
  assert.deepEqual(
    spans.map(({ name, attributes, startMs, endMs, failed }) => [
      name,
      attributes["godwit.to"],
      endMs - startMs,
      failed,
    ]),
    [
      ["godwit.migration", "b", 30, undefined],
      ["godwit.migration", "b", 30, "no room"],
    ],
  );
  end();
  events.tell({ kind: "moved", move });
  assert.deepEqual([sum("godwit.migrations"), callbacks.size], [2, 0]);
  await node.stop();
  metrics.disable();
  trace.disable();
});
