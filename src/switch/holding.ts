/**
 * An address that this node is to hold: it accepts clients there, or stands by until it can, as when another node of the same
 * machine has the address, or this machine does not have it yet.
 */

import type { ExposeOptions, Front } from "../abi/control.ts";
import { EXPOSURE_RETRY_MS } from "../limits.ts";
import type { Exposure } from "./exposure.ts";
import type { Credentials } from "../resources/http-server.ts";

/** What a holding needs of its node. */
export interface Ground {
  readonly self: string;
  open(options: ExposeOptions): Promise<Front>;
  close(service: string, address: string): void;
  /** Connections that are there go on. */
  retire(service: string, address: string): void;
  revise(service: string, address: string, policy: string): void;
  credentials(secret: string): Promise<Credentials>;
}

export class Holding {
  readonly #ground: Ground;
  #exposure: Exposure;
  #isOpen: boolean;
  #why = "it has not been tried yet";
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;
  /** What was in the vault for it. */
  #credentials: { readonly secret: string; readonly content: Credentials } | undefined;
  /** What is done to it is done in turn. */
  #turn: Promise<void> = Promise.resolve();
  #isDue = false;

  /** @param isOpen whether the node has opened it already. */
  constructor(exposure: Exposure, ground: Ground, isOpen: boolean) {
    this.#exposure = exposure;
    this.#ground = ground;
    this.#isOpen = isOpen;
  }

  get exposure(): Exposure {
    return this.#exposure;
  }

  /** Whether clients come in there. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** If not, why. */
  get why(): string {
    return this.#why;
  }

  /** It may be possible now. Resolves when it was tried. */
  try(): Promise<void> {
    if (!this.#isDue) {
      this.#isDue = true;
      this.#turn = this.#turn.then(() => this.#hold());
    }
    return this.#turn;
  }

  /** What is exposed there is another from now on. */
  become(exposure: Exposure): Promise<void> {
    // What is waiting to be tried already comes before this, and may open what is closed here.
    this.#turn = this.#turn.then(async () => {
      await this.#change(exposure);
      await this.#hold();
    });
    return this.#turn;
  }

  async #change(exposure: Exposure): Promise<void> {
    const { service, address, secret, careOf, passOn } = this.#exposure;
    this.#exposure = exposure;
    if (secret === exposure.secret && careOf === exposure.careOf && passOn === exposure.passOn)
      return this.#ground.revise(service, address, exposure.policy);
    // So that the address is without anybody for no longer than it takes to open it again.
    await this.#load().catch(() => {});
    this.#close();
  }

  async #load(): Promise<Partial<Credentials>> {
    const { secret } = this.#exposure;
    if (secret === null) return {};
    if (this.#credentials?.secret !== secret)
      this.#credentials = { secret, content: await this.#ground.credentials(secret) };
    return this.#credentials.content;
  }

  async #hold(): Promise<void> {
    this.#isDue = false;
    clearTimeout(this.#timer);
    if (this.#isOver || this.#isOpen) return;
    const { service, address, policy, careOf, passOn } = this.#exposure;
    try {
      const told = careOf === null ? {} : { careOf };
      await this.#ground.open({ service, address, policy, passOn, ...told, ...(await this.#load()) });
      this.#isOpen = true;
      if (this.#isOver) this.#close();
    } catch (error) {
      this.#why = error instanceof Error ? error.message : String(error);
      if (!this.#isOver) this.#timer = setTimeout(() => void this.try(), EXPOSURE_RETRY_MS).unref();
    }
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#ground.close(this.#exposure.service, this.#exposure.address);
  }

  /** Lets the address go: no client comes in there any more. */
  close(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#close();
  }

  /** Lets it go to other nodes: clients that are there may go on. */
  retire(): void {
    const { service, address } = this.#exposure;
    if (this.#isOpen) this.#ground.retire(service, address);
    this.#isOpen = false;
    this.close();
  }
}
