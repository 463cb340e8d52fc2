/** Where a program listens: an address of a machine, or a service by its name. */

/** One of the two. */
export interface OwnAddress {
  /** `HOST:PORT`; port 0 for any that is free. */
  readonly address?: string;
  /** The service that clients know it by, behind the switches that show it: the same as the address `service:NAME`. */
  readonly name?: string;
}

export function ownAddress({ address, name }: OwnAddress): string {
  if ((address === undefined) === (name === undefined))
    throw new TypeError("where to listen: give an address such as 127.0.0.1:8080, or the name of a service");
  return name === undefined ? String(address) : `service:${name}`;
}
