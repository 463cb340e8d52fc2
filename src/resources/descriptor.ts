/**
 * Connections as processes of one machine pass them on: their descriptors. Node passes a socket that nobody has begun to read;
 * one that was, it would go on reading here, and lose what comes meanwhile. So what is passed is the handle below the socket, as
 * Node's own `cluster` does it, once its reading is stopped. Where Node has no such handle nothing is passed on.
 */

import { Socket } from "node:net";

/** What of Node's handles of connections is used. */
export interface Descriptor {
  reading: boolean;
  readStart(): number;
  readStop(): number;
  close(): void;
}

/** The descriptor of a connection, or undefined when there is none that can be passed on. */
export function descriptorOf(socket: Socket): Descriptor | undefined {
  const handle: unknown = Reflect.get(socket, "_handle");
  return isDescriptor(handle) ? handle : undefined;
}

/** Whether this is one, as it comes from another process. */
export function isDescriptor(value: unknown): value is Descriptor {
  if (typeof value !== "object" || value === null) return false;
  return ["readStart", "readStop", "close"].every((name) => typeof Reflect.get(value, name) === "function");
}

/** Reads nothing more of a connection, from this very moment: what comes waits in the system. */
export function holdStill(socket: Socket): void {
  const descriptor = descriptorOf(socket);
  if (descriptor === undefined) return;
  // A stream asks for more by itself when it has been given something, and so it does just after this, if this comes of that.
  socket._read = () => {};
  descriptor.reading = false;
  descriptor.readStop();
}

export function goOnReading(socket: Socket): void {
  const descriptor = descriptorOf(socket);
  if (descriptor === undefined) return;
  Reflect.deleteProperty(socket, "_read");
  descriptor.reading = true;
  descriptor.readStart();
}

/** A connection that came from another process. Nothing of it is read before it is resumed. */
export function socketOf(descriptor: Descriptor): Socket {
  const options = { handle: descriptor, allowHalfOpen: true, pauseOnCreate: true };
  return new Socket(options);
}
