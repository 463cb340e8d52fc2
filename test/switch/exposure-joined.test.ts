/** Nodes that were started each by itself, joined over NATS: one holds an address, the other stands by for it. */

import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "../../src/client/node-client.ts";
import { godwit, start } from "../cli/command.ts";
import { temporaryFolder } from "../cli/folder.ts";
import { endChildren } from "../cluster/child.ts";
import { until } from "../cluster/condition.ts";
import { NatsServers, findNatsServer } from "../cluster/nats-server.ts";

const found = await findNatsServer();
const skip = "missing" in found ? `NOT TESTED: ${found.missing}` : false;
if (skip !== false) console.error(skip);

/** Whether somebody takes connections there. */
function takes(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port: Number(new URL(url).port) });
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

const APP = `export default { fetch: () => new Response("hello") };`;

test(
  "its holder is killed, and the other one answers at the address; it comes back, and stands by",
  { skip, timeout: 120_000 },
  async (t) => {
    assert.ok("path" in found);
    const servers = await NatsServers.start(found.path, 1);
    t.after(async () => {
      await servers.stop();
      await endChildren();
    });
    const folder = temporaryFolder(t, { "app.ts": APP });
    const socketOf = (name: string) => join(folder, `${name}.sock`);
    const at = (name: string) => ({ folder, environment: { GODWIT_SOCKET: socketOf(name) } });
    const up = async (name: string, ...flags: string[]) => {
      const words = ["--engine", servers.urls.join(","), "--name", name, "--state", name, "--lwps", "1"];
      const running = start(t, ["up", ...words, "--address", "127.0.0.1", ...flags], at(name));
      await running.wrote("is up");
      return running;
    };
    const a = await up("a");
    const { token } = JSON.parse((await godwit(t, ["join-token", "--state", "a", "--json"], at("a"))).stdout);
    await up("b", "--join", token);

    const words = ["expose", "web", "--on", "http://127.0.0.1:0", "--at", "a,b", "--start", "app.ts", "--json"];
    const exposed = await godwit(t, words, at("a"));
    assert.equal(exposed.code, 0, exposed.stderr);
    const { address } = JSON.parse(exposed.stdout) as { address: string };
    const client = await connect(socketOf("b"));
    const exposure = async () => (await client.services()).find(({ name }) => name === "web")?.exposures[0];
    const standsBy = async (node: string) => (await exposure())?.standBys.some((one) => one.node === node) === true;
    await until("b stands by", () => standsBy("b"));
    const ask = async () => (await fetch(address, { headers: { connection: "close" } })).text();
    assert.equal(await ask(), "hello");

    const killedMs = performance.now();
    a.child.kill("SIGKILL");
    await a.ended;
    // A connection is taken at once; the request waits until it is known that its process is gone, and another started.
    await until("it takes connections", () => takes(address), 20_000);
    const takenMs = performance.now();
    assert.ok(takenMs - killedMs < 5_000, `${takenMs - killedMs} ms`);
    await until("it is answered", async () => (await ask()) === "hello", 30_000);
    t.diagnostic(
      `connections again after ${(takenMs - killedMs).toFixed(0)} ms, answers after ${(performance.now() - killedMs).toFixed(0)} ms`,
    );

    await up("a");
    await until("a stands by", () => standsBy("a"), 30_000);
    const listed = await godwit(t, ["services"], at("a"));
    assert.match(listed.stdout, /least-loaded +a +stands by: .*in use.*\n.* b +auto +holds it/);
    assert.match(listed.stdout, /SERVICE +STARTS +IDLE +PID\nweb +app\.ts +60s +\d+/);
  },
);
