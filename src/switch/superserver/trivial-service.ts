/** The services that inetd has inside: echo (RFC 862), discard (863), chargen (864), daytime (867) and time (868). */

import type { Socket } from "node:net";
import { finished, received, written } from "./connection.ts";

const NAMES = ["echo", "discard", "chargen", "daytime", "time"] as const;
export type TrivialName = (typeof NAMES)[number];

export function isTrivialName(name: string): name is TrivialName {
  return NAMES.some((each) => each === name);
}

/** The printing characters of ASCII, in a ring; a line is 72 of them. */
const RING = Buffer.from(Array.from({ length: 95 }, (_, index) => 32 + index));
const LINE_CHARS = 72;
/** Seconds from 1900, from which the time protocol counts, to 1970. */
const SECONDS_BEFORE_1970 = 2_208_988_800;

/** RFC 864's pattern, line by line: each begins one character later. */
class Pattern {
  #start = 0;

  line(): Buffer {
    const line = Buffer.alloc(LINE_CHARS + 2, "\r\n");
    for (let at = 0; at < LINE_CHARS; at++) line[at] = RING[(this.#start + at) % RING.length] ?? 0;
    line.write("\r\n", LINE_CHARS);
    this.#start = (this.#start + 1) % RING.length;
    return line;
  }
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** As C's `ctime` writes it, in local time: `Sun Nov 22 01:39:53 2026`. */
function daytime(date: Date): Buffer {
  const two = (value: number) => String(value).padStart(2, "0");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  const day = String(date.getDate()).padStart(2);
  const text = `${DAYS[date.getDay()] ?? ""} ${MONTHS[date.getMonth()] ?? ""} ${day} ${time} ${date.getFullYear()}\r\n`;
  return Buffer.from(text);
}

function time(date: Date): Buffer {
  const seconds = Buffer.alloc(4);
  seconds.writeUInt32BE((Math.floor(date.getTime() / 1000) + SECONDS_BEFORE_1970) % 2 ** 32);
  return seconds;
}

const STREAMS: Readonly<Record<TrivialName, (socket: Socket) => Promise<void>>> = {
  async echo(socket) {
    for await (const bytes of received(socket)) await written(socket, bytes);
  },
  async discard(socket) {
    for await (const _ of received(socket)) continue;
  },
  async chargen(socket) {
    const pattern = new Pattern();
    socket.resume();
    for (;;) await written(socket, Buffer.concat(Array.from({ length: RING.length }, () => pattern.line())));
  },
  daytime: (socket) => written(socket, daytime(new Date())),
  time: (socket) => written(socket, time(new Date())),
};

/** Serves a connection to its end. */
export async function serveTrivial(name: TrivialName, socket: Socket): Promise<void> {
  try {
    await STREAMS[name](socket);
  } catch {
    // The client has gone.
  }
  await finished(socket);
}

/** What answers datagrams, each with at most one. */
export function trivialAnswers(name: TrivialName): (data: Buffer) => Buffer | undefined {
  const pattern = new Pattern();
  const answers: Readonly<Record<TrivialName, (data: Buffer) => Buffer | undefined>> = {
    echo: (data) => data,
    discard: () => undefined,
    chargen: () => pattern.line(),
    daytime: () => daytime(new Date()),
    time: () => time(new Date()),
  };
  return answers[name];
}
