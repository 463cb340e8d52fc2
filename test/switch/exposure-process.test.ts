/** The address of a service outlives the OS process of the node that has it: one that is killed, one that is drained. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type NodeClient, connect } from "../../src/client/node-client.ts";
import { godwit, start } from "../cli/command.ts";
import { temporaryFolder } from "../cli/folder.ts";
import { until } from "../cluster/condition.ts";
import { Launched } from "./launched.ts";

const LIMIT = { timeout: 120_000 };
const APP = `export default { fetch: (request: Request) => new Response("hello from " + new URL(request.url).pathname) };`;

interface Served {
  readonly client: NodeClient;
  readonly url: string;
  /** Names of the nodes where clients come in. */
  readonly holders: () => Promise<string[]>;
  readonly hostPidOf: (node: string) => Promise<number>;
}

/** Three nodes, a program on the last of them, and its service at one address of all. */
async function served(t: TestContext): Promise<Served> {
  const folder = temporaryFolder(t, { "app.ts": APP });
  const socket = join(folder, "s.sock");
  const at = { folder, environment: { GODWIT_SOCKET: socket } };
  const up = start(t, ["up", "--nodes", "3", "--respawn", "--lwps", "1"], at);
  await up.wrote("are up");
  const client = await connect(socket);
  const run = await godwit(t, ["run", "--detach", "--node", "n3", "--listen", "service:web", "app.ts"], at);
  assert.equal(run.code, 0, run.stderr);
  const exposed = await godwit(t, ["expose", "web", "--on", "http://127.0.0.1:0", "--at", "n1,n2", "--json"], at);
  assert.equal(exposed.code, 0, exposed.stderr);
  const { address: url } = JSON.parse(exposed.stdout) as { address: string };
  const web = async () => (await client.services()).find(({ name }) => name === "web");
  await until("both know of it", async () => {
    const found = await web();
    return (found?.fronts.length ?? 0) + (found?.exposures[0]?.standBys.length ?? 0) === 2;
  });
  const holders = async () => ((await web())?.fronts ?? []).map(({ node }) => node).sort();
  const hostPidOf = async (node: string) => (await client.nodes()).find(({ name }) => name === node)?.hostPid ?? 0;
  return { client, url, holders, hostPidOf };
}

/** A request by a connection of its own. */
async function ask(url: string): Promise<string> {
  const response = await fetch(`${url}/here`, { headers: { connection: "close" } });
  return response.text();
}

/** Asks again and again, each time by a new connection, until it is over. */
class Clients {
  asked = 0;
  /** What failed, by codes of errors. */
  readonly faults: string[] = [];
  readonly #done: Promise<void[]>;
  #isOver = false;

  constructor(url: string, count: number) {
    this.#done = Promise.all(Array.from({ length: count }, () => this.#ask(url)));
  }

  async #ask(url: string): Promise<void> {
    for (; !this.#isOver; this.asked++) {
      try {
        assert.equal(await ask(url), "hello from /here");
      } catch (error) {
        const { cause, message } = error as Error;
        this.faults.push(cause instanceof Error && "code" in cause ? String(cause.code) : message);
      }
    }
  }

  async goOn(): Promise<void> {
    const so = this.asked;
    await until("they are answered", () => this.asked > so + 20);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#done;
  }
}

test(
  "nodes of one machine hold one address together: one is killed, and no connection is refused",
  LIMIT,
  async (t) => {
    const { url, holders, hostPidOf } = await served(t);
    await until("both hold it", async () => (await holders()).join() === "n1,n2");
    const clients = new Clients(url, 3);
    for (const node of ["n1", "n2", "n1"]) {
      await clients.goOn();
      const hostPid = await hostPidOf(node);
      process.kill(hostPid, "SIGKILL");
      await until("it is noticed", async () => (await hostPidOf(node)) !== hostPid, 30_000);
      await clients.goOn();
      await until("it is back", async () => (await holders()).join() === "n1,n2", 30_000);
    }
    await clients.end();
    // What the killed nodes had in hand is lost with them.
    const lost = clients.faults.filter((fault) => fault === "UND_ERR_SOCKET" || fault === "ECONNRESET");
    assert.deepEqual(clients.faults, lost);
    assert.ok(lost.length <= 3 * 3, `${lost.length} lost of ${clients.asked}`);
    t.diagnostic(`${lost.length} of ${clients.asked} requests were lost with their nodes`);
  },
);

test("nodes that are told at the same time to hold one address together all hold it", LIMIT, async (t) => {
  const nodes = await Launched.start(["n1", "n2", "n3"]);
  t.after(() => nodes.stop());
  const names = ["n1", "n2", "n3"];
  const { address } = await nodes.front("n1");
  for (let round = 0; round < 5; round++) {
    await nodes.control.unexpose("web");
    const told = names.flatMap((node) => [
      nodes.front(node, { address, at: names }),
      nodes.front(node, { address, at: names }),
    ]);
    const done = await Promise.allSettled(told);
    assert.ok(done.some(({ status }) => status === "fulfilled"));
    const holders = async () =>
      (await nodes.control.services())[0]?.fronts
        .map(({ node }) => node)
        .sort()
        .join();
    await until("all hold it, each once", async () => (await holders()) === names.join(), 20_000);
  }
});

test("one that holds it is drained and leaves, and no request fails", LIMIT, async (t) => {
  const { client, url } = await served(t);
  const clients = new Clients(url, 3);
  await clients.goOn();
  const { left } = await client.drain("n1");
  assert.deepEqual(left, []);
  const isThere = async () => (await client.nodes()).some(({ name }) => name === "n1");
  await until("the node has left", async () => !(await isThere()), 20_000);
  await clients.goOn();
  await clients.end();
  assert.deepEqual(clients.faults, []);
});
