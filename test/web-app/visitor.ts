/** Clients of the example's application; what each sees, without what belongs to the connection or the moment. */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { Agent, type IncomingMessage, request as httpRequest } from "node:http";
import { promisify } from "node:util";
import { CookieJar } from "tough-cookie";
import { EventSource } from "undici";

/** Of the connection, or of the moment. Length and chunks are two ways to frame the same body. */
const NOT_COMPARED = new Set(["date", "connection", "keep-alive", "transfer-encoding", "content-length", "set-cookie"]);

export interface Answer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly cookies: readonly string[];
  readonly text: string;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | FormData;
}

/** A client with cookies and connections that it keeps, as browsers have them. */
export class Visitor {
  readonly #url: string;
  readonly #jar = new CookieJar();

  constructor(url: string) {
    this.#url = url;
  }

  at(path: string): string {
    return new URL(path, this.#url).href;
  }

  async ask(path: string, { method = "GET", headers = {}, body }: Asking = {}): Promise<Answer> {
    const url = this.at(path);
    const cookie = await this.#jar.getCookieString(url);
    const response = await fetch(url, {
      method,
      headers: { ...headers, ...(cookie === "" ? {} : { cookie }) },
      ...(body === undefined ? {} : { body }),
      redirect: "manual",
    });
    const cookies = response.headers.getSetCookie();
    for (const one of cookies) await this.#jar.setCookie(one, url);
    const text = await response.text();
    return { status: response.status, headers: this.#compared([...response.headers]), cookies, text };
  }

  /** The events of a stream, until there were `count`. */
  async events(path: string, type: string, count: number): Promise<string[]> {
    const source = new EventSource(this.at(path));
    try {
      const seen: string[] = [];
      await new Promise<void>((resolve, reject) => {
        source.addEventListener(type, (event) => {
          const { data, lastEventId } = event as Event & { readonly data: string; readonly lastEventId: string };
          if (seen.push(`${lastEventId}: ${data}`) === count) resolve();
        });
        source.addEventListener("error", () => reject(new Error("the stream of events broke")));
      });
      return seen;
    } finally {
      source.close();
    }
  }

  /** A request whose body goes out in pieces, each after the answer to the one before has come. */
  async converse(path: string, pieces: readonly string[]): Promise<string[]> {
    const request = httpRequest(this.at(path), { method: "POST", agent: false });
    const [first = "", ...others] = pieces;
    request.write(first);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const heard: string[] = [String((await once(response, "data"))[0])];
    for (const piece of others) {
      request.write(piece);
      heard.push(String((await once(response, "data"))[0]));
    }
    request.end();
    response.resume();
    await once(response, "end");
    return heard;
  }

  /** Reads with pauses, so that the sender has to wait. */
  async slowly(path: string): Promise<string> {
    const request = httpRequest(this.at(path), { agent: false }).end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const hash = createHash("sha256");
    let sizeBytes = 0;
    for await (const piece of response as AsyncIterable<Buffer>) {
      hash.update(piece);
      sizeBytes += piece.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return `${sizeBytes} ${hash.digest("hex")}`;
  }

  /** Leaves after the first bytes of the answer. */
  async leave(path: string): Promise<number> {
    const request = httpRequest(this.at(path), { agent: false }).end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    await once(response, "data");
    request.destroy();
    return response.statusCode ?? 0;
  }

  /** So many requests over one connection. */
  async keepAsking(path: string, count: number): Promise<number[]> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const statuses: number[] = [];
    const ports = new Set<number | undefined>();
    for (let asked = 0; asked < count; asked++) {
      const request = httpRequest(this.at(path), { agent }).end();
      const [response] = (await once(request, "response")) as [IncomingMessage];
      ports.add(response.socket.localPort);
      statuses.push(response.statusCode ?? 0);
      response.resume();
      await once(response, "end");
    }
    agent.destroy();
    return [...statuses, ports.size];
  }

  /** The same by curl; `args` before the URL. Status and headers, an empty line, the body. */
  async curl(path: string, ...args: readonly string[]): Promise<Answer> {
    const command = ["-sS", "-i", "--max-time", "60", "-H", "Expect:", ...args, this.at(path)];
    const { stdout } = await promisify(execFile)("curl", command, { maxBuffer: 16 * 2 ** 20 });
    const end = stdout.indexOf("\r\n\r\n");
    const [line = "", ...fields] = stdout.slice(0, end).split("\r\n");
    const headers = fields.map((field): [string, string] => {
      const colon = field.indexOf(":");
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
    });
    const cookies = headers.filter(([name]) => name === "set-cookie").map(([, value]) => value);
    return {
      status: Number(line.split(" ")[1]),
      headers: this.#compared(headers),
      cookies,
      text: stdout.slice(end + 4),
    };
  }

  /** Where the server is differs; that it says so does not. */
  #compared(headers: readonly (readonly [string, string])[]): string[] {
    const { host } = new URL(this.#url);
    return headers
      .filter(([name]) => !NOT_COMPARED.has(name))
      .map(([name, value]) => `${name}: ${value.replaceAll(host, "HOST")}`)
      .toSorted();
  }
}
