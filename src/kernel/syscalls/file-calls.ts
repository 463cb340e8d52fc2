/** Files and the standard streams. */

import type { OpenRequest } from "../../abi/records.ts";
import { failure } from "../../errors.ts";
import { HANDLES_MAX, IO_MAX_BYTES, OUTPUT_IN_FLIGHT_MAX_BYTES, OUTPUT_PIECE_BYTES } from "../../limits.ts";
import type { Call } from "../call.ts";
import { Channel } from "../channel.ts";
import { pathFiles } from "../file-place.ts";
import type { Kernel } from "../kernel.ts";
import { STANDARD_STREAMS } from "../process-record.ts";
import type { Process } from "../process.ts";
import { openRequest } from "../resource-state.ts";
import { bytesAt, type Handlers, integerBetween, numberAt, objectAt, stringAt } from "./arguments.ts";
import { closeChannel } from "./channel-calls.ts";

const SEEK_ORIGINS = ["start", "current", "end"] as const;

export const fileCalls = {
  open(kernel, call) {
    const { process } = call;
    const request = openRequest(objectAt<OpenRequest>(call, 1));
    if (process.handles.full) throw failure("EMFILE", `this process has ${HANDLES_MAX} handles open: close one first`);
    kernel.perform(call, async () => {
      const { files, path } = pathFiles(kernel, process, stringAt(call, 0), request.node);
      const resource = await files.open(path, request);
      try {
        if (call.ended || process.ended) throw failure("ECANCELED", "the process is over");
        return process.handles.add(resource);
      } catch (error) {
        await resource.close();
        throw error;
      }
    });
  },

  read(kernel, call) {
    const maxBytes = integerBetween(numberAt(call, 1), 0, IO_MAX_BYTES, "the length of a read");
    const handle = numberAt(call, 0);
    if (handle === 0) return readInput(kernel, call, maxBytes);
    if (handle in STANDARD_STREAMS) throw failure("EBADF", `${STANDARD_STREAMS[handle] ?? ""} cannot be read`);
    const resource = call.process.handles.file(handle);
    kernel.perform(call, () => resource.read(maxBytes));
  },

  write(kernel, call) {
    const handle = numberAt(call, 0);
    const bytes = bytesAt(call, 1);
    if (handle === 1 || handle === 2) return writeOutput(kernel, call, handle === 1 ? "stdout" : "stderr", bytes);
    if (handle === 0) throw failure("EBADF", "stdin cannot be written");
    const resource = call.process.handles.file(handle);
    kernel.perform(call, () => resource.write(bytes));
  },

  seek(kernel, call) {
    const resource = call.process.handles.file(numberAt(call, 0));
    const origin = SEEK_ORIGINS.find((known) => known === stringAt(call, 2));
    if (origin === undefined) throw failure("EINVAL", `a position is from ${SEEK_ORIGINS.join(", ")}`);
    kernel.perform(call, () => resource.seek(numberAt(call, 1), origin));
  },

  close(kernel, call) {
    const { process } = call;
    const resource = process.handles.take(numberAt(call, 0));
    if (!(resource instanceof Channel)) return kernel.perform(call, () => resource.close());
    closeChannel(kernel, process, resource);
    call.succeed();
  },

  stat(kernel, call) {
    const { files, path } = pathFiles(kernel, call.process, stringAt(call, 0));
    kernel.perform(call, () => files.stat(path));
  },

  readDirectory(kernel, call) {
    const { files, path } = pathFiles(kernel, call.process, stringAt(call, 0));
    kernel.perform(call, () => files.readDirectory(path));
  },

  makeDirectory(kernel, call) {
    const { recursive } = objectAt<{ recursive: boolean }>(call, 1);
    const { files, path } = pathFiles(kernel, call.process, stringAt(call, 0));
    kernel.perform(call, () => files.makeDirectory(path, recursive === true));
  },

  remove(kernel, call) {
    const { recursive } = objectAt<{ recursive: boolean }>(call, 1);
    const { files, path } = pathFiles(kernel, call.process, stringAt(call, 0));
    kernel.perform(call, () => files.remove(path, recursive === true));
  },

  rename(kernel, call) {
    const from = pathFiles(kernel, call.process, stringAt(call, 0));
    const to = pathFiles(kernel, call.process, stringAt(call, 1));
    if (from.folder !== to.folder) throw failure("EINVAL", "a file is not renamed into or out of a scratch directory");
    kernel.perform(call, () => from.files.rename(from.path, to.path));
  },

  truncate(kernel, call) {
    const resource = call.process.handles.file(numberAt(call, 0));
    kernel.perform(call, () =>
      resource.truncate(integerBetween(numberAt(call, 1), 0, Number.MAX_SAFE_INTEGER, "a size")),
    );
  },

  sync(kernel, call) {
    const resource = call.process.handles.file(numberAt(call, 0));
    kernel.perform(call, () => resource.sync());
  },
} satisfies Partial<Handlers>;

/** Standard input: takes what is there, or waits; nothing is taken before the call ends, so it can be made again. */
function readInput(kernel: Kernel, call: Call, maxBytes: number): void {
  call.inFlight = "reissue";
  const { process } = call;
  const bytes = maxBytes === 0 ? new Uint8Array(0) : process.input.take(maxBytes);
  if (bytes === undefined) {
    const { readers } = process.input;
    readers.push(call);
    call.abandon = () => {
      const index = readers.indexOf(call);
      if (index >= 0) readers.splice(index, 1);
    };
    return;
  }
  if (bytes.length > 0) kernel.host.post({ op: "inputTaken", pid: process.pid, sizeBytes: bytes.length });
  call.succeed(bytes);
}

/** Bytes came in, or the end: reads that waited go on. */
export function inputArrived(kernel: Kernel, process: Process): void {
  for (const reader of process.input.readers.slice()) {
    reader.abandon();
    readInput(kernel, reader, numberAt(reader, 1));
  }
}

/** Output goes to the node at once while there is room on the way; else the call waits, with nothing written yet. */
function writeOutput(kernel: Kernel, call: Call, stream: "stdout" | "stderr", bytes: Uint8Array): void {
  const { process } = call;
  call.inFlight = "reissue";
  if (process.outputInFlight > OUTPUT_IN_FLIGHT_MAX_BYTES) {
    process.outputWaiters.push(call);
    call.abandon = () => {
      const index = process.outputWaiters.indexOf(call);
      if (index >= 0) process.outputWaiters.splice(index, 1);
    };
    return;
  }
  if (bytes.length > 0) kernel.output(process, stream, bytes);
  call.succeed(bytes.length);
}

/** The node took output: writes that waited for room go on, in order. */
export function outputTaken(kernel: Kernel, process: Process, sizeBytes: number): void {
  process.outputInFlight -= sizeBytes + OUTPUT_PIECE_BYTES;
  while (process.outputInFlight <= OUTPUT_IN_FLIGHT_MAX_BYTES) {
    const call = process.outputWaiters[0];
    if (call === undefined) return;
    call.abandon();
    writeOutput(kernel, call, numberAt(call, 0) === 1 ? "stdout" : "stderr", bytesAt(call, 1));
  }
}
