/** Channels: opening, accepting, receiving, sending; and what the node tells of them. */

import { type ChannelRequest, type Frame, frameCost, FRAME_KINDS, type FrameKind } from "../../abi/channel.ts";
import { failure } from "../../errors.ts";
import { FRAME_MAX_BYTES, HANDLES_MAX, IO_MAX_BYTES } from "../../limits.ts";
import type { Call } from "../call.ts";
import { type Break, Channel, isLast, isReopened, newChannel } from "../channel.ts";
import { channelRequest } from "../channel-request.ts";
import type { Kernel } from "../kernel.ts";
import type { Process } from "../process.ts";
import { urgent } from "../signal.ts";
import { bytesAt, type Handlers, integerBetween, numberAt, objectAt, timeoutAt } from "./arguments.ts";

const KINDS = Object.values(FRAME_KINDS);

export const channelCalls = {
  channelOpen(kernel, call) {
    const { process } = call;
    const request = channelRequest(objectAt(call, 0));
    const body = bytesAt(call, 1);
    if (body.length > IO_MAX_BYTES) throw failure("EMSGSIZE", `a whole body has at most ${IO_MAX_BYTES} bytes`);
    const { kind } = request;
    checkGrant(process, request);
    const description = "address" in request ? request.address : request.url;
    const channel = new Channel(newChannel({ id: `c${call.id}`, handle: 0, kind, description, request, listener: "" }));
    channel.handle = process.handles.add(channel);
    process.channels.add(channel);
    kernel.host.post({ op: "open", pid: process.pid, channel: channel.id, request, body });
    call.succeed(channel.handle);
  },

  channelAccept(kernel, call) {
    const listener = channelAt(call);
    if (listener.kind !== "listener") throw failure("EINVAL", `handle ${listener.handle} is no listener`);
    if (accept(call.process, listener, call)) return;
    if (listener.broken !== undefined) throw broken(listener.broken);
    wait(kernel, call, listener.acceptors, 1, -1);
  },

  channelReceive(kernel, call) {
    const channel = channelAt(call);
    // Those who asked before come first.
    if (channel.receivers.length === 0 && receive(kernel, channel, call)) return;
    if (channel.incoming.length === 0) {
      if (channel.broken !== undefined) throw broken(channel.broken);
      if (channel.receivedEnd) throw nothingMore();
    }
    wait(kernel, call, channel.receivers, 1, new Uint8Array(0));
  },

  channelSend(kernel, call) {
    const channel = channelAt(call);
    const frame = frameOf(call);
    const why = unsendable(channel, frame.kind);
    if (why !== undefined) throw why;
    const { channels } = call.process;
    const inTurn = !channels.senders.some((other) => other.arguments[0] === call.arguments[0]);
    // Who closes waits for nobody, and there is one end.
    if (inTurn && (channels.hasRoom(channel) || frame.kind === FRAME_KINDS.end))
      return send(kernel, channel, call, frame);
    channels.senders.push(call);
    call.abandon = () => takeOut(channels.senders, call);
  },

  channelBroken(_kernel, call) {
    const channel = channelAt(call);
    if (channel.broken !== undefined) return call.succeed(told(channel.broken));
    channel.watchers.push(call);
    call.abandon = () => takeOut(channel.watchers, call);
  },

  channelUrgent(kernel, call) {
    const channel = channelAt(call);
    channel.urgent = integerBetween(numberAt(call, 1), 1, Number.MAX_SAFE_INTEGER, "a token");
    call.succeed();
    if (channel.broken !== undefined) tellUrgently(kernel, call.process, channel, channel.broken);
  },
} satisfies Partial<Handlers>;

function nothingMore(): Error {
  return failure("EPIPE", "the other side has ended: there is nothing more to receive");
}

function takeOut(list: Call[], call: Call): void {
  const index = list.indexOf(call);
  if (index >= 0) list.splice(index, 1);
}

/** Leaves the call in `list` until something ends it, or its timeout (argument `index`), with `atTimeout`. */
function wait(kernel: Kernel, call: Call, list: Call[], index: number, atTimeout: unknown): void {
  const timeoutMs = timeoutAt(call, index);
  if (timeoutMs === 0) return call.succeed(atTimeout);
  list.push(call);
  call.abandon = () => takeOut(list, call);
  if (timeoutMs > 0) kernel.expire(call, timeoutMs, () => call.succeed(atTimeout));
}

function channelAt(call: Call): Channel {
  const handle = numberAt(call, 0);
  const resource = call.process.handles.get(handle);
  if (!(resource instanceof Channel)) throw failure("EINVAL", `handle ${handle} is a ${resource.kind}, not a channel`);
  if (resource.leaving) throw failure("EPERM", `${resource.describe()} is being given to a child`);
  return resource;
}

/** Channels that a fork gives away: from here on they are the child's, unless the fork fails. */
export function takeLeave(process: Process, handles: readonly number[]): Channel[] {
  const channels = [...new Set(handles)].map((handle) => {
    const channel = process.handles.find(handle);
    if (!(channel instanceof Channel) || channel.kind === "listener" || channel.leaving)
      throw failure("EINVAL", `handle ${handle} is no connection that can be given to a child`);
    return channel;
  });
  for (const channel of channels) channel.leaving = true;
  return channels;
}

function frameOf(call: Call): Frame {
  const kind = KINDS.find((known) => known === numberAt(call, 1));
  if (kind === undefined) throw failure("EINVAL", `there is no kind of frame ${numberAt(call, 1)}`);
  const bytes = bytesAt(call, 2);
  integerBetween(bytes.length, 0, FRAME_MAX_BYTES, "the length of a frame");
  return { kind, bytes };
}

/** Connections are checked where they are made, by name and by address; this says at once what can be said at once. */
function checkGrant(process: Process, request: ChannelRequest): void {
  if (!("address" in request)) {
    if (process.capabilities.net === "all" || process.capabilities.net.length > 0) return;
    const { host } = new URL(request.url);
    throw failure("EACCES", `connecting to ${host} was not given: put --allow-net=${host} before the program's file`);
  }
  const { listen } = process.capabilities;
  if (listen === "all" || listen.includes(request.address)) return;
  throw failure(
    "EACCES",
    `listening on ${request.address} was not given: put --allow-listen=${request.address}, or --listen ${request.address}, before the program's file`,
  );
}

/** Why a frame cannot be sent, if it cannot. */
function unsendable(channel: Channel, kind: FrameKind): Error | undefined {
  if (channel.kind === "listener") return failure("EINVAL", "nothing can be sent to a listener");
  if (channel.broken !== undefined) return broken(channel.broken);
  if (channel.sentEnd) return failure("EPIPE", "this side has ended already: nothing more can be sent");
  const isRequest = channel.kind === "exchange" && channel.receivedEnd;
  if (kind === FRAME_KINDS.upgrade && !isRequest)
    return failure("EINVAL", "a WebSocket is granted to a request that was received whole, and once");
  return undefined;
}

function broken({ code, message }: Break): Error {
  return failure(code, message);
}

function told({ code, message }: Break): string {
  return `${code}: ${message}`;
}

/** Gives the call the next exchange or stream, if one waits and there is a handle for it. */
function accept(process: Process, listener: Channel, call: Call): boolean {
  const exchange = listener.queue[0];
  if (exchange === undefined) return false;
  if (process.handles.full) throw failure("EMFILE", `this process has ${HANDLES_MAX} handles open: close one first`);
  listener.queue.shift();
  exchange.handle = process.handles.add(exchange);
  call.succeed(exchange.handle);
  return true;
}

/** Gives the call the next frame, if one is there, and room for it as the result of an asynchronous call. */
function receive(kernel: Kernel, channel: Channel, call: Call): boolean {
  const { process } = call;
  const sizeBytes = channel.incoming[0]?.bytes.length ?? 0;
  if (call.callId !== 0 && !process.backlog.hasRoomFor(sizeBytes)) {
    process.channels.heldBack.add(channel);
    return false;
  }
  const frame = channel.takeFrame();
  if (frame === undefined) return false;
  for (const one of process.channels.toTell(channel))
    kernel.host.post({ op: "taken", pid: process.pid, channel: one.id, cost: one.takeUntold() });
  const bytes = new Uint8Array(frame.bytes.length + 1);
  bytes[0] = frame.kind;
  bytes.set(frame.bytes, 1);
  call.succeed(bytes);
  finish(kernel, process, channel);
  return true;
}

function send(kernel: Kernel, channel: Channel, call: Call, frame: Frame): void {
  const { process } = call;
  process.channels.sent(channel, frameCost(frame));
  if (isLast(frame.kind)) channel.sentEnd = true;
  if (frame.kind === FRAME_KINDS.upgrade) {
    channel.kind = "socket";
    channel.receivedEnd = false;
  }
  kernel.host.post({ op: "frame", pid: process.pid, channel: channel.id, frame });
  call.succeed();
  finish(kernel, process, channel);
}

/** A channel in which all has been said is closed. */
function finish(kernel: Kernel, process: Process, channel: Channel): void {
  if (!channel.isOver || process.channels.find(channel.id) === undefined) return;
  process.handles.take(channel.handle);
  closeChannel(kernel, process, channel);
}

/** Lets go of a channel whose handle is gone, and of what waits in it. */
export function closeChannel(kernel: Kernel, process: Process, channel: Channel): void {
  forget(kernel, process, channel);
  // The last frame of an exchange tells the node as much.
  if (channel.kind !== "exchange" || !channel.sentEnd)
    kernel.host.post({ op: "close", pid: process.pid, channel: channel.id });
}

/** The channel is a child's now, which has what waited in it. */
export function giveUp(kernel: Kernel, process: Process, handle: number): void {
  const channel = process.handles.find(handle);
  if (!(channel instanceof Channel)) return;
  process.handles.take(handle);
  forget(kernel, process, channel);
}

/** It is this process's no more: who waits in it hears of that. */
function forget(kernel: Kernel, process: Process, channel: Channel): void {
  process.channels.remove(channel);
  for (const exchange of channel.queue.splice(0)) closeChannel(kernel, process, exchange);
  for (const watcher of channel.watchers.slice()) watcher.succeed("");
  for (const one of [...channel.receivers, ...channel.acceptors, ...sendersOf(process, channel)])
    one.fail(failure("ECANCELED", "the channel was closed"));
  sendWaiting(kernel, process);
}

function sendersOf(process: Process, channel: Channel): Call[] {
  return process.channels.senders.filter((call) => call.arguments[0] === channel.handle);
}

/** There is room: sends that waited for it go on, each channel's in order. */
function sendWaiting(kernel: Kernel, process: Process): void {
  for (const call of process.channels.senders.slice()) {
    if (call.ended) continue;
    const channel = process.handles.find(numberAt(call, 0));
    if (!(channel instanceof Channel)) call.fail(failure("EPIPE", "the channel was closed"));
    else sendWaited(kernel, channel, call);
  }
}

function sendWaited(kernel: Kernel, channel: Channel, call: Call): void {
  const frame = frameOf(call);
  const why = unsendable(channel, frame.kind);
  if (why !== undefined) call.fail(why);
  else if (call.process.channels.hasRoom(channel)) send(kernel, channel, call, frame);
}

// ---- What the node tells

/** An exchange or a stream came in by a listener. One whose listener is gone is closed again. */
export function exchangeArrived(kernel: Kernel, process: Process, listenerId: string, id: string, frame: Frame): void {
  const listener = process.channels.find(listenerId);
  if (listener === undefined) return kernel.host.post({ op: "close", pid: process.pid, channel: id });
  const isStream = listener.request?.kind === "listener" && listener.request.protocol === "tcp";
  const kind = isStream ? "stream" : "exchange";
  const fields = { id, handle: 0, kind, request: null, listener: listenerId } as const;
  const exchange = new Channel(newChannel({ ...fields, description: `by ${listener.describe()}` }));
  exchange.incoming.push(frame);
  process.channels.add(exchange);
  const acceptor = listener.acceptors[0];
  if (acceptor !== undefined) accepting(process, listener, acceptor);
}

function accepting(process: Process, listener: Channel, call: Call): void {
  try {
    accept(process, listener, call);
  } catch (error) {
    call.fail(error);
  }
}

export function frameArrived(kernel: Kernel, process: Process, id: string, frame: Frame): void {
  const channel = process.channels.find(id);
  if (channel === undefined) return;
  channel.incoming.push(frame);
  serveReceivers(kernel, channel);
}

function serveReceivers(kernel: Kernel, channel: Channel): void {
  for (let next = channel.receivers[0]; next !== undefined; next = channel.receivers[0])
    if (!receive(kernel, channel, next)) break;
  if (channel.incoming.length > 0) return;
  const why = channel.broken === undefined ? undefined : broken(channel.broken);
  const end = why ?? (channel.receivedEnd ? nothingMore() : undefined);
  if (end !== undefined) for (const other of channel.receivers.slice()) other.fail(end);
}

/** The event loop has taken a result: what was held back for want of room comes as far as there is some, in turn. */
export function goOnReceiving(kernel: Kernel, { channels }: Process): void {
  for (const channel of channels.heldBack) {
    channels.heldBack.delete(channel);
    serveReceivers(kernel, channel);
    if (channels.heldBack.has(channel)) return;
  }
}

/** The node has passed on frames of the process's. */
export function roomMade(kernel: Kernel, process: Process, id: string, cost: number): void {
  const channel = process.channels.find(id);
  if (channel === undefined) return;
  process.channels.sent(channel, -cost);
  sendWaiting(kernel, process);
}

export function channelBroke(kernel: Kernel, process: Process, id: string, why: Break): void {
  const channel = process.channels.find(id);
  if (channel === undefined || channel.broken !== undefined) return;
  channel.broken = why;
  process.channels.sent(channel, -channel.outgoing);
  tellUrgently(kernel, process, channel, why);
  const error = broken(why);
  for (const one of [...channel.acceptors, ...sendersOf(process, channel)]) one.fail(error);
  serveReceivers(kernel, channel); // what came before goes before
  for (const watcher of channel.watchers.slice()) watcher.succeed(told(why));
  sendWaiting(kernel, process);
  // Nobody will ask for an exchange that broke before it was accepted.
  if (channel.handle === 0) process.channels.remove(channel);
}

/** Once, if the process wants it. */
function tellUrgently(kernel: Kernel, process: Process, channel: Channel, why: Break): void {
  const token = channel.urgent;
  channel.urgent = 0;
  if (token !== 0) urgent(kernel, process, { kind: "left", token, message: told(why) });
}

/** A WebSocket's ping says something. */
export function pinged(kernel: Kernel, process: Process, id: string, message: string): void {
  const channel = process.channels.find(id);
  if (channel !== undefined) urgent(kernel, process, { kind: "ping", handle: channel.handle, message });
}

/** Opens the listeners and datagram sockets of a copy of a process again, under what it may do here; `shared` where its parent has them. */
export function reopenListeners(kernel: Kernel, process: Process, shared = false): void {
  for (const channel of process.channels.all()) {
    const { request } = channel;
    if (request === null || !isReopened(channel.kind) || channel.broken !== undefined) continue;
    try {
      checkGrant(process, request);
      const body = new Uint8Array(0);
      kernel.host.post({
        op: "open",
        pid: process.pid,
        channel: channel.id,
        request,
        body,
        shared: shared && request.kind === "listener",
      });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      channelBroke(kernel, process, channel.id, { code: "EACCES", message });
    }
  }
}
