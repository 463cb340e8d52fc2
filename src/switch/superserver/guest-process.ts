/** A program of godwit's that serves a client: its standard streams are the connection. */

import type { Socket } from "node:net";
import type { NodeControl, SpawnOptions } from "../../abi/control.ts";
import { DATAGRAM_MAX_BYTES, INPUT_BUFFER_MAX_BYTES, SUPERSERVER_READER_IDLE_MS } from "../../limits.ts";
import { finished, received, written } from "./connection.ts";

/** Carries what the client sends to standard input, and its end. A client that breaks off ends the process, as SIGPIPE does. */
async function carryInput(control: NodeControl, pid: number, socket: Socket): Promise<void> {
  try {
    for await (const bytes of received(socket)) await control.input(pid, bytes);
    await control.input(pid, null);
  } catch {
    if (socket.destroyed) await control.signal(pid, "SIGKILL").catch(() => {}); // it may have ended by itself
  }
}

/** Starts a process for a connection. Resolves when both have ended. @throws GodwitError when it cannot be started. */
export async function serveStream(control: NodeControl, program: SpawnOptions, socket: Socket): Promise<void> {
  let pid: number;
  try {
    pid = await control.spawn({ ...program, outputHeld: true });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  const kill = () => void control.signal(pid, "SIGKILL").catch(() => {});
  const stop = control.output(pid, true, (_stream, bytes) => written(socket, bytes).catch(kill));
  void carryInput(control, pid, socket);
  try {
    await control.wait(pid);
    await finished(socket);
  } finally {
    stop();
    socket.destroy();
  }
}

/**
 * Starts a process for one datagram, which is its whole input. Resolves to what it wrote, once it has ended: the answer;
 * undefined when it wrote nothing, or more than a datagram holds.
 */
export async function answerDatagram(
  control: NodeControl,
  program: SpawnOptions,
  data: Buffer,
): Promise<Buffer | undefined> {
  const pid = await control.spawn({ ...program, outputHeld: true });
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  const stop = control.output(pid, true, (_stream, bytes) => {
    sizeBytes += bytes.length;
    if (sizeBytes <= DATAGRAM_MAX_BYTES) pieces.push(Buffer.from(bytes));
  });
  try {
    await control.input(pid, data).then(
      () => control.input(pid, null),
      () => {}, // it has ended without reading
    );
    await control.wait(pid);
  } finally {
    stop();
  }
  return sizeBytes === 0 || sizeBytes > DATAGRAM_MAX_BYTES ? undefined : Buffer.concat(pieces);
}

/**
 * The one process that reads all datagrams of a service: each is one read of its standard input. It is started with the
 * first, and its input ends when none has come for a while. What it writes goes nowhere: it does not know to whom.
 */
export class GuestReader {
  /** Resolves when the process has. @throws GodwitError when it cannot be started. */
  readonly ended: Promise<void>;
  readonly #control: NodeControl;
  readonly #pid: Promise<number>;
  readonly #idle: NodeJS.Timeout;
  /** Given, and not with the process yet. */
  #waitingBytes = 0;
  #isOver = false;

  constructor(control: NodeControl, program: SpawnOptions) {
    this.#control = control;
    this.#pid = control.spawn(program);
    this.ended = this.#pid
      .then(async (pid) => void (await control.wait(pid)))
      .finally(() => {
        this.#isOver = true;
        clearTimeout(this.#idle);
      });
    this.#idle = setTimeout(() => this.end(), SUPERSERVER_READER_IDLE_MS);
  }

  /** False when it reads no more. What finds no room is lost, as datagrams may be. */
  give(data: Buffer): boolean {
    if (this.#isOver) return false;
    this.#idle.refresh();
    if (this.#waitingBytes + data.length > INPUT_BUFFER_MAX_BYTES) return true;
    this.#waitingBytes += data.length;
    this.#pid
      .then((pid) => this.#control.input(pid, data))
      .catch(() => {}) // its end tells the same
      .finally(() => (this.#waitingBytes -= data.length));
    return true;
  }

  /** The process is given no more: its input ends. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#idle);
    this.#pid.then((pid) => this.#control.input(pid, null)).catch(() => {});
  }

  kill(): void {
    this.#pid.then((pid) => this.#control.signal(pid, "SIGKILL")).catch(() => {});
  }
}
