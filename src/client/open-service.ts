/** The way in to services, for programs of the host: what it takes is loaded when it is first used. */

import type { ServiceClient, ServiceOptions } from "./service.ts";

/**
 * Opens a service by its name: requests and connections go directly to where its processes are at home, where that is known, and
 * else by its stable address. While processes move, what is under way goes on, and what comes goes to the new place.
 * It follows its lookup, and keeps the program running, until it is closed.
 * @throws GodwitError EINVAL; ENOENT when the lookup knows no such service; EHOSTUNREACH when no lookup answers, and no home is
 * given.
 *
 * @example
 * const web = await openService("web", { lookup: "http://127.0.0.1:5380" });
 * console.log(await (await web.fetch("/hello")).text());
 * await web.close();
 */
export async function openService(name: string, options: ServiceOptions): Promise<ServiceClient> {
  const { open } = await import("./service.ts");
  return open(name, options);
}
