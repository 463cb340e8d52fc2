/**
 * What a node does, as OpenTelemetry has it: metrics and a trace of each move. Nothing is collected unless whoever starts the
 * node registers an SDK, as with `NODE_OPTIONS="--import ./telemetry.mjs" godwit up`.
 */

import { type Attributes, SpanStatusCode, metrics, trace } from "@opentelemetry/api";

import type { ClusterEvent, MoveReport } from "../abi/control.ts";
import type { EventLog } from "./event-log.ts";
import type { Node } from "./node.ts";

const NAME = "godwit";

/** Begins to measure a node by what it tells. Returns the way to end that. */
export function measure(node: Node, version: string, events: EventLog): () => void {
  const meter = metrics.getMeter(NAME, version);
  const at = { "godwit.node": node.name };
  const processes = meter.createObservableGauge("godwit.processes", { description: "living processes that run here" });
  const memory = meter.createObservableGauge("godwit.memory", { description: "resident memory", unit: "By" });
  const observe = (result: { observe: (metric: typeof processes, value: number, attributes: Attributes) => void }) => {
    result.observe(processes, node.lwps.processes, at);
    result.observe(memory, process.memoryUsage.rss(), at);
  };
  meter.addBatchObservableCallback(observe, [processes, memory]);
  const started = meter.createCounter("godwit.processes.started", { description: "processes whose home is here" });
  const ended = meter.createCounter("godwit.processes.ended");
  const restored = meter.createCounter("godwit.processes.restored", { description: "from images, after a node died" });
  const imageAge = meter.createHistogram("godwit.image.age", {
    unit: "ms",
    description: "of images that were restored",
  });
  const moves = moveMetrics(version);
  const heard = (event: ClusterEvent) => {
    if (event.node !== node.name) return;
    if (event.kind === "started") started.add(1, at);
    else if (event.kind === "ended") ended.add(1, { ...at, "godwit.exit.code": event.status.code });
    else if (event.kind === "moved") moves(event.move, event.atMs);
    else if (event.kind === "restored") {
      restored.add(1, at);
      imageAge.record(event.ageMs, at);
    }
  };
  const stop = events.subscribe(false, heard);
  return () => {
    stop();
    meter.removeBatchObservableCallback(observe, [processes, memory]);
  };
}

function moveMetrics(version: string): (move: MoveReport, endMs: number) => void {
  const meter = metrics.getMeter(NAME, version);
  const tracer = trace.getTracer(NAME, version);
  const count = meter.createCounter("godwit.migrations", { description: "moves that are over" });
  const downtime = meter.createHistogram("godwit.migration.downtime", { unit: "ms" });
  const duration = meter.createHistogram("godwit.migration.duration", { unit: "ms" });
  const bytes = meter.createCounter("godwit.migration.bytes", { unit: "By", description: "sent for moves" });
  return (move, endMs) => {
    const way = { "godwit.from": move.from, "godwit.to": move.to, "godwit.outcome": move.outcome };
    count.add(1, way);
    duration.record(move.totalMs, way);
    bytes.add(move.bytes, way);
    if (move.outcome === "moved") downtime.record(move.downtimeMs, way);
    const attributes = {
      ...way,
      "godwit.pid": move.pid,
      "godwit.program": move.name,
      "godwit.rounds": move.rounds,
      "godwit.pages": move.pages,
      "godwit.pages.found": move.found,
      "godwit.bytes": move.bytes,
      "godwit.epoch": move.epoch,
      "godwit.migration": move.migration,
    };
    const span = tracer.startSpan("godwit.migration", { startTime: endMs - move.totalMs, attributes });
    if (move.downtimeMs > 0)
      span.addEvent("stopped", { "godwit.downtime_ms": move.downtimeMs }, endMs - move.downtimeMs);
    if (move.outcome !== "moved") span.setStatus({ code: SpanStatusCode.ERROR, message: move.reason ?? move.outcome });
    span.end(endMs);
  };
}
