/** The superserver (inetd): listens for services that do not run, and starts their servers when a client comes. */

import { readFile, stat } from "node:fs/promises";
import { failure } from "../../errors.ts";
import { SUPERSERVER_FILE_MAX_BYTES } from "../../limits.ts";
import type { Bounds } from "./allowance.ts";
import { DatagramPost } from "./datagram-post.ts";
import { LentPost } from "./lent-post.ts";
import { type Plan, type Programs, planOf } from "./plan.ts";
import { type Log, type Post, reasonOf } from "./post.ts";
import { ServicePost } from "./service-post.ts";
import { type Service, keyOf, titleOf } from "./service.ts";
import { ServiceNames } from "./service-names.ts";
import { StreamPost } from "./stream-post.ts";

export interface SuperserverOptions {
  /** In the format of inetd.conf(5). */
  readonly file: string;
  /** Files of service names, in the format of services(5): the first that has a name tells its port. */
  readonly namesFiles: readonly string[];
  readonly bounds: Bounds;
  readonly programs: Programs;
  readonly log: Log;
}

/** A service that is served. */
export interface Served {
  readonly service: string;
  readonly protocol: string;
  /** With the real port. */
  readonly address: string;
  readonly line: number;
}

async function readBounded(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > SUPERSERVER_FILE_MAX_BYTES)
      throw failure("EINVAL", `${file} has ${size} bytes; at most ${SUPERSERVER_FILE_MAX_BYTES} are read`);
    return await readFile(file, "utf8");
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, "code") : undefined;
    if (code === "EINVAL") throw error;
    throw failure(code === "EACCES" ? "EACCES" : "ENOENT", `cannot read ${file}: ${reasonOf(error)}`, error);
  }
}

/**
 * Reads a configuration, and all that it names.
 * @throws GodwitError EINVAL with each line that makes no sense and why; ENOENT or EACCES for the files themselves.
 */
export async function readPlan(options: SuperserverOptions): Promise<Plan> {
  const names = new ServiceNames();
  for (const file of options.namesFiles) names.add(await readBounded(file));
  const text = await readBounded(options.file);
  const self = { uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1 };
  const plan = await planOf(text, { names, bounds: options.bounds, self, programs: options.programs });
  if (plan.problems.length === 0) return plan;
  const lines = plan.problems.map(({ line, reason }) => `${options.file}:${line}: ${reason}`);
  throw failure("EINVAL", lines.join("\n"));
}

function open(service: Service, log: Log): Promise<Post> {
  if (service.manner === "lend") return LentPost.open(service, log);
  if (service.manner === "expose") return ServicePost.open(service, log);
  return service.manner === "accept" ? StreamPost.open(service, log) : DatagramPost.open(service, log);
}

export class Superserver {
  readonly #options: SuperserverOptions;
  readonly #posts = new Map<string, Post>();
  /** One reload after the other. */
  #reloading: Promise<void> = Promise.resolve();

  private constructor(options: SuperserverOptions) {
    this.#options = options;
  }

  /** @throws GodwitError as {@link readPlan}; EADDRINUSE, EADDRNOTAVAIL or EACCES for an address: then nothing is served. */
  static async start(options: SuperserverOptions): Promise<Superserver> {
    const superserver = new Superserver(options);
    const faults = await superserver.#apply(await readPlan(options));
    const [fault] = faults;
    if (fault === undefined) return superserver;
    await superserver.stop();
    throw fault;
  }

  /** What is served, in the order of the file. */
  served(): Served[] {
    return [...this.#posts.values()]
      .map(({ address, service: { entry } }) => ({
        service: entry.service,
        protocol: entry.protocol.replace(/,.*$/, ""),
        address,
        line: entry.line,
      }))
      .sort((one, other) => one.line - other.line);
  }

  /**
   * Reads the files again. What is the same is not touched, what is new or changed is served from now on, what is gone is
   * not; clients that are being served are served to their end. A service whose address cannot be had is left out, and logged.
   * @throws GodwitError as {@link readPlan}: then all stays as it was.
   */
  reload(): Promise<void> {
    const own = this.#reloading.then(async () => {
      for (const fault of await this.#apply(await readPlan(this.#options))) this.#options.log(fault.message);
    });
    this.#reloading = own.catch(() => {});
    return own;
  }

  async #apply({ services }: Plan): Promise<Error[]> {
    const wanted = new Map(services.map((service) => [keyOf(service), service]));
    const faults: Error[] = [];
    for (const [key, post] of this.#posts) {
      if (wanted.has(key)) continue;
      this.#posts.delete(key);
      await post.close();
    }
    for (const [key, service] of wanted) {
      const post = this.#posts.get(key);
      if (post !== undefined) post.update(service);
      else {
        try {
          this.#posts.set(key, await open(service, this.#options.log));
        } catch (error) {
          faults.push(failure("EADDRNOTAVAIL", `${titleOf(service)}: ${reasonOf(error)}`, error));
        }
      }
    }
    return faults;
  }

  /** Closes all sockets, and what is served in here. Programs of the host that serve a client go on. */
  async stop(): Promise<void> {
    await this.#reloading;
    for (const post of this.#posts.values()) post.abandon();
    await Promise.all([...this.#posts.values()].map((post) => post.close()));
    this.#posts.clear();
  }
}
