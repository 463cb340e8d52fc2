/** A client of HTTP that sends whatever bytes it is told to, and sees whatever bytes come. */

import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Far more than anything here takes. */
const WAIT_MAX_MS = 30_000;

export class RawClient {
  readonly socket: Socket;
  /** All that has come. */
  text = "";
  #look: () => void = () => {};
  #closed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("latin1").on("data", (text: string) => {
      this.text += text;
      this.#look();
    });
    socket.on("error", () => {}); // `close` follows
    socket.on("close", () => {
      this.#closed = true;
      this.#look();
    });
  }

  static async connect(url: string, options: { allowHalfOpen?: boolean } = {}): Promise<RawClient> {
    const { hostname, port } = new URL(url);
    const client = new RawClient(connect({ host: hostname, port: Number(port), ...options }));
    await once(client.socket, "connect");
    return client;
  }

  /** Characters are bytes. */
  send(text: string): this {
    this.socket.write(text, "latin1");
    return this;
  }

  get closed(): Promise<void> {
    return this.#until(() => this.#closed, "it was closed");
  }

  /** Resolves once what has come matches. Rejects when the connection closes without. */
  async seen(pattern: RegExp): Promise<RegExpExecArray> {
    await this.#until(() => this.#closed || pattern.test(this.text), String(pattern));
    const found = pattern.exec(this.text);
    if (found === null) throw new Error(`closed without ${String(pattern)}: ${JSON.stringify(this.text.slice(-500))}`);
    return found;
  }

  /** Statuses of the answers that came, in order. */
  get statuses(): number[] {
    return Array.from(this.text.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, status]) => Number(status));
  }

  #until(isSo: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`waited in vain until ${what}: ${JSON.stringify(this.text.slice(-500))}`)),
        WAIT_MAX_MS,
      );
      this.#look = () => {
        if (!isSo()) return;
        clearTimeout(timer);
        this.#look = () => {};
        resolve();
      };
      this.#look();
    });
  }
}

/** Sends all at once, and waits until the server closes; what came. */
export async function exchange(url: string, text: string): Promise<RawClient> {
  const client = (await RawClient.connect(url)).send(text);
  await client.closed;
  return client;
}
