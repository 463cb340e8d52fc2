/** Names of services and their ports, as /etc/services has them: services(5). */

export type Transport = "tcp" | "udp";

/** What a service is called, and where it is found. */
export interface ServiceName {
  /** The first name of its line. */
  readonly official: string;
  readonly port: number;
}

/** A table of services. A line that makes no sense is left out, as the system's own reader of such files does. */
export class ServiceNames {
  readonly #services = new Map<string, ServiceName>();

  /** Adds a file's lines: `NAME PORT/PROTOCOL ALIAS... # comment`. What is known already stays as it is. */
  add(text: string): void {
    for (const line of text.split("\n")) {
      const [official = "", place = "", ...aliases] = line
        .replace(/#.*$/, "")
        .trim()
        .split(/[ \t\r]+/);
      const [, port = "", protocol = ""] = /^(\d{1,5})\/([a-z]+)$/.exec(place) ?? [];
      if (protocol === "" || Number(port) > 65_535) continue;
      const service = { official, port: Number(port) };
      for (const name of [official, ...aliases]) {
        const key = `${name}/${protocol}`;
        if (!this.#services.has(key)) this.#services.set(key, service);
      }
    }
  }

  /** A service by one of its names, or a number, which is a port's. 0 is any port that is free. */
  find(name: string, transport: Transport): ServiceName | undefined {
    if (/^\d{1,5}$/.test(name)) return Number(name) <= 65_535 ? { official: name, port: Number(name) } : undefined;
    return this.#services.get(`${name}/${transport}`);
  }
}
