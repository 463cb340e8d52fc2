/**
 * Where services are exposed: entries of the cluster's directory. Each node holds the addresses that it is to hold as soon as
 * it can, and lets them go when it drains; whoever stands by takes them over. So an address outlives the nodes that have it.
 */

import { createSecureContext } from "node:tls";
import * as v from "valibot";

import type { ExposeOptions, ExposureInfo, Front } from "../abi/control.ts";
import type { Directory } from "../cluster/engine.ts";
import type { Membership } from "../cluster/membership.ts";
import { failure } from "../errors.ts";
import { EXPOSURES_MAX } from "../limits.ts";
import { Entries } from "./entries.ts";
import { type Exposure, exposureKey, exposureOf, EXPOSURES, exposureValue } from "./exposure.ts";
import { frontAddress } from "./front-address.ts";
import type { Fronts } from "./fronts.ts";
import { type Ground, Holding } from "./holding.ts";
import { policyOf, policyText } from "./policy.ts";
import type { Vault } from "./vault.ts";

const CREDENTIALS = v.object({ certificate: v.string(), key: v.string() });

export interface ExposuresOptions {
  readonly self: string;
  readonly directory: Directory;
  readonly vault: Vault;
  readonly fronts: Fronts;
  /** Absent where the node is alone. */
  readonly membership: Membership | undefined;
  /** Told when an address was let go. */
  readonly freed: () => void;
}

export class Exposures {
  readonly #options: ExposuresOptions;
  readonly #ground: Ground;
  #entries: Entries<Exposure> | undefined;
  /** Those of this node. */
  readonly #holdings = new Map<string, Holding>();
  /** Addresses that were opened here and are being written down. */
  readonly #opened = new Set<string>();
  #isLeaving = false;
  #isOver = false;
  #endMembers: () => void = () => {};

  private constructor(options: ExposuresOptions) {
    const { fronts, vault, self } = options;
    this.#options = options;
    this.#ground = {
      self,
      open: (one) => fronts.expose(one),
      close: (service, address) => void fronts.unexpose(service, address),
      retire: (service, address) => fronts.retire(service, address),
      revise: (service, address, policy) => fronts.revise(service, address, policy),
      credentials: async (secret) => v.parse(CREDENTIALS, await vault.get(secret)),
    };
  }

  /** Resolves when the present ones are known. */
  static async open(options: ExposuresOptions): Promise<Exposures> {
    const exposures = new Exposures(options);
    exposures.#entries = await Entries.open(options.directory, EXPOSURES, exposureOf, (key, one) => {
      exposures.#changed(key, one);
    });
    exposures.#endMembers = options.membership?.watch(() => exposures.tryAll()) ?? (() => {});
    return exposures;
  }

  get #known(): Entries<Exposure> {
    if (this.#entries === undefined) throw failure("EAGAIN", "this node does not know yet what is exposed: try again");
    return this.#entries;
  }

  // ---- What this node is to hold

  #isMeant({ at, careOf }: Exposure): boolean {
    const isNamed = at === "all" || at.includes(this.#options.self);
    return isNamed && !this.#isOver && !(this.#isLeaving && (careOf !== null || this.#othersCan(at)));
  }

  #othersCan(at: Exposure["at"]): boolean {
    const members = this.#options.membership?.all() ?? [];
    return members.some(
      ({ name, load }) => name !== this.#options.self && load.state === "up" && (at === "all" || at.includes(name)),
    );
  }

  #changed(key: string, exposure: Exposure | undefined): void {
    const holding = this.#holdings.get(key);
    if (exposure === undefined || !this.#isMeant(exposure)) {
      if (exposure === undefined) holding?.close();
      else holding?.retire();
      this.#holdings.delete(key);
    } else if (holding === undefined) {
      const created = new Holding(exposure, this.#ground, this.#opened.delete(key));
      this.#holdings.set(key, created);
      void created.try();
    } else if (holding.exposure.revision !== exposure.revision) void holding.become(exposure);
  }

  /** An address may be free by now, or a node gone that held one. */
  tryAll(): void {
    for (const exposure of this.#entries?.all() ?? []) this.#changed(keyOf(exposure), exposure);
    for (const holding of this.#holdings.values()) void holding.try();
  }

  /** The node is about to go away: what others can hold is theirs, and nobody is to come to it directly. */
  leave(): void {
    this.#isLeaving = true;
    this.tryAll();
    this.#options.freed();
  }

  // ---- What is exposed

  /**
   * Exposes a service, or changes how it is exposed at an address.
   * @throws GodwitError EINVAL, EADDRINUSE, EADDRNOTAVAIL, EACCES, EAGAIN; as the directory.
   */
  async expose(options: ExposeOptions): Promise<Front> {
    const { service, certificate, key: privateKey, at = [this.#options.self], careOf, passOn = "auto" } = options;
    this.#options.fronts.check(options);
    const { scheme, place } = frontAddress(options.address);
    const policy = policyText(policyOf(options.policy ?? (careOf === undefined ? "least-loaded" : "local")));
    const told = careOf ?? null;
    if (certificate !== undefined && privateKey !== undefined) checkCredentials(certificate, privateKey);
    const asked = `${scheme}://${place}`;
    const isNew = this.#known.get(exposureKey(service, asked)) === undefined;
    if (isNew && this.#known.all().length >= EXPOSURES_MAX)
      throw failure("EAGAIN", `${EXPOSURES_MAX} addresses are exposed already: unexpose some first`);
    // What is wrong with the address is told now, and which port it is that was free.
    const front = isNew ? await this.#options.fronts.expose(options) : undefined;
    const address = front?.address ?? asked;
    const key = exposureKey(service, address);
    const { vault } = this.#options;
    let secret: string | null = null;
    try {
      if (certificate !== undefined) secret = await vault.put({ certificate, key: privateKey });
      if (isNew) this.#opened.add(key);
      const before = await this.#known.put(
        key,
        exposureValue({ policy, passOn, at: at === "all" ? at : [...at], secret, careOf: told }),
      );
      if (before !== undefined && before.secret !== null) void vault.drop(before.secret);
    } catch (error) {
      if (secret !== null) void vault.drop(secret);
      this.#opened.delete(key);
      if (front !== undefined) this.#options.fronts.unexpose(service, address);
      throw error;
    }
    // It is not to be one of those that hold it.
    if (this.#opened.delete(key)) this.#options.fronts.unexpose(service, address);
    await this.#holdings.get(key)?.try();
    const reached = front?.careOf ?? careOf;
    return {
      service,
      address,
      policy,
      node: this.#options.self,
      passOn,
      ...(reached === undefined ? {} : { careOf: reached }),
    };
  }

  /** Takes an exposure of a service back, or all. Returns those that it took back: each node is told, one of them does it. */
  async unexpose(service: string, address?: string): Promise<ExposureInfo[]> {
    const { directory, vault } = this.#options;
    const isMeant = (one: Exposure) => one.service === service && (address === undefined || one.address === address);
    const listed = (await directory.list(`${EXPOSURES}${service}/`)).map(exposureOf).filter((one) => one !== undefined);
    const gone: ExposureInfo[] = [];
    for (const key of new Set([...listed, ...this.#known.all()].filter(isMeant).map(keyOf))) {
      const removed = await this.#known.remove(key);
      if (removed === undefined) continue;
      if (removed.secret !== null) void vault.drop(removed.secret);
      gone.push({ address: removed.address, policy: removed.policy, at: removed.at, standBys: [] });
    }
    return gone;
  }

  isExposed(service: string): boolean {
    return this.#known.all().some((one) => one.service === service);
  }

  /** Of all services, by service; who stands by is told of this node alone. */
  all(): (ExposureInfo & { readonly service: string })[] {
    return this.#known.all().map((exposure) => {
      const { service, address, policy, at } = exposure;
      const holding = this.#holdings.get(keyOf(exposure));
      const isWaiting = holding !== undefined && !holding.isOpen;
      const standBys = isWaiting ? [{ node: this.#options.self, reason: holding.why }] : [];
      return { service, address, policy, at, standBys };
    });
  }

  /** Names of what is kept in the vault for them. */
  secrets(): (string | null)[] {
    return this.#known.all().map(({ secret }) => secret);
  }

  close(): void {
    this.#isOver = true;
    this.#entries?.close();
    this.#endMembers();
    for (const holding of this.#holdings.values()) holding.close();
    this.#holdings.clear();
    this.#options.freed();
  }
}

function keyOf({ service, address }: Exposure): string {
  return exposureKey(service, address);
}

/** @throws GodwitError EINVAL. */
function checkCredentials(certificate: string, key: string): void {
  try {
    createSecureContext({ cert: certificate, key });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw failure("EINVAL", `the certificate and its key cannot be used: ${why}`, error);
  }
}
