/** Processes: identity, birth and death, signals, checkpoints. */

import {
  type CheckpointRequest,
  type ForkRequest,
  type SignalName,
  SIGNALS,
  type SpawnRequest,
} from "../../abi/records.ts";
import { failure } from "../../errors.ts";
import { HANDLES_MAX } from "../../limits.ts";
import { encodeImage } from "../../machine/image.ts";
import type { Call } from "../call.ts";
import { capture } from "../capture.ts";
import { pathFiles } from "../file-place.ts";
import { answered } from "../fork.ts";
import type { Kernel } from "../kernel.ts";
import { ProcessExit } from "../process-traps.ts";
import { whenQuiescent } from "../quiescence.ts";
import { takeLeave } from "./channel-calls.ts";
import { type Handlers, integerBetween, numberAt, objectAt, stringAt, timeoutAt } from "./arguments.ts";

const UNCATCHABLE: readonly SignalName[] = ["SIGKILL", "SIGSTOP"];

function signalNamed(name: string): SignalName {
  const signal = SIGNALS.find((known) => known === name);
  if (signal === undefined) throw failure("EINVAL", `there is no signal ${name}: use one of ${SIGNALS.join(", ")}`);
  return signal;
}

export const processCalls = {
  exit(_kernel, call) {
    throw new ProcessExit(numberAt(call, 0) & 0xff);
  },

  processInfo(kernel, call) {
    const { process } = call;
    call.succeed({
      pid: process.pid,
      parent: process.parent,
      node: kernel.host.nodeName,
      program: process.program.name,
      arguments: process.arguments,
      environment: process.environment,
      epoch: process.epoch,
    });
  },

  fork(kernel, call) {
    const leaving = takeLeave(call.process, givenBy(objectAt<ForkRequest>(call, 0)));
    call.abandon = () => leaving.forEach((channel) => (channel.leaving = false));
    kernel.request(call, { kind: "fork", gives: leaving.map(({ id }) => id) });
  },

  spawn(kernel, call) {
    const { process } = call;
    const { timeoutMs } = process.quotas;
    // A child does not outlive what was left of its parent's time.
    const lifeLeftMs = timeoutMs === 0 ? 0 : Math.max(1, timeoutMs - process.clockMs(kernel.host.monotonicMs()));
    const request = spawnRequest(objectAt<SpawnRequest>(call, 1));
    kernel.request(call, { kind: "spawn", path: stringAt(call, 0), request, lifeLeftMs });
  },

  exec(kernel, call) {
    kernel.request(call, {
      kind: "exec",
      path: stringAt(call, 0),
      request: spawnRequest(objectAt<SpawnRequest>(call, 1)),
    });
  },

  wait(kernel, call) {
    const timeoutMs =
      call.again && call.expiresMs >= 0
        ? Math.max(0, call.expiresMs - call.process.clockMs(kernel.host.monotonicMs()))
        : timeoutAt(call, 1);
    if (timeoutMs > 0) call.expiresMs = call.process.clockMs(kernel.host.monotonicMs()) + timeoutMs;
    kernel.request(call, {
      kind: "wait",
      pid: integerBetween(numberAt(call, 0), -1, Number.MAX_SAFE_INTEGER, "pid"),
      timeoutMs,
    });
  },

  kill(kernel, call) {
    kernel.request(call, { kind: "kill", pid: numberAt(call, 0), signal: signalNamed(stringAt(call, 1)) });
  },

  signalAction(_kernel, call) {
    const signal = signalNamed(stringAt(call, 0));
    const action = stringAt(call, 1);
    if (UNCATCHABLE.includes(signal)) throw failure("EINVAL", `${signal} cannot be handled or ignored`);
    if (action === "default") call.process.signals.delete(signal);
    else if (action === "handle" || action === "ignore") call.process.signals.set(signal, action);
    else throw failure("EINVAL", `a signal's action is handle, ignore or default, not ${action}`);
    call.succeed();
  },

  /** Made again at the target, where it ends at once: the process is where it wanted to be. */
  migrate(kernel, call) {
    const to = stringAt(call, 0);
    const { nodeName } = kernel.host;
    if (to === nodeName) return call.succeed({ node: nodeName, epoch: call.process.epoch });
    kernel.request(call, { kind: "migrate", to });
  },

  checkpoint(kernel, call) {
    const { process } = call;
    const { file } = objectAt<CheckpointRequest>(call, 0);
    if (typeof file !== "string") throw failure("EINVAL", "checkpoint({ file }) needs the path of a file");
    kernel.perform(call, async () => {
      const { files, path } = pathFiles(kernel, process, file);
      await Promise.resolve(); // it is in flight, and in the image, from the next turn on
      await files.writeWhole(path, await imageAnswering(kernel, call));
      return { restored: false, epoch: process.epoch };
    });
  },
} satisfies Partial<Handlers>;

/** The handles that a fork gives away, of a request that makes sense. */
function givenBy(asked: { readonly [K in keyof ForkRequest]?: unknown }): readonly number[] {
  const { threads, gives = [], listeners = "copy", pending = "copy" } = asked;
  if (threads !== "all" && threads !== "caller")
    throw failure("EINVAL", 'fork copies "all" threads or only the "caller"');
  if (listeners !== "copy" && listeners !== "share" && listeners !== "leave")
    throw failure("EINVAL", 'a fork\'s listeners are for "copy", "share" or "leave"');
  if (pending !== "copy" && pending !== "leave")
    throw failure("EINVAL", 'what is pending in a fork is for "copy" or "leave"');
  if (!Array.isArray(gives) || gives.length > HANDLES_MAX || !gives.every((one) => typeof one === "number"))
    throw failure("EINVAL", "a fork gives a list of handles");
  return gives;
}

/** An image of the process, taken as soon as that can be, in which the call has ended by the process's being restored. */
function imageAnswering(kernel: Kernel, call: Call): Promise<Uint8Array> {
  const { process } = call;
  const restored = { ok: true, value: JSON.stringify({ restored: true, epoch: process.epoch + 1 }) } as const;
  return new Promise((resolve, reject) => {
    const take = () => {
      const image = capture(kernel, process, kernel.host.monotonicMs());
      resolve(encodeImage({ ...image, state: answered(image.state, call, restored) }, { compress: true }));
    };
    whenQuiescent(kernel, process, take, reject);
  });
}

/** What the guest asked for, as far as it is of the right types; what it may have is the node's to say. */
function spawnRequest(asked: { readonly [K in keyof SpawnRequest]?: unknown }): SpawnRequest {
  const strings = (value: unknown) => Array.isArray(value) && value.every((item) => typeof item === "string");
  const record = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  const wrong = (what: string) => failure("EINVAL", `spawn: ${what}`);
  if (asked.arguments !== undefined && !strings(asked.arguments)) throw wrong("arguments must be a list of strings");
  if (asked.environment !== undefined && !(record(asked.environment) && strings(Object.values(asked.environment))))
    throw wrong("environment must map names to strings");
  if (
    asked.quotas !== undefined &&
    !(record(asked.quotas) && Object.values(asked.quotas).every((value) => typeof value === "number"))
  )
    throw wrong("quotas must be numbers");
  if (
    asked.capabilities !== undefined &&
    !(
      record(asked.capabilities) &&
      Object.values(asked.capabilities).every((value) => value === "all" || strings(value))
    )
  ) {
    throw wrong('capabilities must be "all" or lists of strings');
  }
  return asked as SpawnRequest;
}
