/** What a program has of an address that it listens at: the channel, and the address, which a copy has another of. */

import type { ChannelRequest, ListenerHead } from "../../abi/channel.ts";
import { SHARED_WORDS } from "../../abi/records.ts";
import { coded, sharedWords, syscall } from "../core.ts";
import { openFrame, type ReceivedFrame } from "./frame.ts";

export class Acceptance {
  readonly handle: number;
  #address: string;
  /** Where the address was learnt. */
  #place = placeOf();
  isClosed = false;

  /** Waits until it is open. */
  constructor(request: ChannelRequest) {
    this.handle = syscall("channelOpen", request, new Uint8Array(0));
    this.#address = this.#learnAddress();
  }

  get address(): string {
    if (this.#place !== placeOf() && !this.isClosed) {
      this.#place = placeOf();
      this.#address = this.#learnAddress();
    }
    return this.#address;
  }

  #learnAddress(): string {
    try {
      return openFrame<ListenerHead>(syscall("channelReceive", this.handle, -1)).head.address;
    } catch (error) {
      syscall("close", this.handle);
      throw error;
    }
  }

  /** Throws ECANCELED once it is closed: its handle may be another's by now. */
  check(): void {
    if (this.isClosed) throw coded("ECANCELED", "it was closed: nothing more comes in here");
  }

  /** A head came again: it was opened anew. */
  learn(frame: ReceivedFrame): void {
    this.#place = placeOf();
    this.#address = openFrame<ListenerHead>(frame).head.address;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    syscall("close", this.handle);
  }
}

/** Changes when the process becomes another: in a fork's child, and after a restore. */
function placeOf(): string {
  return `${sharedWords[SHARED_WORDS.pid] ?? 0} ${sharedWords[SHARED_WORDS.epoch] ?? 0}`;
}
