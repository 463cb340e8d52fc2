/** Where a program listens: an address of a machine, or a service by its name. */

const PORT_MAX = 65_535;

/** One of three: `address`, `port` (with `hostname`, or without), or `name`. */
export interface OwnAddress {
  /** `HOST:PORT`; port 0 for any that is free. */
  readonly address?: string;
  /** From 0 to 65535; 0 for any that is free. The same as the address `HOSTNAME:PORT`. */
  readonly port?: number;
  /** Of `port`; `127.0.0.1`, when nothing is said. */
  readonly hostname?: string;
  /** The service that clients know it by, behind the switches that show it: the same as the address `service:NAME`. */
  readonly name?: string;
}

export function ownAddress({ address, port, hostname, name }: OwnAddress): string {
  if ([address, port, name].filter((one) => one !== undefined).length !== 1)
    throw new TypeError("where to listen: give an address such as 127.0.0.1:8080, a port, or the name of a service");
  if (port !== undefined) return `${hostOf(hostname)}:${checked(port)}`;
  if (hostname !== undefined) throw new TypeError(`the hostname ${hostname} goes with a port: give that as well`);
  return name === undefined ? String(address) : `service:${name}`;
}

function checked(port: number): number {
  if (typeof port !== "number") throw new TypeError(`port is a ${typeof port}: give a number`);
  if (Number.isInteger(port) && port >= 0 && port <= PORT_MAX) return port;
  throw new RangeError(`port is ${port}: give a whole number from 0 to ${PORT_MAX}`);
}

/** As an address has it: IPv6 in brackets. */
function hostOf(hostname = "127.0.0.1"): string {
  const host = String(hostname);
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
