/** Every system call with every kind of argument: the kernel stays whole, and so does what an image would hold. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ArgumentKind, type Syscall, SYSCALLS, type SyscallName } from "../../src/abi/syscalls.ts";
import type { Process } from "../../src/kernel/process.ts";
import { ProcessTraps } from "../../src/kernel/process-traps.ts";
import { checkRecord } from "../../src/kernel/record-check.ts";
import type { GuestValues } from "../../src/machine/guest-values.ts";
import { decodeImage, encodeImage } from "../../src/machine/image.ts";
import { capture } from "../../src/kernel/capture.ts";
import { World } from "./world.ts";

/** One call as a hostile guest would make it: whatever it likes in each place. */
interface Attempt {
  readonly number: number;
  readonly callId: number;
  readonly places: readonly unknown[];
}

const number = fc.oneof(
  fc.constantFrom(
    0,
    -0,
    1,
    -1,
    0.5,
    2,
    3,
    255,
    256,
    2 ** 31,
    -(2 ** 31),
    2 ** 32,
    2 ** 53,
    -(2 ** 53),
    1e308,
    Infinity,
    -Infinity,
    Number.NaN,
  ),
  fc.integer(),
  fc.double(),
);
const json = fc.oneof(
  fc.constantFrom(
    "{}",
    "[]",
    "null",
    "1",
    "{",
    '{"threads":"all"}',
    '{"threads":"caller"}',
    '{"threads":7}',
    '{"file":7}',
    '{"file":"x"}',
    '{"to":1}',
    '{"to":"x"}',
    '{"to":{}}',
    '{"__proto__":null}',
    `{"to":${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
  ),
  fc.constantFrom(
    '{"stackBytes":65536,"priority":5,"name":7,"daemon":1}',
    '{"stackBytes":1e99,"priority":5}',
    '{"stackBytes":65536,"priority":1e99}',
    '{"encoding":"utf-8","stream":true}',
    '{"encoding":"nope"}',
  ),
  fc.constantFrom(
    '{"read":true}',
    '{"read":1,"write":"yes"}',
    '{"arguments":7}',
    '{"quotas":{"memoryBytes":-1}}',
    '{"environment":[]}',
  ),
  fc.json(),
);
const string = fc.oneof(
  json,
  fc.constantFrom("", "SIGKILL", "SIGTERM", "SIGUSR1", "handle", "ignore", "start", "message", "\0", "x".repeat(5000)),
  fc.string(),
);
const bytes = fc.uint8Array({ maxLength: 64 });
const callId = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1000 }), number);
const anything = fc.oneof(number, string, bytes, fc.constant(undefined));
/** For each kind of argument, values of that kind. */
const ofKind = { number, string, bytes, json, cell: fc.oneof(fc.nat(), number) } satisfies Record<
  ArgumentKind,
  unknown
>;

/** A call that there is, with arguments of its kinds: what they mean is for the handler to check. */
const wellFormed: fc.Arbitrary<Attempt> = fc.constantFrom<Syscall[]>(...Object.values(SYSCALLS)).chain((call) =>
  fc.record({
    number: fc.constant(call.number),
    callId,
    places: fc.tuple(...call.arguments.map((kind) => ofKind[kind] as fc.Arbitrary<unknown>)),
  }),
);
const malformed: fc.Arbitrary<Attempt> = fc.record({
  number: fc.oneof(fc.constantFrom(...Object.values(SYSCALLS).map((call) => call.number)), number),
  callId,
  places: fc.array(anything, { maxLength: 4 }),
});
const attempt = fc.oneof({ weight: 3, arbitrary: wellFormed }, { weight: 1, arbitrary: malformed });

/** What the processor would read from the guest's argument vector; the first two places are number and call id. */
function valuesOf({ places }: Attempt): GuestValues {
  const place = (index: number) => places[index - 2];
  const values = {
    number: (_: number, index: number) => (typeof place(index) === "number" ? place(index) : undefined),
    string: (_: number, index: number) => (typeof place(index) === "string" ? place(index) : undefined),
    bytes: (_: number, index: number) => (place(index) instanceof Uint8Array ? place(index) : undefined),
    byteRange: (_: number, index: number) => {
      const at = place(index);
      return typeof at === "number" && at >= 0 && at < 2 ** 32 ? { address: at, length: 4 } : undefined;
    },
  };
  return values as unknown as GuestValues;
}

const NOT_AGAIN: readonly SyscallName[] = ["libraryPart"];

/** Makes the calls from inside a running guest, one at each of its polls. */
function make(attempts: readonly Attempt[]): void {
  const world = new World({ restless: true });
  const { pid } = world.spawn(`Thread.create(() => { for (;;) sleep(1); }); for (;;);`);
  const [kernel] = world.kernels;
  assert.ok(kernel !== undefined);
  const left = [...attempts];
  const poll = kernel.poll.bind(kernel);
  kernel.poll = (process: Process) => {
    const next = left.shift();
    if (next === undefined) return poll(process);
    if (NOT_AGAIN.some((name) => SYSCALLS[name].number === next.number)) return false;
    const thread = kernel.current;
    const outcome = new ProcessTraps(kernel, process).syscall(
      next.number,
      next.callId,
      valuesOf(next),
      0,
      next.places.length + 2,
    );
    assert.ok(outcome.kind !== "error" || (outcome.code !== "" && outcome.message !== ""));
    if (outcome.kind !== "block") return poll(process);
    // The guest is not in a call: it is not to be told how this one ended.
    assert.ok(thread?.call !== undefined);
    thread.call.drop();
    process.calls.delete(thread.call);
    thread.call = undefined;
    process.setReady(thread);
    return true;
  };
  for (
    let turns = 0;
    turns < 2000 && (left.length > 0 || turns < 20) && world.known.get(pid)?.exit === undefined;
    turns++
  )
    world.turn();
  for (const process of kernel.processes.values()) {
    if (!process.quiescent) continue;
    const image = encodeImage(capture(kernel, process, world.nowMs), { compress: false });
    checkRecord(decodeImage(image).state);
  }
  for (const { exit } of world.known.values())
    assert.ok(exit === undefined || !/fault/.test(exit.reason ?? ""), exit?.reason);
  for (const process of Array.from(kernel.processes.values())) kernel.end(process, { pid: process.pid, code: 1 });
  assert.equal(kernel.nextMs(), Infinity);
}

test("a guest may call whatever it likes", { timeout: 120_000 }, () => {
  fc.assert(fc.property(fc.array(attempt, { minLength: 1, maxLength: 30 }), make), { numRuns: 600 });
});
