/** What a program has of an address that it listens at: the channel, and the address, which a copy has another of. */

import type { ChannelRequest, ListenerHead } from "../../abi/channel.ts";
import { SHARED_WORDS } from "../../abi/records.ts";
import { coded, sharedWords, syscall } from "../core.ts";
import { openFrame, type ReceivedFrame } from "./frame.ts";

export class Acceptance {
  readonly handle: number;
  /** What comes in has channels of its own: on this one there are heads alone. */
  readonly #hasHeadsAlone: boolean;
  #address = "";
  /** The process in which the address was learnt: a fork's child, and what is restored from an image, has another. */
  #pid = 0;
  isClosed = false;

  /** Waits until it is open. */
  constructor(request: ChannelRequest) {
    this.#hasHeadsAlone = request.kind === "listener";
    this.handle = syscall("channelOpen", request, new Uint8Array(0));
    this.#receiveHead();
  }

  get address(): string {
    if (this.isClosed) return this.#address;
    if (this.#pid !== pid()) this.#receiveHead();
    else if (this.#hasHeadsAlone) this.#lookForHead();
    return this.#address;
  }

  #receiveHead(): void {
    try {
      this.learn(syscall("channelReceive", this.handle, -1));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The same process may have been opened the address anew, at another home. */
  #lookForHead(): void {
    try {
      const frame = syscall("channelReceive", this.handle, 0);
      if (frame.length > 0) this.learn(frame);
    } catch {
      // It is broken, which who accepts is told.
    }
  }

  /** Throws ECANCELED once it is closed: its handle may be another's by now. */
  check(): void {
    if (this.isClosed) throw coded("ECANCELED", "it was closed: nothing more comes in here");
  }

  /** A head came: it was opened, perhaps anew. */
  learn(frame: ReceivedFrame): void {
    this.#pid = pid();
    this.#address = openFrame<ListenerHead>(frame).head.address;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    syscall("close", this.handle);
  }
}

function pid(): number {
  return sharedWords[SHARED_WORDS.pid] ?? 0;
}
