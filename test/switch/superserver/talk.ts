/** Clients of services, and superservers for a test. */

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { ClusterControl, SpawnOptions } from "../../../src/abi/control.ts";
import type { Bounds } from "../../../src/switch/superserver/allowance.ts";
import { Superserver } from "../../../src/switch/superserver/superserver.ts";

/** An address of this machine's own that nobody else is likely to have: so ports can be those of the book. */
export function ownAddress(): string {
  const part = () => 1 + Math.floor(Math.random() * 253);
  return `127.${part()}.${part()}.${part()}`;
}

/** Sends, and reads to the end, or until it has so many bytes. A connection that is reset ends as well. */
export async function talk(
  address: string,
  port: number,
  { send = "", half = true, takeBytes = Infinity }: { send?: string | Buffer; half?: boolean; takeBytes?: number } = {},
): Promise<Buffer> {
  const socket = connect({ host: address, port, allowHalfOpen: true });
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  const closed = once(socket, "close").catch(() => {});
  socket.on("error", () => {});
  socket.on("data", (bytes) => {
    pieces.push(bytes);
    sizeBytes += bytes.length;
    if (sizeBytes >= takeBytes) socket.destroy();
  });
  socket.on("end", () => socket.end());
  if (half) socket.end(send);
  else socket.write(send);
  await closed;
  return Buffer.concat(pieces).subarray(0, takeBytes);
}

/**
 * Sends datagrams one after the other, each when the one before was answered; resolves to the answers.
 * @param from an address of this machine's
 */
export async function exchange(
  address: string,
  port: number,
  messages: readonly string[],
  from = "127.0.0.1",
): Promise<string[]> {
  const socket = createSocket("udp4");
  const answers: string[] = [];
  try {
    await new Promise<void>((resolve) => socket.bind(0, from, resolve));
    for (const message of messages) {
      socket.send(message, port, address);
      const [answer] = (await once(socket, "message")) as [Buffer];
      answers.push(answer.toString("latin1"));
    }
  } finally {
    socket.close();
  }
  return answers;
}

/** Sends datagrams that are not answered. */
export async function tell(address: string, port: number, ...messages: readonly string[]): Promise<void> {
  const socket = createSocket("udp4");
  for (const message of messages)
    await new Promise<void>((resolve, reject) => {
      socket.send(message, port, address, (error) => (error === null ? resolve() : reject(error)));
    });
  socket.close();
}

/** Programs for entries that have none of godwit's. */
const NONE = {
  prepare: (): Promise<SpawnOptions> => Promise.reject(new Error("not here")),
  control: (): Promise<ClusterControl> => Promise.reject(new Error("not here")),
};

export interface Running {
  readonly server: Superserver;
  readonly file: string;
  readonly log: string[];
  /** Writes the file anew, and has it read. */
  readonly change: (text: string) => Promise<void>;
}

/** A superserver of the test's own, over a file in `folder`; it is stopped when the test ends. */
export async function serve(
  test: TestContext,
  folder: string,
  text: string,
  options: {
    readonly names?: string;
    readonly bounds?: Partial<Bounds>;
    readonly programs?: typeof NONE;
  } = {},
): Promise<Running> {
  const file = join(folder, "inetd.conf");
  const namesFile = join(folder, "services");
  writeFileSync(file, text);
  writeFileSync(namesFile, options.names ?? "");
  const log: string[] = [];
  const server = await Superserver.start({
    file,
    namesFiles: [namesFile, "/etc/services"],
    bounds: { perMinute: 256, atOnce: 256, ...options.bounds },
    programs: options.programs ?? NONE,
    log: (line) => log.push(line),
  });
  test.after(() => server.stop());
  const change = (text: string) => {
    writeFileSync(file, text);
    return server.reload();
  };
  return { server, file, log, change };
}
